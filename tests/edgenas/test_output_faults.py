"""Full disks, closed streams, and paths that are no files: one message, an exit code, nothing left behind."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edgenas.cli import main
from tests.conftest import ROOT
from tests.support.published import TEXTS
from tests.support.report_toys import write_finished_run

MOST_BYTES = 700  #: of a file while ``full`` holds: smaller than every file that a verb writes
#: verbs that write a file or a folder OUT
WRITERS = (
    "report RUN -o OUT",
    "export RUN/search.json -o OUT",
    "bundle RUN -o OUT",
    "table import fbnet.csv --format fbnet -o OUT",
    "table show RUN/table-litert.jsonl --csv OUT",
    "front RUN/search.json --picture OUT.svg",
)
#: verbs that read a file HERE that the user names
READERS = (
    "report HERE",
    "report RUN HERE",
    "blocks HERE.json",
    "export HERE.json",
    "export RUN/search.json --weights HERE -o out",
    "export RUN/search.json --labels HERE -o out",
    "export RUN/search.json --precision int8 --calibrate HERE -o out",
    "export RUN/search.json --test HERE -o out",
    "front HERE.json",
    "verify HERE.tflite",
    "verify HERE.tflite --sustained 10s",
    "verify RUN/model.tflite --sustained 10s -o HERE",
    "verify RUN/model.tflite --table HERE --network RUN/search.json",
    "verify RUN/model.tflite --images HERE",
    "table show HERE",
    "table check HERE --space nas_bench_macro",
    "table diff HERE HERE",
    "table import HERE --format fbnet -o out.jsonl",
    "table validate HERE --space nas_bench_macro",
    "search nas_bench_macro --table HERE --budget-ms 1 --accuracy digits",
    "search nas_bench_macro --budget-macs 1e8 --accuracy nas-bench-macro:HERE",
    "search HERE.py:tiny --budget-macs 1e8 --accuracy digits",
    "search nas_bench_macro --budget-macs 60e6 --accuracy train --images HERE",
    "search nas_bench_macro --budget-macs 60e6 --accuracy judge.py:judge --algorithm random --max-trials 1 -o J.json",
    "profile nas_bench_macro -o HERE",
    "profile nas_bench_macro --inventory HERE -o out.jsonl",
    "ship digits_relu6 --images HERE --budget-ms 1 -o out",
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_finished_run(tmp_path_factory.mktemp("faults") / "run", ("fp32",))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fbnet.csv").write_text(TEXTS["fbnet"])
    (tmp_path / "judge.py").write_text("def judge(architecture):\n    return 50.0\n")
    return tmp_path


@contextmanager
def full() -> Iterator[None]:
    """No file grows beyond MOST_BYTES: writing more fails as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Fail where the block waits for ever."""

    def late(*_: object) -> None:
        raise AssertionError(f"it took longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def ended(typed: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Return exit code and last line on stderr of a command."""
    with pytest.raises(SystemExit) as end:
        main(typed.split())
    err = capsys.readouterr().err
    assert "Traceback" not in err
    return int(end.value.code or 0), err.strip().split("\n")[-1]


@pytest.mark.parametrize("typed", WRITERS, ids=lambda typed: str(typed).partition(" -")[0])
def test_a_full_disk(typed: str, run: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(path.name for path in folder.iterdir())
    with full():
        code, said = ended(typed.replace("RUN", str(run)).replace("OUT", "out"), capsys)
    assert code == 1 and said.startswith("edgenas: ") and "File too large" in said and "out" in said
    assert sorted(path.name for path in folder.iterdir()) == before
    code, said = ended(typed.replace("RUN", str(run)).replace("OUT", "out"), capsys)
    assert code == 0, said


def test_a_full_disk_keeps_what_was_there(run: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "report.html").write_text("the old page")
    with full():
        assert ended(f"report {run}", capsys)[0] == 1
    assert (folder / "report.html").read_text() == "the old page"


@pytest.mark.parametrize("typed", READERS)
@pytest.mark.parametrize("kind", ["fifo", "link to a device"])
def test_what_is_no_file_is_refused_at_once(
    typed: str, kind: str, run: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = next((w for w in typed.replace(":", " ").split() if w.startswith("HERE")), "J.trials.jsonl")
    path = folder / name
    if kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    before = sorted(path.name for path in folder.iterdir())
    with within(60):
        code, said = ended(typed.replace("RUN", str(run)), capsys)
    assert code == 2 and name in said, said
    assert sorted(path.name for path in folder.iterdir() if path.name != "__pycache__") == before


@pytest.mark.parametrize(
    "typed", ["report RUN -o", "export RUN/search.json -o", "table show", "verify", "profile x -o"]
)
def test_an_empty_text_is_no_path(typed: str, run: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(SystemExit) as end:
        main([*typed.replace("RUN", str(run)).split(), ""])
    assert end.value.code == 2 and "an empty text is no path" in capsys.readouterr().err
    assert sorted(path.name for path in folder.iterdir()) == before


@pytest.mark.parametrize("text", ["precious text", "precious\ntext", '{"format":"edgenas-trials"'])
@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("search nas_bench_macro --budget-macs 60e6 --accuracy judge.py:judge -o x.json", "x.trials.jsonl"),
        ("verify RUN/model.tflite --sustained 10m -o x.jsonl", "x.jsonl"),
        ("profile digits --force -o x.jsonl", "x.jsonl"),
        ("table validate x.jsonl --space digits", "x.jsonl"),
        ("table import fbnet.csv --format fbnet -o x.jsonl", "x.jsonl"),
    ],
)
def test_a_file_of_another_kind_is_left_alone(
    typed: str, name: str, text: str, run: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if "trials" in text and "trials" in name:
        text = '{"format":"edgenas sustained load"'
    (folder / name).write_text(text)
    with within(120):  # nothing is measured before it is refused
        code, said = ended(typed.replace("RUN", str(run)), capsys)
    assert code == 2 and name in said, said
    assert (folder / name).read_text() == text


def test_a_search_looks_at_its_result_file_before_it_judges(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(folder / "x.json")
    (folder / "judge.py").write_text("def judge(architecture):\n    raise AssertionError('judged')\n")
    code, said = ended("search nas_bench_macro --budget-macs 60e6 --accuracy judge.py:judge -o x.json", capsys)
    assert code == 2 and "x.json: it is not a regular file" in said
    assert sorted(path.name for path in folder.iterdir()) == ["fbnet.csv", "judge.py", "x.json"]


@pytest.mark.parametrize(
    ("shell", "code", "says"),
    [
        ("spaces >/dev/full", 1, "edgenas: stdout: No space left on device"),
        ("spaces --json >/dev/full", 1, "edgenas: stdout: No space left on device"),
        ("--help >/dev/full", 1, "edgenas: stdout: No space left on device"),
        ("spaces >&-", 1, "edgenas: stdout: Bad file descriptor"),
        ("spaces --json <&- >&-", 1, "edgenas: stdout: Bad file descriptor"),
        ("spaces >&- 2>&-", 1, ""),
        ("spaces 2>&-", 0, ""),
        ("spaces --json | head -c1 >/dev/null; exit ${PIPESTATUS[0]}", None, ""),
    ],
)
def test_standard_streams(shell: str, code: int | None, says: str) -> None:
    command = f"{sys.executable} -m edgenas {shell}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert code is None or done.returncode == code
    assert done.stderr.startswith(says) and done.stderr.count("\n") == bool(says)
