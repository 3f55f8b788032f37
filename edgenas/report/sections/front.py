"""The section "Accuracy against latency": every judged network, in every table that holds all of its blocks."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from edgenas.report.drawing import picture, widest
from edgenas.report.html import h, number
from edgenas.report.judged import MOST_ROWS, FrontFigure, Judged, judged_in
from edgenas.report.networks import Catalogue
from edgenas.report.parts import ms, numbers, section, table
from edgenas.report.sections.front_figure import front_figure
from edgenas.report.series import Series
from edgenas.search.scale import accuracy_heading, accuracy_number, accuracy_text


def front_section(fronts: Sequence[FrontFigure], catalogue: Catalogue, fallback: Sequence[Series]) -> Element:
    """Return the section: the figures of all searches, and beside them the blocks of the selected network."""
    first = fronts[0]
    chosen = next((j for j in first.judged if j.key == first.winner and j.number is not None), None)
    panel = None
    if chosen is not None and chosen.number is not None:
        series = first.series[first.own or 0] if first.series else next(iter(fallback), None)
        panel = _panel(catalogue, chosen.number, chosen, series, first.search.score)
    figures = [front_figure(i, f) for i, f in enumerate(fronts)]
    tables = [numbers(_count(f), _table(i, f)) for i, f in enumerate(fronts)]
    beside = h("div", h("div", figures), panel, class_="beside")
    title = "Accuracy against latency" if all(f.in_ms for f in fronts) else "Accuracy against cost"
    return section("front", title, _finding(first), beside, tables)


def _count(front: FrontFigure) -> str:
    shown = min(MOST_ROWS, front.found)
    what = (
        f"{front.found:,} networks"
        if shown == front.found
        else f"the {shown} most accurate of {front.found:,} networks"
    )
    return f"Numbers: {what}" + ("" if shown == front.found else "; search.json has all")


def _finding(front: FrontFigure) -> str:
    found, unit = f"The search judged {front.found:,} networks of {front.search.space.name}. ", front.search.unit
    shipped = next((t.verdict for t in front.timed if t.ships), None)
    if shipped is not None:
        time = ms(shipped.measured_ms, shipped.low_ms, shipped.high_ms)
        found += f"{front.winner} ships: {time}, measured{_accuracies(front)}. "
    else:
        best = front.search.answer
        what = "most accurate" if front.search.shipped is None else "network that ships"
        accuracy = accuracy_text(best.accuracy, front.search.score, 1)
        found += f"The {what} within {number(best.budget)} {unit} is {best.key}: {accuracy} at a "
        predicted = best.cost if best.predicted_cost is None else best.predicted_cost
        counts = "" if predicted > 0.999 * best.cost else f" (upper bound: {number(best.cost)} {unit})"
        found += f"predicted {number(predicted)} {unit}{counts}. "
    doubtful = [s.label for s in front.series if s.validation is None]
    if doubtful:
        found += f"Latencies under {' and '.join(doubtful)} are sums of blocks that were not validated."
    return found


def _accuracies(front: FrontFigure) -> str:
    """Return both accuracies of the network that ships: by the judge of the search, and after its full training."""
    shipped = next((t for t in front.timed if t.ships), None)
    if shipped is None or shipped.trained is None or shipped.accuracy is None:
        return ""
    judged = accuracy_text(shipped.accuracy, front.search.score, 1)
    return f"; {judged} {judged_in(front.search)} by the search, {shipped.trained:.1f} % trained in full"


def _table(index: int, front: FrontFigure) -> Element:
    names = [s.label for s in front.series] or [front.search.unit]
    rows = []
    for j in sorted(front.judged, key=lambda j: -j.accuracy)[:MOST_ROWS]:  # the sampling keeps all of these
        name = j.key if j.number is None else h("button", j.key, type="button", class_="pick", data_n=j.number)
        within = ", ".join(number(b) for b in j.best_at)
        rows.append(
            [name, accuracy_number(j.accuracy, front.search.score), *(number(c) for c in j.costs), j.algorithm, within]
        )
    columns = [
        "network",
        accuracy_heading(front.search.score, ","),
        *(f"{n}, ms" if front.in_ms else n for n in names),
        "algorithm",
        "best within",
    ]
    return table(columns, rows, f"Judged networks of search {index + 1}", left=(0, len(columns) - 2))


def _panel(catalogue: Catalogue, network: int, judged: Judged, series: Series | None, score: bool) -> Element:
    shown = catalogue.networks[network]
    costs = "" if series is None else f", ms {series.way}, under {series.label}"
    return h(
        "aside",
        h("h3", judged.key, id="looked-at"),
        h(
            "p",
            f"{accuracy_text(judged.accuracy, score)}, {shown.macs / 1e6:.3g} M MACs, "
            f"{shown.params / 1e3:.4g} k parameters{costs}",
            id="looked-at-facts",
            aria_live="polite",
        ),
        h(
            "div",
            picture(shown, series, widest(catalogue)),
            class_="scroll",
            tabindex=0,
            role="region",
            aria_labelledby="looked-at",
        ),
        h(
            "p",
            "IR: inverted residual, with its expansion factor. The width of a shape is the number of input, middle and "
            "output channels, logarithmic. A stronger colour means a longer time.",
            class_="hint",
        ),
        h("p", "Select a network in the figure or its table: arrow keys move, Enter selects.", class_="hint js"),
        id="network",
    )
