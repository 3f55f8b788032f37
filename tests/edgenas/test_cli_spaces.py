"""``edgenas spaces``: what one can choose by, and what reaches a budget by a table or by a probe of a dozen blocks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgenas.cli import main


def run(*words: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["spaces", *words])
    assert not ended.value.code


def test_the_listing_has_what_one_chooses_by(capsys: pytest.CaptureFixture[str]) -> None:
    run()
    printed = capsys.readouterr().out
    (row,) = (line for line in printed.splitlines() if line.startswith("mobilenet_v3_large "))
    assert "148 .. 364" in row and "3.76 .. 5.93" in row and row.endswith("75.2")
    run("--json")
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["mobilenet_v2"]["published"]["source"] == "arXiv 1801.04381, table 4"


def test_a_budget_needs_no_other_options(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("digits", "--fits", "8ms"), ("--fits", "8 s")):
        with pytest.raises(SystemExit, match="2"):
            main(["spaces", *words])
    refused = capsys.readouterr().err
    assert "leave out NAME" in refused and "is not a number of ms above 0" in refused


@pytest.mark.slow
def test_a_probe_of_this_machine_and_then_its_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run("--fits", "8ms", "--force", "--json")
    first = json.loads(capsys.readouterr().out)
    assert first["table"] == "local-probe.jsonl" and first["model"]["blocks"] == 12
    by_name = {row["name"]: row for row in first["spaces"]}
    assert by_name["digits"]["sizes"][0]["inside"] == "all" and by_name["digits"]["profile_s"] > 0
    large = by_name["efficientnet_lite4"]["sizes"]
    assert [each["least_ms"] for each in large] == sorted(each["least_ms"] for each in large)
    run("--fits", "8", "--device", "local-probe.jsonl", "--json")
    again = json.loads(capsys.readouterr().out)
    assert again["model"] == first["model"] and again["spaces"][0]["profile_s"] is None
    run("--fits", "8", "--device", "local-probe.jsonl")
    printed = capsys.readouterr().out
    assert "next: " in printed and "--device local-probe" not in printed
