"""The chart of accuracy against latency: judged networks, their front, the predicted front with its error, and files
that were timed."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from edgenas.report.html import h, number
from edgenas.report.judged import FrontFigure, Judged, Timed, judged_in, undominated
from edgenas.report.parts import colour, figure, line_swatch, ms, swatch
from edgenas.report.plot import SHAPES, Axis, Plot
from edgenas.report.sampling import evenly
from edgenas.report.series import series_of
from edgenas.report.states import in_statistic
from edgenas.runs.search import FrontPoint
from edgenas.search.scale import accuracy_heading, accuracy_text

MOST_CORNERS = 400  #: most corners of a drawn line
DENSE = 250  #: with more points than this, points are drawn smaller
NEUTRAL = 7  #: index of grey, the colour of what is only predicted

_Placed = tuple[Timed, float]  #: a timed network with its judged accuracy


def front_figure(index: int, front: FrontFigure) -> Element:
    """Return the figure of one search with its caption, legend and budget slider."""
    timed = [(t, a) for t in front.timed if (a := _accuracy(front, t)) is not None]
    algorithms = list(dict.fromkeys(j.algorithm for j in front.judged))
    plot = _plot(front, timed)
    for budget in dict.fromkeys(r.budget for r in front.search.runs):
        plot.upright(budget, f"budget {number(budget)}{' ms' if front.in_ms else ''}", "budget")
    _draw_fronts(plot, front)
    _draw_judged(plot, index, front, algorithms)
    _draw_references(plot, front)
    for whole, accuracy in timed:
        _draw_timed(plot, front, whole, accuracy)
    area = plot.element()
    area.set("data-figure", str(index))
    return figure(
        _caption(index, front, len(algorithms)), area, _legend(front, algorithms, timed), _slider(index, front)
    )


def slider_data(front: FrontFigure) -> dict[str, object]:
    """Return what the budget slider needs: the networks that a budget would choose, as [cost that counts, accuracy,
    number, key], each more accurate than all cheaper ones; the unit, and the scale of the horizontal axis."""
    timed = [(t, a) for t in front.timed if (a := _accuracy(front, t)) is not None]
    axis = _plot(front, timed).x
    found: list[Judged] = []
    for one in sorted(front.judged, key=lambda j: (j.counted, -j.accuracy)):
        if not found or one.accuracy > found[-1].accuracy:
            found.append(one)
    score = front.search.score
    return {
        "unit": front.search.unit,
        "budget": front.search.answer.budget,
        "axis": [axis.low, axis.high, axis.log],
        "networks": [[float(f"{j.counted:.5g}"), accuracy_text(j.accuracy, score), j.number, j.key] for j in found],
    }


def predicted_points(front: FrontFigure) -> list[tuple[FrontPoint, float, float]]:
    """Return the points of the predicted front whose error is known, each with the ends of its interval."""
    points = evenly(front.search.front, MOST_CORNERS)
    return [(p, p.low, p.high) for p in points if p.low is not None and p.high is not None]


def _plot(front: FrontFigure, timed: Sequence[_Placed]) -> Plot:
    unit = f"latency in ms ({_statistic(front)} of the runs)" if front.in_ms else front.search.unit
    predicted = predicted_points(front)
    xs = [c for j in front.judged for c in j.costs if c is not None] + [r.budget for r in front.search.runs]
    xs += [p.cost for p, _, _ in predicted]
    ys = [j.accuracy for j in front.judged] + [edge for _, low, high in predicted for edge in (low, high)]
    xs += [edge for t, _ in timed for edge in in_statistic(t.verdict, _statistic(front))[1:3]]
    ys += [t.trained for t, _ in timed if t.trained is not None]
    xs += [c for r in front.references for c in r.costs if c is not None]
    ys += [r.accuracy for r in front.references]
    return Plot(
        Axis.around(xs, log=None if front.in_ms else False),
        Axis.around(ys),
        unit,
        accuracy_heading(front.search.score, ","),
        f"Accuracy against {unit} of {len(front.judged)} networks of {front.search.space.name}",
        440,
        "dots dense" if sum(len(j.costs) for j in front.judged) > DENSE else "dots",
    )


def _statistic(front: FrontFigure) -> str:
    """Return the one statistic of the chart."""
    return front.series[front.own or 0].statistic if front.series else front.search.statistic or "median"


def _draw_fronts(plot: Plot, front: FrontFigure) -> None:
    own = front.own or 0
    predicted = predicted_points(front)
    plot.interval([(p.cost, low, high) for p, low, high in predicted], f"band {colour(NEUTRAL)}")
    plot.step([(p.cost, p.predicted_accuracy) for p, _, _ in predicted], f"guess {colour(NEUTRAL)}")
    points = [(cost, j.accuracy) for j in front.judged if (cost := j.costs[own] if j.costs else None) is not None]
    plot.step(evenly(undominated(points), MOST_CORNERS), f"predicted {colour(own)}", own)


def _draw_judged(plot: Plot, index: int, front: FrontFigure, algorithms: Sequence[str]) -> None:
    own = front.own or 0
    doubt = ["" if one.validation else " doubtful" for one in front.series] or [""]
    dots = [(c, s, j) for j in front.judged for s, c in enumerate(j.costs) if c is not None]
    for k, (cost, s, j) in enumerate(sorted(dots, key=lambda dot: (dot[1], dot[0]))):
        if s == own:
            _draw_best(plot, front, j, cost)
        name = front.series[s].label if front.series else front.search.unit
        bound = f"; upper bound {number(j.counted)}" if s == own and upper(front, j, cost) else ""
        plot.mark(
            (cost, j.accuracy),
            f"dot {colour(s)}{doubt[s]}",
            SHAPES[algorithms.index(j.algorithm) % len(SHAPES)],
            data_series=s,
            data_n=j.number,
            id=f"d{index}-{k}",
            role="option",
            title=f"{j.key}: {accuracy_text(j.accuracy, front.search.score)}, {number(cost)} "
            f"{front.search.unit} predicted, {name}, {j.algorithm}{bound}",
        )


def _draw_best(plot: Plot, front: FrontFigure, judged: Judged, cost: float) -> None:
    """Mark a network that is the best one within a budget."""
    own = front.own or 0
    for budget in judged.best_at:
        plot.mark(
            (cost, judged.accuracy),
            f"ring {colour(own)}",
            "ring",
            title=f"best within {number(budget)} {front.search.unit}",
            data_series=own,
            aria_hidden="true",
        )
    if judged.best_at and upper(front, judged, cost):
        plot.whisker(
            (cost, judged.accuracy), cost, judged.counted, f"held {colour(own)}", upright=False, data_series=own
        )


def _draw_references(plot: Plot, front: FrontFigure) -> None:
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


def _draw_timed(plot: Plot, front: FrontFigure, whole: Timed, accuracy: float) -> None:
    """Draw a network that was timed whole at its judged accuracy, and the file that ships at that of its training,
    too."""
    value, low, high, statistic = in_statistic(whole.verdict, _statistic(front))
    found = series_of(whole.verdict, front.series)
    s = (front.own or 0) if found is None else found
    text = f"{whole.verdict.file}, whole network measured: {ms(value, low, high)} ({statistic})"
    judged = accuracy_text(accuracy, front.search.score, 1)
    plot.whisker((value, accuracy), low, high, colour(s), upright=False, data_series=s)
    if whole.trained is None:
        shape = "star" if whole.ships else "diamond"
        kind = "star" if whole.ships else "whole"
        plot.mark((value, accuracy), f"{kind} {colour(s)}", shape, title=f"{text}, {judged} judged", data_series=s)
        return
    plot.line([(value, accuracy), (value, whole.trained)], f"faint {colour(s)}", s)
    plot.mark(
        (value, accuracy),
        f"star judged {colour(s)}",
        "star",
        title=f"{text}, {judged}, {judged_in(front.search)}",
        data_series=s,
    )
    plot.mark(
        (value, whole.trained),
        f"star {colour(s)}",
        "star",
        title=f"{text}, {whole.trained:.1f} %, trained in full",
        data_series=s,
    )


def upper(front: FrontFigure, judged: Judged, cost: float) -> bool:
    """Return whether the search compared the upper bound of the prediction with the budget, not its mean ``cost``."""
    return front.own is not None and judged.counted > 1.001 * cost


def _caption(index: int, front: FrontFigure, algorithms: int) -> str:
    sentences = [f"Search {index + 1}, {front.search.space.name}."] if index else []
    sentences.append(
        f"Each point is a network, {judged_in(front.search)}"
        + ("; its shape is the algorithm that judged it first." if algorithms > 1 else ".")
    )
    if len(front.judged) < front.found:
        sentences.append(
            f"{len(front.judged):,} of {front.found:,} are drawn, among them the best, the cheapest and the dearest."
        )
    own = front.own or 0
    if any(c is not None and upper(front, j, c) for j in front.judged for c in j.costs[own : own + 1]):
        sentences.append(
            "The bar at the best network of a budget ends at the upper bound of its prediction, "
            "which is compared with the budget."
        )
    if front.search.front_error is not None:
        sentences.append(
            f"The grey band is the predicted front of the whole space with its 95 % interval; over the judged "
            f"networks, each left out in turn, its error is {number(front.search.front_error)} points."
        )
    elif front.search.front:
        doubt = front.search.front_doubt or "its error is not recorded"
        sentences.append(f"The predicted front is not drawn: {doubt}.")
    sentences.append(front.no_references or "Triangles are published networks with the accuracies of their papers.")
    return " ".join(sentences)


def _legend(front: FrontFigure, algorithms: Sequence[str], timed: Sequence[_Placed]) -> Element:
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
    items.append(h("li", line_swatch("predicted", own), "front of judged networks"))
    if predicted_points(front):
        items.append(h("li", line_swatch("guess", NEUTRAL), "predicted front, 95 % interval"))
    if front.references:
        items.append(h("li", swatch(own, "triangle", "reference"), "published network"))
    if any(not t.ships for t, _ in timed):
        items.append(h("li", swatch(own, "diamond", "whole"), "whole network measured, 95 % interval"))
    for whole, accuracy in timed:
        if whole.ships and whole.trained is None:
            items.append(h("li", swatch(own, "star", "star"), "shipped file, measured"))
        elif whole.ships and whole.trained is not None:
            judged = accuracy_text(accuracy, front.search.score, 1)
            items.append(h("li", swatch(own, "star", "star judged"), f"shipped: {judged}, {judged_in(front.search)}"))
            items.append(h("li", swatch(own, "star", "star"), f"shipped: {whole.trained:.1f} %, trained in full"))
    return h("ul", items, class_="legend")


def _slider(index: int, front: FrontFigure) -> Element | None:
    """Return the budget slider, which the script of the page fills; None with fewer than two choices."""
    if len({j.counted for j in front.judged}) < 2:
        return None
    return h(
        "div",
        h("label", f"Budget in {front.search.unit}: which judged network would be chosen?", for_=f"slide-{index}"),
        h("input", type="range", id=f"slide-{index}", min=0, max=1000, value=500, class_="slide", data_figure=index),
        h("output", "", for_=f"slide-{index}", id=f"slide-{index}-says", aria_live="polite"),
        class_="slider js",
    )


def _accuracy(front: FrontFigure, timed: Timed) -> float | None:
    if timed.accuracy is not None:
        return timed.accuracy
    return next((j.accuracy for j in front.judged if j.key == timed.key), None)
