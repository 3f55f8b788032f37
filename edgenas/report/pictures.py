"""Pictures of a run as SVG files: the accuracy-latency front and the latency table, drawn with the plots of the page.

Both take plain numbers, so that they can be drawn from a run's JSON as well as from live objects.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from xml.etree.ElementTree import Element, tostring

from edgenas.base.errors import InputError
from edgenas.base.files import write_whole
from edgenas.report.html import append, h
from edgenas.report.parts import PALETTE, colour, line_swatch, swatch
from edgenas.report.plot import Axis, Plot, Point

_WIDTH = 720  #: of the plot, in pixels
_ABOVE, _BELOW, _RIGHT = 62, 52, 26  #: pixels for the title, the axis, and numbers beyond the right edge
_NEUTRAL = PALETTE - 1  #: grey


@dataclass(frozen=True)
class FrontPicture:
    """Content of the picture of the accuracy-latency front.

    front     the front of judged networks as points (latency in ms, accuracy in percent), in order of latency
    predicted   the predicted front as (latency, accuracy, low and high end of its 95 % interval)
    trained   where the network of the shipped file is after its full training
    trials    algorithm -> networks that it judged
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
    front_label: str = "front of judged networks"
    score: bool = False
    predicted: Sequence[tuple[float, float, float, float]] = ()
    trained: Point | None = None
    trained_label: str = "the same network, trained in full"


@dataclass(frozen=True)
class Svg:
    """A picture: ``text`` is an SVG file. Notebooks show it."""

    title: str
    text: str

    def save(self, path: Path) -> None:
        """Write the file; InputError unless ``path`` ends with .svg."""
        write_whole(svg_path(path), self.text)

    def _repr_svg_(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<Svg: {self.title}>"


def svg_path(path: Path) -> Path:
    """Return ``path``; InputError unless it ends with .svg."""
    if path.suffix.lower() != ".svg":
        better = path.with_suffix(".svg").name
        raise InputError(
            f"{path}: pictures are written as SVG only; name it {better}. For a PNG, convert it: rsvg-convert {better}"
        )
    return path


def draw_front(picture: FrontPicture, path: Path) -> None:
    """Write ``picture`` as SVG; InputError unless ``path`` ends with .svg."""
    front_figure(picture).save(path)


def front_figure(picture: FrontPicture) -> Svg:
    """Draw accuracy against latency: judged networks, the best in each budget, the front and the shipped file."""
    points = [
        *picture.front,
        *(p for named in (picture.trials, picture.picked) for each in named.values() for p in each),
    ]
    points += [point for point in (picture.winner, picture.trained) if point]
    points += [(cost, edge) for cost, _, low, high in picture.predicted for edge in (low, high)]
    unit, in_ms = ("latency in ms", " ms") if picture.unit == "ms" else (picture.unit, "")
    plot = Plot(
        Axis.around([*(p[0] for p in points), *picture.budgets], log=False),
        Axis.around([p[1] for p in points]),
        unit,
        "score" if picture.score else "accuracy in percent",
        picture.title,
        height=400,
        width=_WIDTH,
    )
    for budget in picture.budgets:
        plot.upright(budget, f"budget {budget:.3g}{in_ms}", "budget")
    legend: list[tuple[Element, str]] = []
    if picture.predicted:
        plot.interval([(c, low, high) for c, _, low, high in picture.predicted], f"band {colour(_NEUTRAL)}")
        plot.step([(c, a) for c, a, _, _ in picture.predicted], f"guess {colour(_NEUTRAL)}")
        legend.append((line_swatch("guess", _NEUTRAL), "predicted front, 95 % interval"))
    for i, (name, trials) in enumerate(picture.trials.items()):
        for point in trials:
            plot.mark(point, f"dot {colour(i)}")
        legend.append((swatch(i, "circle", "dot"), f"{name}: judged"))
    if picture.front:
        plot.step(picture.front, f"predicted {colour(_NEUTRAL)}")
        legend.append((line_swatch("predicted", _NEUTRAL), picture.front_label))
    for i, (name, best) in enumerate(picture.picked.items()):
        for point in best:
            plot.mark(point, f"ring {colour(i)}", "ring")
        legend.append((swatch(i, "ring", "ring"), f"{name}: best in budget"))
    if picture.winner:
        plot.mark(
            picture.winner, f"star {colour(2)}" if picture.trained is None else f"star judged {colour(2)}", "star"
        )
        legend.append((swatch(2, "star", "star" if picture.trained is None else "star judged"), picture.winner_label))
    if picture.trained:
        if picture.winner:
            plot.line([picture.winner, picture.trained], f"faint {colour(2)}")
        plot.mark(picture.trained, f"star {colour(2)}", "star")
        legend.append((swatch(2, "star", "star"), picture.trained_label))
    return standalone(plot, legend)


def draw_table(title: str, blocks: Sequence[str], series: Mapping[str, Sequence[float | None]], path: Path) -> None:
    """Write one row for each block with one dot for each setting, the slowest block first: ``series`` maps the name of
    a setting to ms in the order of ``blocks``. InputError unless ``path`` ends with .svg."""
    table_figure(title, blocks, series).save(path)


def table_figure(title: str, blocks: Sequence[str], series: Mapping[str, Sequence[float | None]]) -> Svg:
    """Return the picture of ``draw_table`` without writing a file."""
    order = sorted(range(len(blocks)), key=lambda i: max((v[i] or 0.0) for v in series.values()))
    plot = Plot(
        Axis.around([ms for column in series.values() for ms in column if ms is not None], log=True),
        Axis(-0.8, len(blocks) - 0.2),
        "latency in ms, logarithmic",
        "",
        title,
        height=20 + 17 * len(blocks),
        y_ticks=range(len(blocks)),
        y_names=[blocks[i] for i in order],
        width=_WIDTH,
    )
    for row, i in enumerate(order):
        values = [ms for column in series.values() if (ms := column[i]) is not None]
        if len(values) > 1:
            plot.line([(min(values), row), (max(values), row)], f"faint {colour(_NEUTRAL)}")
    for k, column in enumerate(series.values()):
        for row, i in enumerate(order):
            if (ms := column[i]) is not None:
                plot.mark((ms, row), f"dot {colour(k)}")
    return standalone(plot, [(swatch(k, "circle", "dot"), name) for k, name in enumerate(series)])


def standalone(plot: Plot, legend: Sequence[tuple[Element, str]]) -> Svg:
    """Picture as a complete SVG file: title, plot, legend below, and the style of the page in its light colours."""
    left = max(56, 18 + max((round(7.2 * len(name)) for name in plot.y_names or ()), default=0))
    area = plot.svg()
    area.set("x", str(left))
    area.set("y", str(_ABOVE))
    width = max(left + _WIDTH + _RIGHT, 40 + round(9.2 * len(plot.title)))
    x, y = 20, _ABOVE + plot.height + _BELOW
    keys = []
    for mark, name in legend:
        wide = 40 + round(6.7 * len(name))
        if x > 20 and x + wide > width:
            x, y = 20, y + 20
        mark.set("x", str(x))
        mark.set("y", str(y))
        keys += [mark, h("text", name, x=x + 20, y=y + 11)]
        x += wide
    root = h(
        "svg",
        h("title", plot.title),
        h("style", _style()),
        h("rect", width="100%", height="100%", class_="paper"),
        h("text", plot.title, x=20, y=28, class_="heading"),
        xmlns="http://www.w3.org/2000/svg",
        viewbox=f"0 0 {width} {y + 30}",
        width=width,
        height=y + 30,
        role="img",
    )
    append(root, [area, keys])
    return Svg(plot.title, tostring(root, encoding="unicode") + "\n")


def _style() -> str:
    """Return plot.css for programs that do not support CSS variables: each variable is replaced by its light colour in
    page.css, and each rule that uses the colour of a series is repeated for every series.
    """
    static = files("edgenas.report") / "static"
    colours = dict(re.findall(r"--(\w+): light-dark\((#\w+),", (static / "page.css").read_text(encoding="utf-8")))
    rules = [
        "svg { font: 12px system-ui, 'Segoe UI', Roboto, 'Liberation Sans', 'DejaVu Sans', sans-serif; }",
        f".paper {{ fill: {colours['paper']}; }}",
    ]
    for found in re.findall(r"([^{}]+)\{([^{}]*)\}", (static / "plot.css").read_text(encoding="utf-8")):
        selector, declarations = found[0].strip(), [one.strip() for one in found[1].split(";") if one.strip()]
        series = [one for one in declarations if "var(--c)" in one or "var(--c," in one]
        plain = [one for one in declarations if one not in series and not one.startswith("--c:")]
        if plain:
            rules.append(f"{selector} {{ {_resolved(plain, colours)} }}")
        for i in range(PALETTE if series else 0):
            own = [re.sub(r"var\(--c\)|var\(--c, .*\)", f"var(--c{i})", one) for one in series]
            rules.append(f"{selector}.{colour(i)} {{ {_resolved(own, colours)} }}")
    rules.append(f"svg .heading {{ font-size: 16px; font-weight: 650; fill: {colours['ink']}; }}")
    return "\n" + "\n".join(rules) + "\n"


def _resolved(declarations: Sequence[str], colours: Mapping[str, str]) -> str:
    return " ".join(re.sub(r"var\(--(\w+)\)", lambda name: colours[name[1]], one) + ";" for one in declarations)
