"""Every verb refuses every file of a run that is of a version which this edgenas does not know."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from edgenas.base.errors import InputError
from edgenas.bundle.write import write_bundle
from edgenas.cli import main
from edgenas.runs.bundle import manifest
from edgenas.runs.finalists import FINALISTS, Finalists
from edgenas.runs.layout import MANIFEST
from edgenas.runs.run import RUN
from edgenas.runs.verification import VERIFICATION
from edgenas.ship.finalists import kept_finalists
from edgenas.watch.server import WatchedRuns
from tests.latency_tables.test_validation import SPACE
from tests.support.report_toys import searched, write_finished_run

#: files of the run: what a report, a bundle and a watcher look into
OF_A_RUN = (
    "run.json", "search.json", "search.trials.jsonl", "table-litert.jsonl", "sustained.jsonl", "verification.jsonl",
    "verified.json", "arch.json", "finalists.json", "preprocessing.json", "bundle.json",
)  # fmt: skip
NETWORK = ("search.json", "arch.json")
CASES = [
    *(("report RUN", name) for name in OF_A_RUN),
    *(("bundle RUN -o out", name) for name in OF_A_RUN),
    *(("export RUN/NAME -o out", name) for name in NETWORK),
    *(("blocks RUN/NAME", name) for name in NETWORK),
    *(("verify RUN/model.tflite --network RUN/NAME --table RUN/table-litert.jsonl", name) for name in NETWORK),
    ("front RUN/NAME", "search.json"),
    ("verify BUNDLE", "bundle.json"),
    ("verify BUNDLE", "verification.jsonl"),
    ("verify BUNDLE --sustained 10s", "bundle.json"),
    ("verify BUNDLE --sustained 10s", "verification.jsonl"),
    ("verify RUN/model.tflite --sustained 10s -o RUN/NAME", "sustained.jsonl"),
    *(
        ("bundle RUN/model --search RUN/search.json --test RUN -o out", name)
        for name in ("model/arch.json", "model/preprocessing.json", "search.json", "search.trials.jsonl")
    ),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with every file there is, its bundle, and what export wrote."""
    folder = tmp_path_factory.mktemp("versions")
    run = write_finished_run(folder / "run", ("fp32",))
    write_bundle(run, folder / "bundle")
    shutil.copy(folder / "bundle" / "bundle.json", run)
    found = RUN.read(run / "run.json")
    VERIFICATION.write_lines(run / "verification.jsonl", found.verdicts)
    (run / "verified.json").write_text(json.dumps([VERIFICATION.to_json(v) for v in found.verdicts]))
    FINALISTS.write(run / "finalists.json", Finalists("0" * 64, found.finalists))
    (run / "model").mkdir()
    for name in ("model.tflite", "arch.json", "labels.txt", "preprocessing.json", "predict.py"):
        shutil.copy(run / name, run / "model")
    return folder


def newer(path: Path) -> None:
    """Make a file say that it is of version 99, in its first record or in itself."""
    first, newline, rest = path.read_text().partition("\n") if path.suffix == ".jsonl" else (path.read_text(), "", "")
    data = json.loads(first)
    record = data[0] if isinstance(data, list) else data
    assert isinstance(record["version"], int)
    record["version"] = 99
    path.write_text(json.dumps(data) + newline + rest)


@pytest.mark.parametrize(("typed", "name"), CASES, ids=[f"{typed.split()[0]}-{name}" for typed, name in CASES])
def test_a_verb_refuses_a_newer_file(
    typed: str,
    name: str,
    made: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run, bundle = tmp_path / "run", tmp_path / "bundle"
    shutil.copytree(made / "run", run)
    shutil.copytree(made / "bundle", bundle)
    newer((bundle if "BUNDLE" in typed else run) / name)
    (bundle / MANIFEST).write_text(manifest(bundle))
    monkeypatch.chdir(tmp_path)
    argv = [
        word.replace("NAME", name).replace("RUN", str(run)).replace("BUNDLE", str(bundle)) for word in typed.split()
    ]
    with pytest.raises(SystemExit) as ended:
        main(argv)
    said = capsys.readouterr().err
    assert ended.value.code == 2, said
    assert Path(name).name in said and "version 99" in said and "this edgenas reads version" in said
    assert re.search(r"; (name another journal, or )?get .*newer.*: git -C ", said) and not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", OF_A_RUN)
def test_watch_says_what_it_cannot_show(name: str, made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "run", tmp_path / "run")
    newer(tmp_path / "run" / name)
    assert "version 99" in WatchedRuns([tmp_path / "run"]).page()
    assert "version 99" not in WatchedRuns([made / "run"]).page()


def test_finalists_of_a_newer_version_are_not_overwritten(made: Path, tmp_path: Path) -> None:
    record, _ = searched(shutil.copytree(made / "run", tmp_path / "run"))
    path = tmp_path / "run" / "finalists.json"
    newer(path)
    before = path.read_bytes()
    with pytest.raises(InputError, match="version 99"):
        kept_finalists(path, SPACE, record, 1.5, lambda networks: pytest.fail("timed"))
    assert path.read_bytes() == before


def test_nothing_of_it_is_refused_today(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what is refused above is refused for its version."""
    monkeypatch.chdir(tmp_path)
    run = str(made / "run")
    for argv in (
        ["report", run],
        ["bundle", run, "-o", "out"],
        ["blocks", f"{run}/arch.json"],
        ["export", f"{run}/search.json"],
        ["front", f"{run}/search.json"],
    ):
        with pytest.raises(SystemExit) as ended:
            main(argv)
        assert ended.value.code in (0, None), argv
