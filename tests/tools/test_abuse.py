"""A sample of ``tools/bench/abuse.py``, in this process, and that its counts see what is wrong."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tools.bench.abuse import Case, cases, judged, rows, state
from tools.bench.abuse_inputs import COMMON
from tools.bench.abuse_verbs import SLOTS, in_process, material

pytestmark = pytest.mark.slow  # real processes and files for each test

QUICK = ("front", "report", "blocks", "table show", "table diff", "devices", "verify of a bundle")
STEP = 4


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    before = Path.cwd()
    os.chdir(folder)
    try:
        material(folder)
    finally:
        os.chdir(before)
    return folder


def sampled() -> list[Case]:
    return [case for case in cases() if case.verb in QUICK and case.slot is not None][::STEP]


@pytest.mark.parametrize("case", sampled(), ids=lambda case: f"{case.verb}: {case.what}")
def test_a_bad_input_is_refused(case: Case, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "here"
    shutil.copytree(good, here)
    arguments = [os.fsdecode(argument) for argument in case.prepared(here)]
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(here)
    before = state(here)
    code, said = in_process(arguments)
    assert judged(case, code, said, before, state(here)).faults == (), (code, said)


def test_each_verb_that_reads_a_file_has_cases() -> None:
    found = [case.verb for case in cases()]
    assert len(found) >= 150
    wanted = {"front", "export", "report", "blocks", "verify", "verify of a bundle", "bundle", "search", "ship"}
    wanted |= {"profile", "devices", "watch", *(f"table {verb}" for verb in ("show", "check", "validate", "diff"))}
    assert wanted | {"table import"} <= set(found)


@pytest.mark.parametrize(
    ("code", "said", "after", "faults"),
    [
        (2, "edgenas: no\n", {"a": "1"}, ()),
        (2, "Usage: edgenas\n\nError: no\n", {"a": "1"}, ("silent",)),
        (1, "edgenas: no\n", {"a": "1"}, ("wrong exit code",)),
        (1, "Traceback (most recent call last):\n", {"a": "1"}, ("crashed", "wrong exit code", "silent")),
        (-11, "edgenas: no\n", {"a": "1"}, ("crashed",)),
        (None, "", {"a": "1"}, ("hung",)),
        (2, "edgenas: no\nedgenas: no\n", {"a": "1"}, ("silent",)),
        (2, "edgenas: no\n", {"a": "1", "b": "2"}, ("left behind",)),
        (2, "edgenas: no\n", {"a": "2"}, ("changed",)),
        (2, "edgenas: no\n", {}, ("changed",)),
    ],
)
def test_faults_are_counted(code: int | None, said: str, after: dict[str, str], faults: tuple[str, ...]) -> None:
    case = Case("front", "empty", SLOTS[0].command, SLOTS[0], COMMON["empty"], b"bad.json")
    ended = judged(case, code, said, {"a": "1"}, after)
    assert ended.faults == faults
    (row,) = rows([ended])
    assert [name for name, count in row.items() if count == 1 and name != "cases"] == list(faults)
