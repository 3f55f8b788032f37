"""Pieces that sections of the page are made of: headings, tables of numbers, legends, tiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar
from xml.etree.ElementTree import Element

from edgenas.report.html import Node, h, number
from edgenas.report.plot import MARKS
from edgenas.report.series import Series

PALETTE = 8  #: colours; a ninth series has the first one again

MOST_ROWS = 500  #: of a table: more are for a spreadsheet

Cell = Node
Row = TypeVar("Row")


def section(identity: str, title: str, finding: Node, *body: Node) -> Element:
    """A part of the page: a heading, what it says in a sentence, and the figures that show it."""
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
    """A figure with its caption above it."""
    return h("figure", h("figcaption", caption), *body, class_=class_)


def table(
    columns: Sequence[str], rows: Sequence[Sequence[Cell]], caption: str = "", *, left: Sequence[int] = (0,)
) -> Element:
    """A table; columns but those ``left`` hold numbers, aligned right."""
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
    """The numbers behind a figure, folded away."""
    return h("details", h("summary", summary), content)


def cut(rows: Sequence[Row], what: str, where: str) -> tuple[Sequence[Row], str]:
    """The first MOST_ROWS of ``rows``, and what the fold above them says: how many there are, and ``where`` all are."""
    if len(rows) <= MOST_ROWS:
        return rows, f"Numbers: {len(rows):,} {what}"
    return rows[:MOST_ROWS], f"Numbers: {MOST_ROWS} of {len(rows):,} {what}; all are in {where}"


def meter(share: float, class_: str = "") -> Element:
    """A bar that is filled to ``share``; the number beside it says the same."""
    wide = 100 * min(1.0, max(0.0, share))
    bar = h("svg", h("rect", width=f"{wide:.1f}%", height=8), width="100%", height=8, aria_hidden="true")
    return h("div", bar, class_=f"meter {class_}".strip())


def swatch(index: int, shape: str = "square", class_: str = "") -> Element:
    """A little mark in a series' colour."""
    path = h("path", d=MARKS[shape], class_=f"mark {colour(index)} {class_}".strip())
    return h("svg", path, class_="swatch", viewbox="-8 -8 16 16", width=14, height=14, aria_hidden="true")


def legend(series: Sequence[Series]) -> Element | None:
    """Names of the series, each with its colour."""
    if not series:
        return None
    return h("ul", [h("li", swatch(s.index), s.label, data_series=s.index) for s in series], class_="legend")


def colour(index: int) -> str:
    """The class that gives a series its colour."""
    return f"s{index % PALETTE}"


def heat(share: float) -> str:
    """The class for 0 .. 1 on the scale of colours, nine steps."""
    return f"h{min(8, max(0, round(share * 8)))}"


def ms(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """Milliseconds, with an interval where there is one."""
    if value is None:
        return "–"
    return f"{number(value)} ms" if low is None or high is None else f"{number(value)} ms ({between(low, high)})"


def between(low: float, high: float) -> str:
    """An interval as text."""
    return f"{number(low)} … {number(high)}"


def percent(share: float, digits: int = 1) -> str:
    """A share in percent."""
    return f"{100 * share:.{digits}f} %"
