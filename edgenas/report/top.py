"""What comes first on the page: the answer in a few numbers, and which devices are shown."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from edgenas.profiler.verdict import Verdict
from edgenas.report.html import h, number
from edgenas.report.judged import FrontFigure
from edgenas.report.parts import between, swatch
from edgenas.report.series import Series, known_blocks
from edgenas.runs.run import RunRecord
from edgenas.search.scale import accuracy_text

Tile = tuple[str, str, str, str]  #: name, value, note, state


def tiles(
    shipped: Sequence[Verdict], runs: Sequence[RunRecord], fronts: Sequence[FrontFigure], series: Sequence[Series]
) -> Element | None:
    """Of files that were timed; else of the search; else of the tables."""
    made = _of_files(shipped, runs) or _of_search(fronts) or _of_tables(series)
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


def _of_files(shipped: Sequence[Verdict], runs: Sequence[RunRecord]) -> list[Tile]:
    made: list[Tile] = []
    for verdict in shipped[:2]:
        state = {True: "inside", False: "outside", None: ""}[verdict.within_budget]
        interval = f"{between(verdict.low_ms, verdict.high_ms)}, 95 %"
        note = f"{verdict.statistic}, {interval} · {verdict.device}, {verdict.runtime}"
        made.append((verdict.file, f"{number(verdict.measured_ms)} ms", note, ""))
        if verdict.budget_ms is not None:
            made.append(
                ("budget", f"{number(verdict.budget_ms)} ms", f"{state}: the interval's upper end counts", state)
            )
    for run in runs[:1]:
        if run.accuracy is not None:
            made.append(("accuracy", f"{run.accuracy:.1f} %", f"on test images, by running the file{_where(run)}", ""))
    return made


def _where(run: RunRecord) -> str:
    """Where the file that the budget is about ran on the pictures."""
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
        ("score" if score else "accuracy", accuracy_text(best.accuracy, score, 1), "as judged", ""),
        ("cost", f"{number(cost)} {unit}", note, ""),
    ]


def _of_tables(series: Sequence[Series]) -> list[Tile]:
    if not series:
        return []
    blocks, devices = len(known_blocks(series)), list(dict.fromkeys(d for s in series for d in s.devices))
    made = [("blocks", f"{blocks:,}", "measured, each by itself", "")]
    if devices:
        runtimes = ", ".join(dict.fromkeys(s.runtime for s in series if s.runtime))
        only = len(devices) == 1
        made.append(("device" if only else "devices", devices[0] if only else str(len(devices)), runtimes, ""))
    samples = sum(s.samples for s in series)
    if samples:
        made.append(("runs timed", f"{samples:,}", "all of them are kept", ""))
    return made


def device_filter(series: Sequence[Series]) -> Element | None:
    """Boxes to tick; CSS does the hiding, so that they work without JavaScript."""
    if len(series) < 2:
        return None
    boxes = [
        h("label", h("input", type="checkbox", id=f"show-{s.index}", checked=True), swatch(s.index), s.label)
        for s in series
    ]
    return h("fieldset", h("legend", "Show"), boxes, class_="filter")


def filter_rules(series: Sequence[Series]) -> str:
    """CSS of ``device_filter``."""
    return "".join(
        f':root:has(#show-{s.index}:not(:checked)) [data-series="{s.index}"]{{display:none}}' for s in series
    )
