"""Building blocks of the sections of the page: headings, tables of numbers, legends, meters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar
from xml.etree.ElementTree import Element

from edgenas.report.html import Node, h, number
from edgenas.report.plot import MARKS
from edgenas.report.series import Series

_BESIDE = (6, 4, 3, 5, 7)
PALETTE = 8  #: number of colours; a ninth series has the first colour again

MOST_ROWS = 500  #: rows of a table on the page, at most

Cell = Node
Row = TypeVar("Row")


def section(identity: str, title: str, finding: Node, *body: Node) -> Element:
    """Return a section: a heading, the finding in one sentence, and figures."""
    head = h("h2", title, id=f"{identity}-title")
    return h(
        "section",
        head,
        h("p", finding, class_="finding") if finding else None,
        *body,
        id=identity,
        aria_labelledby=f"{identity}-title",
    )


def figure(caption: Node, *body: Node, class_: str | None = None) -> Element:
    """Return a figure with its caption above it."""
    return h("figure", h("figcaption", caption), *body, class_=class_)


def table(
    columns: Sequence[str], rows: Sequence[Sequence[Cell]], caption: str = "", *, left: Sequence[int] = (0,)
) -> Element:
    """Return a table. Columns with an index in ``left`` are aligned left, others (numbers) right."""
    sides = ["l" if i in left else None for i in range(len(columns))]
    head = h("tr", [h("th", name, scope="col", class_=side) for name, side in zip(columns, sides, strict=True)])
    body = []
    for row in rows:
        cells: list[Element] = []
        for i, cell in enumerate(row):
            if isinstance(cell, Element) and cell.tag in ("td", "th"):
                cells.append(cell)
            elif i == 0:
                cells.append(h("th", cell, scope="row", class_=sides[i]))
            else:
                cells.append(
                    h("td", number(cell) if isinstance(cell, float) else "–" if cell is None else cell, class_=sides[i])
                )
        body.append(h("tr", cells))
    shown = h("table", h("caption", caption, class_="unseen") if caption else None, h("thead", head), h("tbody", body))
    return h("div", shown, class_="scroll", tabindex=0, role="region", aria_label=caption or columns[0])


def numbers(summary: str, content: Element) -> Element:
    """Return the numbers behind a figure, collapsed under ``summary``."""
    return h("details", h("summary", summary), content)


def cut(rows: Sequence[Row], what: str, where: str) -> tuple[Sequence[Row], str]:
    """Return the first MOST_ROWS of ``rows``, and the summary above them: their number, and ``where`` all rows are."""
    if len(rows) <= MOST_ROWS:
        return rows, f"Numbers: {len(rows):,} {what}"
    return rows[:MOST_ROWS], f"Numbers: {MOST_ROWS} of {len(rows):,} {what}; all are in {where}"


def meter(share: float, class_: str = "") -> Element:
    """Return a bar filled to ``share`` (0 to 1); hidden from screen readers, since a number stands beside it."""
    wide = 100 * min(1.0, max(0.0, share))
    bar = h("svg", h("rect", width=f"{wide:.1f}%", height=8), width="100%", height=8, aria_hidden="true")
    return h("div", bar, class_=f"meter {class_}".strip())


def swatch(index: int, shape: str = "square", class_: str = "") -> Element:
    """Return a small mark in the colour of a series."""
    path = h("path", d=MARKS[shape], class_=f"mark {colour(index)} {class_}".strip())
    return h("svg", path, class_="swatch", viewbox="-8 -8 16 16", width=14, height=14, aria_hidden="true")


def line_swatch(class_: str, index: int) -> Element:
    """Return a short line in the colour of a series."""
    line = h("line", x1=-8, x2=8, y1=0, y2=0, class_=f"line {class_} {colour(index)}")
    return h("svg", line, class_="swatch", viewbox="-8 -8 16 16", width=14, height=14, aria_hidden="true")


def legend(series: Sequence[Series]) -> Element | None:
    """Return the names of the series, each with its colour; None without any."""
    if not series:
        return None
    return h("ul", [h("li", swatch(s.index), s.label, data_series=s.index) for s in series], class_="legend")


def beside(index: int) -> int:
    """Return the index of a colour for what is no table (algorithms, judges, runs under load): tables have the first
    colours."""
    return _BESIDE[index % len(_BESIDE)]


def colour(index: int) -> str:
    """CSS class of the colour of a series."""
    return f"s{index % PALETTE}"


def heat(share: float) -> str:
    """CSS class of a ``share`` from 0 to 1 on the colour scale of nine steps."""
    return f"h{min(8, max(0, round(share * 8)))}"


def ms(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """Milliseconds as text, with the interval if there is one."""
    if value is None:
        return "–"
    return f"{number(value)} ms" if low is None or high is None else f"{number(value)} ms ({between(low, high)})"


def between(low: float, high: float) -> str:
    """An interval as text."""
    return f"{number(low)} … {number(high)}"


def percent(share: float, digits: int = 1) -> str:
    """A share as text in percent."""
    return f"{100 * share:.{digits}f} %"
