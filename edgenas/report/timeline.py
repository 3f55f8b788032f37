"""Timelines of menus of networks: times of frames, the network in use, and the budget, frame by frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from edgenas.report.html import h
from edgenas.report.parts import colour
from edgenas.report.pictures import Svg, standalone
from edgenas.report.plot import Axis, Plot, Point

if TYPE_CHECKING:
    from edgenas.adaptive.replay import Replay
    from edgenas.adaptive.trial import AdaptiveTrial

BINS = 400  #: frames are drawn in so many groups, at most
_TIMES, _NETWORK, _OTHER = 0, 1, 2


def timeline(
    title: str,
    ms: Sequence[float],
    menu_ms: Sequence[float],
    budget_ms: float,
    x: Sequence[float] | None = None,
    x_label: str = "frame",
    width: int | None = None,
) -> Plot:
    """Return the plot of a timeline: the slowest tenth of each group of frames, the time of the network in use as the
    menu has it, and the budget. ``x`` is the place of each frame (default: its number)."""
    places = list(range(len(ms))) if x is None else list(x)
    size = -(-len(ms) // BINS)
    groups = [range(i, min(i + size, len(ms))) for i in range(0, len(ms), size)]
    slow = [(places[g[0]], sorted(ms[i] for i in g)[min(len(g) - 1, int(0.9 * len(g)))]) for g in groups]
    most = max([*(value for _, value in slow), budget_ms])
    plot = Plot(
        Axis(places[0], max(places[-1], places[0] + 1)),
        Axis(0.0, most * 1.08),
        x_label,
        "ms",
        title,
        height=260,
        width=width,
    )
    plot.line(slow, f"measured {colour(_TIMES)}")
    steps: list[Point] = []
    for i, value in enumerate(menu_ms):
        if not steps or steps[-1][1] != value or i == len(menu_ms) - 1:
            steps.append((places[i], value))
    plot.step(steps, f"predicted {colour(_NETWORK)}")
    plot.line([(places[0], budget_ms), (places[-1], budget_ms)], f"predicted {colour(_OTHER)}")
    return plot


def timeline_legend() -> list[tuple[Element, str]]:
    """Return the legend of a timeline: (mark, text) of each line."""
    texts = ((_TIMES, "time of a frame, slowest tenth"), (_NETWORK, "network in use: its time in the menu"))
    return [_key(series, text) for series, text in (*texts, (_OTHER, "budget"))]


def replay_figure(trace: str, replays: Sequence[Replay], budget_ms: float) -> Svg:
    """Return the timeline of the first replay, the menu's own policy, as a picture."""
    own = replays[0]
    alone = [float(value) for value in _menu_ms(own)]
    title = f"{trace}: {own.late:.1f} % of frames over {budget_ms:g} ms, {own.accuracy:.2f} %"
    plot = timeline(title, [float(ms) for ms in own.ms], alone, budget_ms, width=720)
    return standalone(plot, timeline_legend())


def _menu_ms(replay: Replay) -> list[float]:
    return [replay.menu_ms[int(i)] for i in replay.network]


def _key(series: int, text: str) -> tuple[Element, str]:
    line = h("line", x1=-8, x2=8, y1=0, y2=0, class_=f"line predicted {colour(series)}")
    return h("svg", line, viewbox="-8 -8 16 16", width=14, height=14), text


def trial_figure(trial: AdaptiveTrial, menu_ms: Mapping[str, float]) -> Svg:
    """Return the timeline of a trial as a picture; ``menu_ms`` are the times of the menu's networks by name."""
    late = f"{trial.late():.1f} % of {len(trial.frames):,} frames over {trial.budget_ms:g} ms"
    title = f"{trial.device}, {trial.load}: {late}"
    return standalone(trial_plot(trial, menu_ms, title, width=720), timeline_legend())


def trial_plot(trial: AdaptiveTrial, menu_ms: Mapping[str, float], title: str, width: int | None = None) -> Plot:
    """Return the plot of a trial, with the load and the events that are no switches as vertical lines."""
    frames = trial.frames
    plot = timeline(
        title,
        [frame.ms for frame in frames],
        [menu_ms[frame.network] for frame in frames],
        trial.budget_ms,
        [frame.t for frame in frames],
        "seconds",
        width,
    )
    loaded = [frame.t for frame in frames if frame.loaded]
    if loaded:
        plot.upright(loaded[0], f"{trial.load} begins", "budget")
        plot.upright(loaded[-1], "ends", "budget")
    for at, name, text in trial.events:
        if not text.startswith("in use"):
            plot.upright(frames[min(at, len(frames) - 1)].t, f"{name} {text}"[:60], "budget")
    return plot
