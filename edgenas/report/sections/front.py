"""The section "Accuracy against latency": every judged network, in every table that holds all of its blocks."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from edgenas.report.drawing import picture, widest
from edgenas.report.html import h, number
from edgenas.report.judged import MOST_ROWS, FrontFigure, Judged, Timed
from edgenas.report.networks import Catalogue
from edgenas.report.parts import colour, figure, ms, numbers, section, swatch, table
from edgenas.report.plot import SHAPES, Axis, Plot
from edgenas.report.sampling import evenly
from edgenas.report.series import Series, series_of
from edgenas.search.scale import accuracy_heading, accuracy_number, accuracy_text

MOST_CORNERS = 400  #: most corners of a drawn line
DENSE = 250  #: with more points than this, points are drawn smaller


def front_section(fronts: Sequence[FrontFigure], catalogue: Catalogue, fallback: Sequence[Series]) -> Element:
    """Return the section: the figures of all searches, and beside them the blocks of the selected network."""
    first = fronts[0]
    chosen = next((j for j in first.judged if j.key == first.winner and j.number is not None), None)
    panel = None
    if chosen is not None and chosen.number is not None:
        series = first.series[first.own or 0] if first.series else next(iter(fallback), None)
        panel = _panel(catalogue, chosen.number, chosen, series, first.search.score)
    figures = [_figure(i, f) for i, f in enumerate(fronts)]
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
        found += f"{front.winner} ships: {time}, measured. "
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


def _figure(index: int, front: FrontFigure) -> Element:
    unit = "latency in ms" if front.in_ms else front.search.unit
    xs = [c for j in front.judged for c in j.costs if c is not None] + [r.budget for r in front.search.runs]
    xs += [p.cost for p in front.search.front]
    ys = [j.accuracy for j in front.judged] + [p.predicted_accuracy for p in front.search.front]
    timed = [(t, a) for t in front.timed if (a := _accuracy(front, t)) is not None]
    xs += [edge for t, _ in timed for edge in (t.verdict.low_ms, t.verdict.high_ms)]
    xs += [c for r in front.references for c in r.costs if c is not None]
    ys += [r.accuracy for r in front.references]
    title = f"Accuracy against {unit} of {len(front.judged)} networks of {front.search.space.name}"
    plot = Plot(
        Axis.around(xs, log=None if front.in_ms else False),
        Axis.around(ys),
        unit,
        accuracy_heading(front.search.score, ","),
        title,
        440,
        "dots dense" if sum(len(j.costs) for j in front.judged) > DENSE else "dots",
    )
    for budget in dict.fromkeys(r.budget for r in front.search.runs):
        plot.upright(budget, f"budget {number(budget)}{' ms' if front.in_ms else ''}", "budget")
    own = front.own or 0
    doubt = ["" if one.validation else " doubtful" for one in front.series] or [""]
    plot.step(
        [(p.cost, p.predicted_accuracy) for p in evenly(front.search.front, MOST_CORNERS)],
        f"predicted {colour(own)}",
        own,
    )
    algorithms = list(dict.fromkeys(j.algorithm for j in front.judged))
    dots = [(c, s, j) for j in front.judged for s, c in enumerate(j.costs) if c is not None]
    for k, (cost, s, j) in enumerate(sorted(dots, key=lambda dot: (dot[1], dot[0]))):
        shape = SHAPES[algorithms.index(j.algorithm) % len(SHAPES)]
        name = front.series[s].label if front.series else front.search.unit
        accuracy = accuracy_text(j.accuracy, front.search.score)
        if s == own:
            for budget in j.best_at:
                plot.mark(
                    (cost, j.accuracy),
                    f"ring {colour(s)}",
                    "ring",
                    title=f"best within {number(budget)} {front.search.unit}",
                    data_series=s,
                    aria_hidden="true",
                )
            if j.best_at and _upper(front, j, cost):
                plot.whisker((cost, j.accuracy), cost, j.counted, f"held {colour(s)}", upright=False, data_series=s)
        plot.mark(
            (cost, j.accuracy),
            f"dot {colour(s)}{doubt[s]}",
            shape,
            data_series=s,
            data_n=j.number,
            id=f"d{index}-{k}",
            role="option",
            title=f"{j.key}: {accuracy}, {number(cost)} "
            f"{front.search.unit} predicted, {name}, {j.algorithm}"
            + (f"; upper bound {number(j.counted)}" if s == own and _upper(front, j, cost) else ""),
        )
    for reference in front.references:
        for s, published in enumerate(reference.costs):
            if published is not None:
                plot.mark(
                    (published, reference.accuracy),
                    f"reference {colour(s)}",
                    "triangle",
                    data_series=s,
                    label=reference.name,
                    title=f"{reference.name}, published: {reference.accuracy:.1f} % "
                    f"({reference.source}), {number(published)} {front.search.unit} predicted",
                )
    for whole, judged in timed:
        verdict, shipped = whole.verdict, whole.ships
        at = (verdict.measured_ms, judged)
        found = series_of(verdict, front.series)
        s = (front.own or 0) if found is None else found
        text = f"{verdict.file}, whole network measured: {ms(verdict.measured_ms, verdict.low_ms, verdict.high_ms)}"
        plot.whisker(at, verdict.low_ms, verdict.high_ms, colour(s), upright=False, data_series=s)
        plot.mark(
            at,
            f"{'star' if shipped else 'whole'} {colour(s)}",
            "star" if shipped else "diamond",
            title=text,
            data_series=s,
        )
    return figure(_caption(index, front, len(algorithms)), plot.element(), _legend(front, algorithms, timed))


def _upper(front: FrontFigure, judged: Judged, cost: float) -> bool:
    """Return whether the search compared the upper bound of the prediction with the budget, not its mean ``cost``."""
    return front.own is not None and judged.counted > 1.001 * cost


def _caption(index: int, front: FrontFigure, algorithms: int) -> str:
    sentences = [f"Search {index + 1}, {front.search.space.name}."] if index else []
    sentences.append(
        "Each point is a judged network"
        + ("; its shape is the algorithm that judged it first." if algorithms > 1 else ".")
    )
    if len(front.judged) < front.found:
        sentences.append(
            f"{len(front.judged):,} of {front.found:,} are drawn, among them the best, the cheapest and the dearest."
        )
    own = front.own or 0
    if any(c is not None and _upper(front, j, c) for j in front.judged for c in j.costs[own : own + 1]):
        sentences.append(
            "The bar at the best network of a budget ends at the upper bound of its prediction, "
            "which is compared with the budget."
        )
    sentences.append(front.no_references or "Triangles are published networks with the accuracies of their papers.")
    return " ".join(sentences)


def _legend(front: FrontFigure, algorithms: Sequence[str], timed: Sequence[object]) -> Element:
    own = front.own or 0
    items = [
        h(
            "li",
            swatch(s.index, "circle", "" if s.validation else "doubtful"),
            s.label,
            "" if s.validation else ", sums not validated",
            data_series=s.index,
        )
        for s in front.series
    ]
    items += [h("li", swatch(own, SHAPES[i % len(SHAPES)], "plain"), a) for i, a in enumerate(algorithms)]
    items.append(h("li", swatch(own, "ring", "ring"), "best within a budget"))
    if front.search.front:
        line = h("line", x1=-8, x2=8, y1=0, y2=0, class_=f"line predicted {colour(own)}")
        items.append(
            h(
                "li",
                h("svg", line, class_="swatch", viewbox="-8 -8 16 16", width=14, height=14, aria_hidden="true"),
                "exact predicted front",
            )
        )
    if front.references:
        items.append(h("li", swatch(own, "triangle", "reference"), "published network"))
    if timed:
        items.append(h("li", swatch(own, "diamond", "whole"), "whole network measured, 95 % interval"))
        items.append(h("li", swatch(own, "star", "star"), "shipped file, measured"))
    return h("ul", items, class_="legend")


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
    costs = "" if series is None else f", ms under {series.label}"
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


def _accuracy(front: FrontFigure, timed: Timed) -> float | None:
    if timed.accuracy is not None:
        return timed.accuracy
    return next((j.accuracy for j in front.judged if j.key == timed.key), None)
