"""The program that breaks what each test file guards: what it breaks, and in which tree its tests run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tools.bench import mutation
from tools.bench.mutation import NO_TARGET, NOTICED, SKIPPED, UNNOTICED, Row, digests, guarded, kept
from tools.bench.mutation_breaks import breaks
from tools.bench.mutation_copy import copied, python

CODE = """\
def used(number):
    if number < 3:
        return number
    return number * 2


def unused(number):
    return number - 1


class Thing:
    def value(self):
        raise ValueError("none")
"""


def test_only_functions_that_were_called_are_broken(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(CODE)
    found = breaks(tmp_path, "code.py", {1})
    assert {each.line for each in found} == {2, 3, 4}
    assert {each.after for each in found} == {
        "number >= 3", "(not (number < 3))", "(3 + 1)", "None", "(number / 2)", "(2 + 1)"
    }  # fmt: skip
    (turned,) = (each for each in found if each.after == "number >= 3")
    assert turned.applied(CODE.encode()).decode() == CODE.replace("number < 3", "number >= 3")
    assert {each.line for each in breaks(tmp_path, "code.py", {7, 12}, {"Thing"})} == {13}
    assert not breaks(tmp_path, "code.py", set())


def test_what_a_test_file_names_is_broken_first(tmp_path: Path) -> None:
    for name in ("search/answer.py", "search/other.py", "base/lower.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(CODE)
    (tmp_path / "edgenas").mkdir()
    (tmp_path / "edgenas" / "base").symlink_to("../base")
    (tmp_path / "tests" / "search").mkdir(parents=True)
    test = "tests/search/test_last_answer.py"
    (tmp_path / test).write_text("from edgenas.base.lower import used\n")
    calls = {name: {1} for name in ("search/answer.py", "search/other.py", "base/lower.py", "tests/support/toys.py")}
    groups = [{each.path for each in group} for group in guarded(tmp_path, test, calls)]
    assert groups == [set(), {"base/lower.py"}, {"search/answer.py"}, {"search/other.py"}, set()]


def test_a_result_is_kept_while_its_files_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text("a")
    (tmp_path / "code.py").write_text("b")
    row = Row("test_a.py", UNNOTICED, "", ["code.py:3: a -> b"])
    row.digests.update(digests(tmp_path, row))
    journal = tmp_path / "j.jsonl"
    line = json.dumps({name: getattr(row, name) for name in Row.__slots__})
    journal.write_text(f"{line}\n{line[:20]}")
    assert kept(journal, tmp_path) == {"test_a.py": row}
    (tmp_path / "code.py").write_text("c")
    assert not kept(journal, tmp_path)


#: a test that imports the code in a child process, which does not get the PYTHONPATH of the run
CHILD = """\
import subprocess, sys

def test_text():
    code = "from edgenas.base.text import printable; print(printable('a\\\\nb'))"
    env = {"PYTHONPATH": "/nowhere", "EDGENAS_CALLS": __import__("os").environ.get("EDGENAS_CALLS", "")}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, cwd="/")
    assert done.stdout == "a b\\n", done.stderr
"""


TRIES = """\
import json, sys
from dataclasses import asdict
from pathlib import Path
from tools.bench.mutation import tried

folder = Path(sys.argv[1])
print(json.dumps([asdict(tried(folder, name, 3, 100, 0, folder)) for name in sys.argv[2:]]))
"""


@pytest.mark.slow
def test_child_processes_import_the_broken_copy(tmp_path: Path) -> None:
    folder = copied(ROOT, tmp_path / "copy")
    for name, text in {"child": CHILD, "idle": "def test_nothing():\n    open(__file__).close()\n"}.items():
        (folder / "tests" / "base" / f"test_{name}.py").write_text(text)
    (folder / "tests" / "base" / "test_away.py").write_text("import pytest\n\npytest.importorskip('no_such_thing')\n")
    names = [f"tests/base/test_{name}.py" for name in ("child", "idle", "away")]
    argv = [sys.executable, "-c", TRIES, folder, *names]
    done = subprocess.run(argv, cwd=ROOT, check=True, capture_output=True, text=True)
    rows = {name: Row(**row) for name, row in zip(("child", "idle", "away"), json.loads(done.stdout), strict=True)}
    assert rows["child"].outcome == NOTICED and rows["child"].broken.startswith("base/text.py:"), rows["child"]
    assert (folder / "base" / "text.py").read_text() == (ROOT / "base" / "text.py").read_text()
    assert rows["idle"].outcome == NO_TARGET and "read files" in rows["idle"].reason
    assert rows["away"].outcome == SKIPPED and "no_such_thing" in rows["away"].reason
    script = (folder / ".venv" / "bin" / "edgenas").read_text()
    assert script.startswith(f"#!{python(folder)}\n")


def test_a_stopped_run_continues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def once(folder: Path, test: str, *rest: object) -> Row:
        asked.append(test)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return Row(test, NOTICED, "base/text.py:18: a -> b")

    monkeypatch.setattr(mutation, "copied", lambda root, folder: ROOT)
    monkeypatch.setattr(mutation, "tried", once)
    names = ["tests/base/test_text.py", "tests/base/test_undo.py"]
    words = ["--journal", str(tmp_path / "runs" / "j.jsonl"), "--json", str(tmp_path / "rows.json"), *names]
    with pytest.raises(KeyboardInterrupt):
        mutation.main(words)
    assert mutation.main(words) == 0
    assert asked == [names[0], names[1], names[1]]
    assert [row["test"] for row in json.loads((tmp_path / "rows.json").read_text())] == names
