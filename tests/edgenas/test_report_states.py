"""One meaning of "inside": the page, its first sentence and the card say it as loudly as the terminal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest

from edgenas.latency_tables.records import VoidedRounds
from edgenas.latency_tables.table import LatencyTable
from edgenas.profiler.verdict import Verdict
from edgenas.report.card_files import files_table
from edgenas.report.html import h, render
from edgenas.report.sections.verified import verified_section
from edgenas.report.series import discarded_rounds, discarded_text
from edgenas.report.states import budget_note, budget_state, in_statistic
from edgenas.report.top import tiles
from edgenas.report.verdict_line import verdict_lines
from edgenas.runs.run import FileRecord, RunRecord
from tests.latency_tables.test_journal import SETTING
from tests.latency_tables.test_validation import SPACE
from tests.support.report_toys import Pi

INSIDE = Verdict("model.tflite", "local", "litert", "min", 0.08, 0.079, 0.082, 0.083, 0.09, 0.085, 0.081, True, SETTING)
PARTLY = replace(INSIDE, median_ms=0.0869, median_low_ms=0.0861, median_high_ms=0.0875)
OUTSIDE = replace(INSIDE, high_ms=0.086, within_budget=False)


def run_of(verdict: Verdict) -> RunRecord:
    files = {"model.tflite": FileRecord(precision="fp32", accuracy=95.6, pictures=2396)}
    return RunRecord(winner="1.2", budget_ms=verdict.budget_ms, files=files, verdicts=(verdict,))


def text(element: Element | None) -> str:
    return "" if element is None else "".join(element.itertext())


@pytest.mark.parametrize(("verdict", "state"), [(INSIDE, "inside"), (PARTLY, "partly"), (OUTSIDE, "outside")])
def test_every_place_has_the_same_state(verdict: Verdict, state: str) -> None:
    run = run_of(verdict)
    (line,) = verdict_lines([verdict], [run], [], [])
    boxes, section = tiles([verdict], [run], [], []), verified_section([(None, verdict)], [])
    assert budget_state(verdict) == state
    assert boxes is not None and section is not None
    assert line.get("class") == f"verdict {state}"
    assert any(box.get("class") == f"tile {state}" for box in boxes)
    assert any((cell.get("class") or "").endswith(state) for cell in section.iter("td"))
    loud = [text(line), text(boxes), text(section), files_table(run)]
    assert all(("median" in part and "0.0869" in part) == (state == "partly") for part in loud[:2])
    assert all(("0.0869" in part and "not" in part.lower()) for part in loud[2:]) or state != "partly"


def test_the_first_sentence() -> None:
    said = {state: text(verdict_lines([v], [run_of(v)], [], [])[0]) for state, v in
            (("in", INSIDE), ("partly", PARTLY), ("out", OUTSIDE))}  # fmt: skip
    assert said["in"].startswith("Fits: 0.0800 of 0.0850 ms on this machine (")
    assert said["in"].endswith(", 95.6 % on 2,396 test images.")
    assert said["partly"].startswith("Fits by the min only: 0.0800 of 0.0850 ms")
    assert "By the median it takes 0.0869 ms, outside the budget" in said["partly"]
    assert said["out"].startswith("Does not fit: 0.0800 of 0.0850 ms")
    free = replace(INSIDE, budget_ms=None, within_budget=None)
    assert text(verdict_lines([free], [], [], [])[0]).startswith("model.tflite takes 0.0800 ms on this machine")
    assert verdict_lines([], [], [], []) == []
    both = verdict_lines([INSIDE, OUTSIDE], [run_of(INSIDE), run_of(OUTSIDE)], [], [], ["a", "b"])
    assert [text(each)[:8] for each in both] == ["a: Fits:", "b: Does "]
    assert [each.get("class") for each in both] == ["verdict inside", "verdict outside"]


def test_a_chart_takes_the_statistic_of_its_axis_where_the_file_has_it() -> None:
    assert in_statistic(PARTLY, "median") == (0.0869, 0.0861, 0.0875, "median")
    assert in_statistic(PARTLY, "min") == (0.08, 0.079, 0.082, "min")
    assert in_statistic(INSIDE, "median")[3] == "min"  # its median has no interval: named as what it is
    assert "NOT by their median" in budget_note(PARTLY)


def test_a_table_that_lost_most_of_its_rounds_is_marked() -> None:
    block = SPACE.blocks()[0]
    measured = [Pi().measure((block,), n, "table", f"p{n}") for n in range(2)]
    rounds = len(measured[0].samples_ns)
    few = LatencyTable(SETTING, tuple(measured), (VoidedRounds("p0", 0, 0, 0.05),))
    many = LatencyTable(SETTING, tuple(measured), (VoidedRounds("p0", 0, 99, 0.05), VoidedRounds("p1", 0, 0, 0.05)))
    assert discarded_rounds(few) == (1, 2 * rounds) and discarded_text(*discarded_rounds(few)) == ""
    assert discarded_rounds(many) == (rounds + 1, 2 * rounds)
    assert discarded_text(39, 40) == "39 of 40 rounds discarded" and discarded_text(0, 0) == ""


def test_the_page_colours_one_state_one_way() -> None:
    style = (Path(__file__).parents[2] / "edgenas" / "report" / "static" / "page.css").read_text()
    for state, colour in (("inside", "good"), ("partly", "warn"), ("outside", "bad")):
        assert f".tile.{state} strong, .tile.{state} .note {{ color: var(--{colour}); }}" in style
        assert f".{state} strong {{ color: var(--{colour}); }}" in style
    assert render(h("p", "x")) == "<p>x</p>"
