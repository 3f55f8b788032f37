"""Top of the page: tiles with the main results, and the filter of devices."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from edgenas.profiler.verdict import Verdict
from edgenas.report.html import h, number
from edgenas.report.judged import FrontFigure, judged_in
from edgenas.report.parts import between, swatch
from edgenas.report.series import Series, known_blocks
from edgenas.report.states import budget_note, budget_state
from edgenas.runs.run import RunRecord
from edgenas.search.scale import accuracy_text

Tile = tuple[str, str, str, str]  #: name, value, note, state


def tiles(
    shipped: Sequence[Verdict], runs: Sequence[RunRecord], fronts: Sequence[FrontFigure], series: Sequence[Series]
) -> Element | None:
    """Return the tiles of the timed files; else of the search; else of the tables; None without any."""
    made = _of_files(shipped, runs, fronts) or _of_search(fronts) or _of_tables(series)
    if not made:
        return None
    boxes = [
        h(
            "div",
            h("span", name, class_="name"),
            h("strong", value),
            h("span", note, class_="note"),
            class_=f"tile {state}".strip(),
        )
        for name, value, note, state in made
    ]
    return h("div", boxes, class_="tiles")


def _of_files(shipped: Sequence[Verdict], runs: Sequence[RunRecord], fronts: Sequence[FrontFigure]) -> list[Tile]:
    made: list[Tile] = []
    for verdict in shipped[:2]:
        state = budget_state(verdict)
        interval = f"{between(verdict.low_ms, verdict.high_ms)}, 95 %"
        note = f"{verdict.statistic}, {interval} · {verdict.device}, {verdict.runtime}"
        made.append((verdict.file, f"{number(verdict.measured_ms)} ms", note, ""))
        if verdict.budget_ms is not None:
            made.append(
                (
                    "budget",
                    f"{number(verdict.budget_ms)} ms",
                    budget_note(verdict),
                    state,
                )
            )
    for run in runs[:1]:
        if run.brought is not None and not shipped:
            note = f"NOT MEASURED: predicted by {run.brought}"
            made.append((next(iter(run.files)), f"{number(run.predicted_ms)} ms", note, ""))
        if run.accuracy is not None:
            made.append(("accuracy", f"{run.accuracy:.1f} %", f"trained in full, on test images{_where(run)}", ""))
            judged = next((f for f in fronts if f.winner == run.winner), None)
            if judged is not None:
                best = judged.search.answer
                text = accuracy_text(best.accuracy, judged.search.score, 1)
                made.append((f"accuracy, {judged_in(judged.search)}", text, "of the same network, by the search", ""))
    return made


def _where(run: RunRecord) -> str:
    """Return ' on ' and the target on which the accuracy of the first file was measured; '' if it is not known."""
    on = next(iter(run.files.values())).accuracy_on if run.files else None
    return "" if on is None else f" on {on}"


def _of_search(fronts: Sequence[FrontFigure]) -> list[Tile]:
    if not fronts:
        return []
    search, unit = fronts[0].search, fronts[0].search.unit
    best = search.answer
    how = f"by {search.winner.algorithm}" if search.shipped is None else "the network that ships"
    note = "predicted" if not best.interval else f"{between(best.interval[0], best.interval[-1])}, 95 %, predicted"
    cost = best.cost if best.predicted_cost is None else best.predicted_cost
    score = fronts[0].search.score
    return [
        ("winner", best.key, f"within {number(best.budget)} {unit}, {how}", ""),
        ("score" if score else "accuracy", accuracy_text(best.accuracy, score, 1), "given by the judge", ""),
        ("cost", f"{number(cost)} {unit}", note, ""),
    ]


def _of_tables(series: Sequence[Series]) -> list[Tile]:
    if not series:
        return []
    blocks, devices = len(known_blocks(series)), list(dict.fromkeys(d for s in series for d in s.devices))
    made = [("blocks", f"{blocks:,}", "each measured alone", "")]
    if devices:
        runtimes = ", ".join(dict.fromkeys(s.runtime for s in series if s.runtime))
        only = len(devices) == 1
        made.append(("device" if only else "devices", devices[0] if only else str(len(devices)), runtimes, ""))
    samples = sum(s.samples for s in series)
    if samples:
        made.append(("runs timed", f"{samples:,}", "every sample is stored", ""))
    return made


def device_filter(series: Sequence[Series]) -> Element | None:
    """Return checkboxes that show and hide tables (by CSS, without JavaScript); None with fewer than two tables."""
    if len(series) < 2:
        return None
    boxes = [
        h("label", h("input", type="checkbox", id=f"show-{s.index}", checked=True), swatch(s.index), s.label)
        for s in series
    ]
    return h("fieldset", h("legend", "Show"), boxes, class_="filter")


def filter_rules(series: Sequence[Series]) -> str:
    """CSS rules of ``device_filter``."""
    return "".join(
        f':root:has(#show-{s.index}:not(:checked)) [data-series="{s.index}"]{{display:none}}' for s in series
    )
