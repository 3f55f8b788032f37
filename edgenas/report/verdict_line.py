"""The first sentence of the page: whether the network fits its budget, in how much time, with which accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from edgenas.profiler.verdict import Verdict
from edgenas.report.card import named
from edgenas.report.html import h, number
from edgenas.report.judged import FrontFigure, judged_in
from edgenas.report.series import Series, known_blocks
from edgenas.report.states import budget_state
from edgenas.runs.run import RunRecord
from edgenas.search.scale import accuracy_text


def verdict_lines(
    shipped: Sequence[Verdict],
    runs: Sequence[RunRecord],
    fronts: Sequence[FrontFigure],
    series: Sequence[Series],
    names: Sequence[str] = (),
) -> list[Element]:
    """Return the sentence as a paragraph in the colour of its state; with several runs, one for each, that begins with
    its name in ``names``; none where nothing was measured."""
    several = [(name, run) for name, run in zip(names, runs, strict=False) if run.shipped is not None]
    if len(several) > 1:
        lines = [_line(run.shipped, [run], f"{name}: ") for name, run in several if run.shipped is not None]
    elif shipped:
        lines = [_line((runs[0].shipped if runs else None) or shipped[0], runs)]
    elif fronts:
        lines = [h("p", _of_search(fronts[0]), class_="verdict")]
    elif series:
        blocks = len(known_blocks(series))
        text = f"{blocks:,} blocks were measured; no network was searched or timed whole yet."
        lines = [h("p", text, class_="verdict")]
    else:
        return []
    lines[0].set("id", "verdict")
    return lines


def _line(verdict: Verdict, runs: Sequence[RunRecord], begin: str = "") -> Element:
    return h("p", begin + _of_file(verdict, runs), class_=f"verdict {budget_state(verdict)}".strip())


def place(verdict: Verdict) -> str:
    """Return the device of a verdict with its model: 'pi4 (Raspberry Pi 4)'."""
    device = "this machine" if verdict.device == "local" else verdict.device
    return device if verdict.setting is None else f"{device} ({named(verdict.setting)})"


def _of_file(verdict: Verdict, runs: Sequence[RunRecord]) -> str:
    state, measured = budget_state(verdict), number(verdict.measured_ms)
    begin = {"inside": "Fits", "partly": f"Fits by the {verdict.statistic} only", "outside": "Does not fit"}.get(state)
    of = "" if verdict.budget_ms is None else f" of {number(verdict.budget_ms)}"
    text = f"{begin}: {measured}{of} ms" if begin else f"{verdict.file} takes {measured} ms"
    text += f" on {place(verdict)}"
    file = runs[0].files.get(verdict.file) if runs else None
    if file is not None:
        text += f", {file.accuracy:.1f} % on {file.pictures:,} test images"
    if state == "partly":
        median = number(verdict.median_ms)
        text += f". By the median it takes {median} ms, outside the budget: other work or heat slowed the device down"
    return f"{text}."


def _of_search(front: FrontFigure) -> str:
    search, best = front.search, front.search.answer
    cost = best.cost if best.predicted_cost is None else best.predicted_cost
    accuracy = accuracy_text(best.accuracy, search.score, 1)
    return (
        f"Predicted to fit: {best.key}, {number(cost)} of {number(best.budget)} {search.unit}, {accuracy} as "
        f"{judged_in(search)}; no file was timed yet."
    )
