"""The section "CPU and delegates": the front of each delegate of one device, and which network wins where.

A network that is the fastest on a CPU need not be the fastest on a GPU of the same device (MoGA, arXiv 1908.01314): the
section says in numbers what it costs to take the one for the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from edgenas.latency_tables.table import LatencyTable
from edgenas.report.html import number
from edgenas.report.judged import FrontFigure, Judged
from edgenas.report.parts import Cell, colour, figure, legend, percent, section, table
from edgenas.report.plot import Axis, Plot
from edgenas.report.series import Series
from edgenas.search.scale import accuracy_heading, accuracy_number

MOST_LEVELS = 6  #: most accuracies in the table


@dataclass(frozen=True, slots=True)
class Level:
    """The fastest network of each series that is at least as accurate as ``accuracy``, with its time there, ms;
    ``loss`` is the largest share that is lost where the network of another series is taken."""

    accuracy: float
    fastest: tuple[tuple[str, float], ...]
    loss: float


def delegates_section(fronts: Sequence[FrontFigure]) -> Element | None:
    """Return the section of the first search that has tables of one device with several delegates; None without."""
    for front in fronts:
        for series in _groups(front.series):
            judged = [j for j in front.judged if all(j.costs[s.index] is not None for s in series)]
            if len(judged) > 1:
                return _section(front, series, judged)
    return None


def levels_of(judged: Sequence[Judged], series: Sequence[Series]) -> list[Level]:
    """Return the levels of accuracy at which the fastest networks are compared: those of networks that no other beats
    in one of the series, the most accurate first."""
    steps = {j.accuracy for s in series for j in _undominated(judged, s)}
    levels = []
    for accuracy in sorted(steps, reverse=True):
        enough = [j for j in judged if j.accuracy >= accuracy]
        best = [min(enough, key=lambda j, s=s: (_ms(j, s), j.key)) for s in series]  # type: ignore[misc]
        loss = max(_ms(other, s) / _ms(own, s) - 1 for s, own in zip(series, best, strict=True) for other in best)
        fastest = tuple((j.key, _ms(j, s)) for s, j in zip(series, best, strict=True))
        levels.append(Level(accuracy, fastest, loss))
    return levels


def _groups(series: Sequence[Series]) -> list[list[Series]]:
    """Return the series of each device that has a table of a requested delegate and another one, in one precision of
    the files."""
    found: dict[tuple[object, ...], list[Series]] = {}
    for s in series:
        if isinstance(s.table, LatencyTable):
            setting = s.table.setting
            facts = tuple(pair for pair in setting.device if pair[0] != "governor")
            found.setdefault((facts, setting.precision), []).append(s)
    return [group for group in found.values() if len(group) > 1 and any(_delegate(s) for s in group)]


def _delegate(series: Series) -> str:
    """Return the delegate that was requested for a table, '' where none was."""
    assert isinstance(series.table, LatencyTable)
    setting = series.table.setting
    return setting.delegate if setting.nodes_total else ""


def _ms(judged: Judged, series: Series) -> float:
    cost = judged.costs[series.index]
    assert cost is not None
    return cost


def _undominated(judged: Sequence[Judged], series: Series) -> list[Judged]:
    """Return the networks that no other beats in accuracy and time, the fastest first."""
    front: list[Judged] = []
    for j in sorted(judged, key=lambda j: (_ms(j, series), -j.accuracy)):
        if not front or j.accuracy > front[-1].accuracy:
            front.append(j)
    return front


def _section(front: FrontFigure, series: Sequence[Series], judged: Sequence[Judged]) -> Element:
    levels = levels_of(judged, series)
    score = front.search.score
    xs = [_ms(j, s) for s in series for j in judged]
    plot = Plot(
        Axis.around(xs, log=None),
        Axis.around([j.accuracy for j in judged]),
        "latency in ms",
        accuracy_heading(score, ","),
        f"Front of each of {len(series)} tables of one device",
        320,
        "dots",
    )
    for s in series:
        points = [(_ms(j, s), j.accuracy) for j in _undominated(judged, s)]
        plot.step(points, f"predicted {colour(s.index)}", s.index)
        for point in points:
            plot.mark(point, f"dot {colour(s.index)}", "circle", data_series=s.index)
    caption = "Judged networks that no other beats in accuracy and latency, for each table of this device."
    columns = [
        f"{accuracy_heading(score, ',')} at least",
        *(f"fastest under {s.label}" for s in series),
        "most that the wrong choice costs",
    ]
    rows: list[list[Cell]] = [
        [
            accuracy_number(level.accuracy, score),
            *(f"{key}: {number(ms)} ms" for key, ms in level.fastest),
            percent(level.loss) if level.loss else "nothing: the same network",
        ]
        for level in _spread(levels)
    ]
    left = tuple(range(1, len(columns)))
    made = table(columns, rows, "Fastest network of each table", left=left)
    return section(
        "delegates", "CPU and delegates", _finding(levels), figure(caption, plot.element(), legend(series)), made
    )


def _spread(levels: Sequence[Level]) -> list[Level]:
    """Return at most MOST_LEVELS levels, at even steps, with the first and the last."""
    if len(levels) <= MOST_LEVELS:
        return list(levels)
    return [levels[round(k * (len(levels) - 1) / (MOST_LEVELS - 1))] for k in range(MOST_LEVELS)]


def _finding(levels: Sequence[Level]) -> str:
    differ = [level for level in levels if level.loss]
    if not differ:
        return "The same networks are the fastest with each of them, at every accuracy."
    worst = max(level.loss for level in differ)
    return (
        f"At {len(differ)} of {len(levels)} accuracies, not the same network is the fastest with each of them; the "
        f"wrong one costs up to {percent(worst)}."
    )
