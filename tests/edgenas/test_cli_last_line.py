"""The last line of a verb is its answer, one sentence."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from edgenas.cli import main
from edgenas.cli.terminal import print_summary
from tests.conftest import ROOT


def test_the_answer_is_printed_last(capsys: pytest.CaptureFixture[str]) -> None:
    print_summary({"next": "edgenas verify b"}, "b/ holds 17 files")
    assert capsys.readouterr().out.splitlines() == ["next:   edgenas verify b", "answer: b/ holds 17 files"]


def test_what_prints_rows_without_an_answer_is_a_part_of_a_verb() -> None:
    found: dict[str, set[str]] = {"print_pairs": set(), "print_summary": set()}
    for path in sorted((ROOT / "edgenas" / "cli").rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef):
                called = {getattr(n.func, "id", "") for n in ast.walk(function) if isinstance(n, ast.Call)}
                for name in called & set(found):
                    found[name].add(f"{path.stem}.{function.name}")
    parts = {"check.command", "terminal.print_summary", "validate.print_validation", "verify_sustained.print_sustained"}
    assert found["print_pairs"] == parts
    assert len(found["print_summary"]) > 25


def test_the_last_line_of_spaces_and_blocks(capsys: pytest.CaptureFixture[str]) -> None:
    for words, end in (
        (["spaces"], "27 spaces, from 6,561 networks to 2.60e+38"),
        (["spaces", "digits"], "digits: 117,649 networks of 41 distinct blocks"),
        (["blocks", "digits"], "41 distinct blocks"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert not ended.value.code
        assert capsys.readouterr().out.splitlines()[-1].removeprefix("answer:").strip() == end


def test_a_bundle_says_what_it_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ai_edge_quantizer")
    from tests.support.report_toys import write_finished_run

    run = write_finished_run(tmp_path / "run")
    with pytest.raises(SystemExit):
        main(["bundle", str(run), "-o", str(tmp_path / "b")])
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"answer: {tmp_path}/b/ holds {len(list((tmp_path / 'b').iterdir()))} files, with the sha256 of each"


def test_verbs_that_set_something_up_say_what_is_there_now(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "devices.toml"
    for words, end in (
        (["devices", "add", "pi4", "--ssh", "pi@pi4.invalid", "--inventory", str(mine)], f"pi4 is in {mine}"),
        (["table", "template", "digits", "-o", str(tmp_path / "t.csv")], f"{tmp_path}/t.csv has 41 blocks to fill in"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert not ended.value.code
        assert re.sub(r"^answer: +", "", capsys.readouterr().out.splitlines()[-1]) == end
