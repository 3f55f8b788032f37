"""The last line of a verb is its answer, one sentence."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from edgenas.cli import main
from edgenas.cli.terminal import print_summary
from tests.conftest import ROOT

#: verbs that set something up: what is next is their answer
SET_UP = {
    *("devices/add.py", "devices/enroll.py", "devices/facts.py", "devices/prepare.py", "devices/unlock.py"),
    *("table/template.py", "table/import_.py", "table/check.py", "table/diff.py", "table/fit.py"),
    *("adapt/make.py", "adapt/try_.py", "watch.py", "train.py"),
}


def test_the_answer_is_printed_last(capsys: pytest.CaptureFixture[str]) -> None:
    print_summary({"next": "edgenas verify b"}, "b/ holds 17 files")
    assert capsys.readouterr().out.splitlines() == ["next:   edgenas verify b", "answer: b/ holds 17 files"]


def test_what_is_next_is_never_the_last_word_of_a_verb_that_answers() -> None:
    folder, found = ROOT / "edgenas" / "cli", []
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print_summary":
                ends_with_next = "'next'" in ast.unparse(node.args[0])
                if ends_with_next and len(node.args) == 1:
                    found.append(str(path.relative_to(folder)))
    assert set(found) <= SET_UP


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
