"""Charts as SVG, for the page (``edgenas.report.page``) and pictures (``edgenas.report.pictures``). Marks are placed in
percent of the plot; text and strokes keep their size at any width."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from edgenas.report.html import Node, append, h, number

Point = tuple[float, float]

#: marker -> its path about (0, 0), some 9 px wide
MARKS = {
    "circle": "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0Z",
    "square": "M-3.6,-3.6h7.2v7.2h-7.2Z",
    "triangle": "M0,-4.8L4.6,3.4H-4.6Z",
    "diamond": "M0,-5L5,0L0,5L-5,0Z",
    "cross": "M-4,-4L4,4M4,-4L-4,4",
    "star": "M0,-9L2.4,-3.2L8.6,-2.8L3.8,1.2L5.3,7.3L0,4L-5.3,7.3L-3.8,1.2L-8.6,-2.8L-2.4,-3.2Z",
    "bar": "M-8,-1h16v2h-16Z",
    "ring": "M-7,0a7,7 0 1,0 14,0a7,7 0 1,0 -14,0Z",
}
SHAPES = ("circle", "square", "triangle", "diamond", "cross")


@dataclass(frozen=True, slots=True)
class Axis:
    """Scale from data to percent of the plot, linear or logarithmic, with ticks at round numbers."""

    low: float
    high: float
    log: bool = False

    @classmethod
    def around(
        cls, values: Sequence[float], *, log: bool | None = None, margin: float = 0.05, zero: bool = False
    ) -> Axis:
        """Return an axis that contains ``values`` with a margin. ``log=None``: logarithmic from a factor of 8 on."""
        kept = [v for v in values if math.isfinite(v)] or [0.0, 1.0]
        low, high = min(kept), max(kept)
        if zero:
            low, high = min(low, 0.0), max(high, 0.0)
        logarithmic = low > 0 and (high / low > 8 if log is None else log)
        if logarithmic:
            pad = max(math.log(high / low) * margin, 0.02)
            return cls(low * math.exp(-pad), high * math.exp(pad), True)
        pad = (high - low) * margin or abs(high) * 0.1 or 1.0
        return cls(low - (0 if zero and low == 0 else pad), high + (0 if zero and high == 0 else pad))

    def at(self, value: float) -> float:
        """Position of ``value`` in percent from the low end, between -2 and 102."""
        if self.log:
            share = math.log(max(value, 1e-300) / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, -0.02), 1.02), 3)

    def ticks(self, most: int = 6) -> list[float]:
        """Round numbers within the axis, about ``most`` of them."""
        if self.log:
            return self._log_ticks(most)
        step = _round_step((self.high - self.low) / most)
        first = math.ceil(self.low / step - 1e-9)
        return [round(k * step, 12) for k in range(first, math.floor(self.high / step + 1e-9) + 1)]

    def _log_ticks(self, most: int) -> list[float]:
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for parts in ((1, 1.5, 2, 3, 4, 5, 6, 7, 8), (1, 2, 3, 5), (1, 3), (1,)):
            found = [p * 10**d for d in decades for p in parts if self.low <= p * 10.0**d <= self.high]
            if len(found) <= most:
                break
        return found if len(found) > 1 else Axis(self.low, self.high).ticks(most)


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(max(rough, 1e-300)))
    return next(k * power for k in (1, 2, 2.5, 5, 10) if k * power >= rough * (1 - 1e-9))


def tick_text(value: float) -> str:
    """Text of a tick, as short as possible."""
    text = f"{value:.6g}"
    return number(value, 3) if "e" in text else text.replace("-", "−")


def ends(values: Sequence[float]) -> list[float]:
    """Least and greatest value, to three digits: the ticks of a strip."""
    return sorted({float(f"{min(values):.3g}"), float(f"{max(values):.3g}")})


@dataclass
class Plot:
    """A chart to which marks are added; later marks lie on top. ``width`` in pixels, None for the width of the page;
    ``y_names`` replace the numbers of ``y_ticks``."""

    x: Axis
    y: Axis
    x_label: str
    y_label: str
    title: str
    height: int = 320
    kind: str = ""
    x_ticks: Sequence[float] | None = None
    y_ticks: Sequence[float] | None = None
    y_names: Sequence[str] | None = None
    width: int | None = None
    _marks: list[Node] = field(default_factory=list)
    _over: list[Node] = field(default_factory=list)  #: above all marks

    def add(self, node: Node) -> None:
        self._marks.append(node)

    def line(self, points: Sequence[Point], class_: str, series: int | None = None) -> None:
        """Add a polyline with a constant stroke width."""
        if len(points) < 2:
            return
        self.add(self._stretched(h("path", d=self._path(points), class_=f"line {class_}"), series))

    def step(self, points: Sequence[Point], class_: str, series: int | None = None) -> None:
        """Add a step line: constant until the next point."""
        corners: list[Point] = []
        for a, b in points:
            if corners:
                corners.append((a, corners[-1][1]))
            corners.append((a, b))
        self.line(corners, class_, series)

    def area(self, corners: Sequence[Point], class_: str) -> None:
        """Add a filled polygon."""
        self.add(self._stretched(h("path", d=self._path(corners) + "Z", class_=class_), None, "hidden"))

    def interval(self, points: Sequence[tuple[float, float, float]], class_: str) -> None:
        """Fill the intervals of a step line: each (x, low, high) holds until the next x."""
        if len(points) < 2:
            return
        upper, lower = list[Point](), list[Point]()
        for x, low, high in points:
            if upper:
                upper.append((x, upper[-1][1]))
                lower.append((x, lower[-1][1]))
            upper.append((x, high))
            lower.append((x, low))
        self.area([*upper, *reversed(lower)], class_)

    def mark(
        self,
        point: Point,
        class_: str,
        shape: str = "circle",
        *,
        title: str = "",
        label: str = "",
        **more: str | int | None,
    ) -> None:
        """Add a marker with ``title`` as its tooltip and ``label`` beside it."""
        left = self.x.at(point[0]) > 70
        text = h("text", label, x=-9 if left else 9, y=4, text_anchor="end" if left else "start", class_="name")
        self.add(
            h(
                "svg",
                h("path", h("title", title) if title else None, d=MARKS[shape], class_=f"mark {class_}"),
                text if label else None,
                x=f"{self.x.at(point[0])}%",
                y=f"{100 - self.y.at(point[1])}%",
                overflow="visible",
                **more,
            )
        )

    def whisker(
        self, point: Point, low: float, high: float, class_: str, *, upright: bool, **more: str | int | None
    ) -> None:
        """Add an interval around a point, in y if ``upright``, else in x."""
        a, b = ((point[0], low), (point[0], high)) if upright else ((low, point[1]), (high, point[1]))
        self.add(
            h(
                "line",
                x1=f"{self.x.at(a[0])}%",
                y1=f"{100 - self.y.at(a[1])}%",
                x2=f"{self.x.at(b[0])}%",
                y2=f"{100 - self.y.at(b[1])}%",
                class_=f"whisker {class_}",
                **more,
            )
        )

    def upright(self, value: float, text: str, class_: str) -> None:
        """Add a vertical line through the plot, with a label along it above all marks."""
        at = f"{self.x.at(value)}%"
        self.add(h("line", x1=at, x2=at, y1="0%", y2="100%", class_=class_))
        label = h("text", text, transform="rotate(-90)", x=5, y=-5, text_anchor="start", class_=f"{class_}-label")
        # At the bottom: the points of a front are mostly at the top.
        self._over.append(h("svg", label, x=at, y="100%", overflow="visible", pointer_events="none"))

    def element(self) -> Element:
        """Return the chart with its axes; for a screen reader an image named by its title."""
        return h(
            "div",
            self.svg(),
            class_=f"plot {self.kind}".strip(),
            role="img" if not self.kind else "group",
            aria_label=self.title,
        )

    def svg(self) -> Element:
        """Return the plot as an svg element; axis labels lie outside, up to 46 pixels on the left and below."""
        area = h("svg", class_="area", height=self.height, width=self.width or "100%", overflow="visible", role="group")
        for value in self.x.ticks() if self.x_ticks is None else self.x_ticks:
            at = f"{self.x.at(value)}%"
            append(area, h("line", x1=at, x2=at, y1="0%", y2="100%", class_="grid"))
            append(area, h("text", tick_text(value), x=at, y="100%", dy="1.5em", text_anchor="middle", class_="tick"))
        levels = self.y.ticks(5) if self.y_ticks is None else self.y_ticks
        for value, name in zip(levels, self.y_names or map(tick_text, levels), strict=True):
            at = f"{100 - self.y.at(value)}%"
            append(area, h("line", x1="0%", x2="100%", y1=at, y2=at, class_="grid"))
            append(area, h("text", name, x="0%", y=at, dx="-8", dy=".35em", text_anchor="end", class_="tick"))
        append(area, self._marks)
        append(area, self._over)
        append(area, h("text", self.x_label, x="100%", y="100%", dy="2.9em", text_anchor="end", class_="axis"))
        append(area, h("text", self.y_label, x="0%", y="0%", dx="-40", dy="-.9em", class_="axis"))
        return area

    def _path(self, points: Sequence[Point]) -> str:
        """Path through points in the units of a layer: pixels if the width is known, else percent."""
        wide, high = (1.0, 1.0) if self.width is None else (self.width / 100, self.height / 100)
        return "M" + "L".join(f"{wide * self.x.at(a):g},{high * (100 - self.y.at(b)):g}" for a, b in points)

    def _stretched(self, child: Element, series: int | None, overflow: str = "visible") -> Element:
        """Layer over the plot; CSS keeps the width of strokes when the layer is stretched."""
        return h(
            "svg",
            child,
            viewbox="0 0 100 100" if self.width is None else f"0 0 {self.width} {self.height}",
            preserveaspectratio="none",
            width="100%",
            height="100%",
            overflow=overflow,
            aria_hidden="true",
            data_series=series,
        )


def strip(
    points: Sequence[Point], x: Axis, label: str, title: str, class_: str, series: int | None = None
) -> Element | None:
    """Return a low chart of one quantity, to stand under another chart, with its least and greatest value as ticks;
    None without points."""
    if not points:
        return None
    values = [value for _, value in points]
    y = Axis.around(values, log=False, margin=0.15)
    plot = Plot(x, y, "", label, title, 48, x_ticks=(), y_ticks=ends(values))
    plot.line(points, class_, series)
    return plot.element()
