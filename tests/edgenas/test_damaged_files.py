"""Files of a run with numbers beyond a float, deep nesting, or a torn first line: one error that names the file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from edgenas.base.sealing import sealed
from edgenas.cli import main
from tests.support.report_toys import write_finished_run

DOCUMENTS = ("search.json", "run.json", "arch.json", "preprocessing.json")
LINES = ("table-litert.jsonl", "search.trials.jsonl", "sustained.jsonl")
DAMAGE = {"deep": "[" * 100_000, "huge": "1" + "0" * 400, "float": "1e400", "twice": '{"a": 1, "a": 2}'}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_finished_run(tmp_path_factory.mktemp("damaged") / "run", ("fp32",))


@pytest.fixture
def run(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(made, tmp_path / "run"))


def refused(typed: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(typed.split())
    err = capsys.readouterr().err
    assert end.value.code == 2, err
    assert says in err.strip().split("\n")[-1] and err.count("edgenas: ") == 1


def with_value(data: Any, text: str) -> str:
    """JSON of an object with one more field."""
    return json.dumps({**data, "more": "@"}).replace('"@"', text)


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents(name: str, damage: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run / name
    path.write_text(with_value(json.loads(path.read_text()), DAMAGE[damage]))
    for typed in {
        "search.json": ("export run/search.json -o out", "front run/search.json", "blocks run/search.json"),
        "arch.json": ("export run/arch.json -o out", "blocks run/arch.json"),
    }.get(name, ("bundle run -o out",)):
        refused(typed, name, capsys)
    assert not Path("out").exists()


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize(("name", "line"), [(name, line) for name in LINES for line in (0, 1)][:-1])
def test_lines(name: str, damage: str, line: int, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run / name
    lines = path.read_text().splitlines()
    lines[line] = with_value(json.loads(lines[line]), DAMAGE[damage])
    path.write_text("\n".join(lines) + "\n")
    refused(f"report {path}", name, capsys)


@pytest.mark.parametrize("value", [10**400, -(10**400)])
def test_a_sealed_number_beyond_a_float(value: int, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run / "table-litert.jsonl"
    head, first, *rest = path.read_text().splitlines()
    record = {**json.loads(first), "checksum": [value, 1.0]}
    del record["crc32"]
    path.write_text("\n".join([head, json.dumps(sealed(record)), *rest]) + "\n")
    refused(f"table show {path}", "line 2: damaged record", capsys)


@pytest.mark.parametrize("name", LINES)
def test_a_first_line_without_its_newline(name: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(name)
    path.write_text((run / name).read_text().split("\n")[0])
    if name == "sustained.jsonl":  # nothing in it is whole; a report of it has nothing to show
        with pytest.raises(SystemExit):
            main(["report", name])
        assert "Traceback" not in capsys.readouterr().err
    else:
        refused(f"report {name}", name, capsys)


@pytest.mark.parametrize("typed", ["table show T", "table show T --json", "report T", "table show T --csv c"])
def test_a_campaign_stopped_before_its_first_batch(typed: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("head.jsonl").write_text((run / "table-litert.jsonl").read_text().split("\n")[0] + "\n")
    with pytest.raises(SystemExit) as end:
        main(typed.replace("T", "head.jsonl").split())
    assert end.value.code in (0, None), capsys.readouterr().err
