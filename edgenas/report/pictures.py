"""Pictures of a run: the accuracy-latency front and the latency table; needs matplotlib.

Both take plain numbers, so that they can be drawn from a run's JSON as well as from live objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.base.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: colours that people with any kind of colour vision tell apart (Okabe and Ito 2008)
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")

Point = tuple[float, float]  #: (latency in ms, accuracy in percent)


@dataclass(frozen=True)
class FrontPicture:
    """What the front's picture shows.

    front     the exact front of the estimates, in order of latency
    trials    algorithm -> networks it trained and judged
    budgets   in ms, drawn as lines
    score     accuracies are scores, not percent
    winner    where the shipped file was measured
    """

    title: str
    front: Sequence[Point]
    trials: Mapping[str, Sequence[Point]]
    budgets: Sequence[float] = ()
    winner: Point | None = None
    winner_label: str = "shipped file, measured"
    unit: str = "ms"
    picked: Mapping[str, Sequence[Point]] = field(default_factory=dict)
    score: bool = False


def draw_front(picture: FrontPicture, path: Path) -> None:
    """Write ``picture`` as PNG or SVG, by the ending of ``path``."""
    figure, axes = _figure(8.0, 5.0, picture.title)
    for ms in picture.budgets:
        axes.axvline(ms, color="#999999", linewidth=1, linestyle=(0, (4, 3)), zorder=0)
        axes.annotate(
            f"budget {ms:.3g} ms",
            (ms, 0.02),
            xycoords=("data", "axes fraction"),
            rotation=90,
            ha="right",
            va="bottom",
            fontsize=8,
            color="#666666",
        )
    for i, (name, points) in enumerate(picture.trials.items()):
        axes.scatter(*_columns(points), s=22, color=COLOURS[i], alpha=0.55, linewidths=0, label=f"{name}: trained")
    for i, (name, points) in enumerate(picture.picked.items()):
        axes.scatter(
            *_columns(points),
            s=110,
            facecolors="none",
            edgecolors=COLOURS[i],
            linewidths=1.8,
            label=f"{name}: best in budget",
        )
    if picture.front:
        axes.step(*_columns(picture.front), where="post", color="#222222", linewidth=1.2, label="exact predicted front")
    if picture.winner:
        axes.scatter(
            *_columns([picture.winner]), marker="*", s=220, color=COLOURS[2], zorder=5, label=picture.winner_label
        )
    axes.set_xlabel("latency in ms" if picture.unit == "ms" else picture.unit)
    axes.set_ylabel("score" if picture.score else "validation accuracy in percent")
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    _save(figure, path)


def draw_table(title: str, blocks: Sequence[str], series: Mapping[str, Sequence[float | None]], path: Path) -> None:
    """One row a block, one dot a setting: ``series`` maps a setting's name to ms in the order of ``blocks``."""
    order = sorted(range(len(blocks)), key=lambda i: max((v[i] or 0.0) for v in series.values()))
    figure, axes = _figure(8.0, 1.6 + 0.19 * len(blocks), title)
    for row, i in enumerate(order):
        values = [ms for v in series.values() if (ms := v[i]) is not None]
        if len(values) > 1:
            axes.plot([min(values), max(values)], [row, row], color="#cccccc", linewidth=1, zorder=0)
    for k, (name, column) in enumerate(series.items()):
        points = [(ms, float(row)) for row, i in enumerate(order) if (ms := column[i]) is not None]
        axes.scatter(*_columns(points), s=24, color=COLOURS[k], label=name)
    axes.set_yticks(range(len(blocks)), [blocks[i] for i in order], fontsize=7, family="monospace")
    axes.set_ylim(-0.8, len(blocks) - 0.2)
    axes.set_xscale("log")
    axes.set_xlabel("latency in ms, logarithmic")
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    _save(figure, path)


def _figure(width: float, height: float, title: str) -> tuple[Figure, Axes]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "report", "drawing a picture") from error
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#eeeeee", linewidth=0.8)
    axes.set_axisbelow(True)
    return figure, axes


def _columns(points: Sequence[Point]) -> tuple[list[float], list[float]]:
    return [p[0] for p in points], [p[1] for p in points]


def _save(figure: Figure, path: Path) -> None:
    options: dict[str, Any] = {"metadata": {"Software": None}} if path.suffix == ".png" else {}
    figure.savefig(path, dpi=150, **options)
