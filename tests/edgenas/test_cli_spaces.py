"""``edgenas spaces``: what one can choose by, and what reaches a budget by a table or by a probe of a dozen blocks."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from edgenas.blocks.spec import BlockSpec
from edgenas.cli import main
from edgenas.latency_tables.campaign_time import pace_s
from edgenas.latency_tables.records import Measurement


def run(*words: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["spaces", *words])
    assert not ended.value.code


def test_the_listing_has_what_one_chooses_by(capsys: pytest.CaptureFixture[str]) -> None:
    run()
    printed = capsys.readouterr().out
    (row,) = (line for line in printed.splitlines() if line.startswith("mobilenet_v3_large "))
    assert "148 .. 364" in row and "3.76 .. 5.93" in row and row.split()[-3:] == ["75.2", "~4", "min"]
    run("--json")
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["mobilenet_v2"]["published"]["source"] == "arXiv 1801.04381, table 4"


def test_how_long_profiling_takes_is_said_of_a_space_too(capsys: pytest.CaptureFixture[str]) -> None:
    for words, told in (
        (("tunas_v3",), "~4 h 45 min"),
        (("digits",), "~10 s"),
        (("digits", "--in-size", "224"), "~94 s"),
    ):
        run(*words)
        assert f"profiling: {told}, an estimate" in re.sub(" +", " ", capsys.readouterr().out)


def test_the_pace_of_a_table_is_that_of_its_batches() -> None:
    """Batches of two blocks, 4 s and 6 s long, with 2 s between them, and one of 8 s on the next day: 50 s with a pause
    of 30 s, for 6 measurements."""
    blocks = [BlockSpec.parse(f"conv-8x3-o{out}-k3-s1-relu6") for out in (4, 8)]
    times = (("01T10:00:00", "01T10:00:04"), ("01T10:00:06", "01T10:00:12"), ("02T10:00:00", "02T10:00:08"))
    measured = [
        Measurement((block,), n, [[1000]], 1, None, {"time": f"2026-01-{a}"}, {"time": f"2026-01-{b}"}, batch=f"b{n}")
        for block in blocks
        for n, (a, b) in enumerate(times)
    ]
    assert pace_s(SimpleNamespace(measurements=measured)) == pytest.approx(50 / 6)  # type: ignore[arg-type]
    assert pace_s(SimpleNamespace(measurements=[replace(measured[0], before={})])) is None  # type: ignore[arg-type]


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
    assert again["model"] == first["model"] and again["spaces"][0]["profile_s"] == first["spaces"][0]["profile_s"]
    run("--fits", "8", "--device", "local-probe.jsonl")
    printed = capsys.readouterr().out
    assert "next: " in printed and "--device local-probe" not in printed
