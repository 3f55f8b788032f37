"""What ``search`` prints ends with the answer, and says where a limit on trials cut a run short."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgenas.cli import main

JUDGE = "def judge(network):\n    return 20 + 20 * network.macs**0.06\n"


def printed(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[str, str, dict[str, str]]:
    """Return stdout, stderr and the last four lines as name -> value."""
    (tmp_path / "answer_judge.py").write_text(JUDGE)
    judge = f"{tmp_path}/answer_judge.py:judge"
    base = ["search", "nas_bench_macro", "--in-size", "8", "--accuracy", judge, "-o", str(tmp_path / "s.json")]
    with pytest.raises(SystemExit) as end:
        main([*base, *words])
    assert not end.value.code
    said = capsys.readouterr()
    lines = said.out.rstrip().splitlines()[-4:]
    return said.out, said.err, {name.strip(): value.strip() for name, _, value in (x.partition(":") for x in lines)}


def test_the_answer_is_last(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err, answer = printed(["--budget-macs", "2e6", "--max-trials", "30"], tmp_path, capsys)
    winner = json.loads((tmp_path / "s.json").read_text())["winner"]
    assert list(answer) == ["network", "accuracy", "MACs", "answer"]
    most = f"{winner['predicted_cost']:.4g}"
    assert answer["answer"] == f"the best network is {winner['key']}, {winner['accuracy']:.2f} %, {most} MACs"
    assert answer["network"] == f"nas_bench_macro/{winner['key']}"
    assert answer["accuracy"].startswith(f"{winner['accuracy']:.2f} %, judged by callable:")
    assert answer["accuracy"].endswith("% by the model of hybrid")
    assert answer["MACs"] == f"{winner['predicted_cost']:.4g}, exact"
    assert winner["algorithm"] == "hybrid" and "hybrid" in out and "cut short" not in err


def test_a_search_that_was_cut_short_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--budget-macs", "2e6", "--max-trials", "12", "--algorithm", "layernas"]
    out, err, _ = printed(words, tmp_path, capsys)
    notes = json.loads((tmp_path / "s.json").read_text())["runs"][0]["notes"]
    assert notes["layers_searched"] < notes["layers"] == 11 and notes["max_trials_reached"]
    place = f"in layer {notes['layers_searched'] + 1} of 11"
    assert f"the limit of trials ended it {place}, after 12 networks" in " ".join(err.split())
    assert "ended" in out and "limit" in out


def test_an_estimate_says_what_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "answer_judge.py").write_text(JUDGE)
    judge = f"estimate:{tmp_path}/answer_judge.py:judge"
    words = ["--budget-macs", "2e6", "--max-trials", "12", "--accuracy", judge, "--set", "estimate.networks=20"]
    _, _, answer = printed(words, tmp_path, capsys)
    assert answer["accuracy"].endswith(f"; an estimate of {judge.removeprefix('estimate:')}")
