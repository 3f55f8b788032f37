"""Tables as text: no cell is cut and no word is broken, in any width."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

GAP = "  "
MOST_ACROSS = 4  #: rows that are shown as columns where the table is too wide

Paint = Callable[[str], str]  #: adds colours to one line of a cell, whose width stays


def text_table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    width: int | None,
    right: Sequence[bool] = (),
    paint: Paint = str,
) -> list[str]:
    """Return the lines of a table that is at most ``width`` columns wide; None for as wide as it needs.

    Cells are wrapped at spaces. Where not even that fits, a table of at most ``MOST_ACROSS`` rows is turned, so that
    each row is a column; a longer one becomes a paragraph for each row, with a line for each cell.

    right   for each column, True where its cells end at the same column, as numbers do
    paint   function that colours a cell
    """
    right = right or [False] * len(headings)
    if width is None or _least(headings, rows) <= width:
        return _across(headings, rows, width, right, paint)
    if rows and len(rows) <= MOST_ACROSS:
        turned = [(heading, *cells) for heading, *cells in zip(headings, *rows, strict=True)]
        if _least(turned[0], turned[1:]) <= width:
            return _across(turned[0], turned[1:], width, [False] * len(turned[0]), paint)
    return _paragraphs(headings, rows, paint)


def _across(
    headings: Sequence[str], rows: Sequence[Sequence[str]], width: int | None, right: Sequence[bool], paint: Paint
) -> list[str]:
    widths = _widths(headings, rows, width)
    lines = _row(headings, widths, right, str, bottom=True)
    lines.append(GAP.join("─" * each for each in widths))
    wrapped = [_row(cells, widths, right, paint) for cells in rows]
    apart = any(len(each) > 2 for each in wrapped)  # long cells: a blank line between rows
    for number, each in enumerate(wrapped):
        lines += ["", *each] if apart and number else each
    return lines


def _paragraphs(headings: Sequence[str], rows: Sequence[Sequence[str]], paint: Paint) -> list[str]:
    room = max(map(columns_of, headings), default=0)
    lines: list[str] = []
    for number, cells in enumerate(rows):
        lines += [""] if number else []
        lines += [f"{_padded(h, room, False)}{GAP}{paint(c)}".rstrip() for h, c in zip(headings, cells, strict=True)]
    return lines


def columns_of(text: str) -> int:
    """Return the number of columns of a terminal that ``text`` takes."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in ("W", "F") else 1 for c in text
    )


def _least(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    return sum(_longest_words(headings, rows)) + len(GAP) * (len(headings) - 1)


def _longest_words(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    every = zip(headings, *rows, strict=True)
    return [max((columns_of(word) for cell in cells for word in cell.split(" ")), default=0) for cells in every]


def _widths(headings: Sequence[str], rows: Sequence[Sequence[str]], width: int | None) -> list[int]:
    """Return the width of each column: enough for its longest word, and for its longest cell where there is room. Room
    that is short goes column by column to the cell with the most lines."""
    full = [max(map(columns_of, cells)) for cells in zip(headings, *rows, strict=True)]
    room = sum(full) if width is None else width - len(GAP) * (len(headings) - 1)
    if sum(full) <= room:
        return full
    widths = _longest_words(headings, rows)
    bodies = [max(map(columns_of, cells), default=0) for cells in zip(*rows, strict=True)] or [0] * len(full)
    while sum(widths) < room:
        wanting = [(bodies[i] / widths[i], i) for i in range(len(full)) if widths[i] < bodies[i]]
        wanting = wanting or [(full[i] / widths[i], i) for i in range(len(full)) if widths[i] < full[i]]
        if not wanting:
            break
        widths[max(wanting)[1]] += 1
    return widths


def _row(
    cells: Sequence[str], widths: Sequence[int], right: Sequence[bool], paint: Paint, bottom: bool = False
) -> list[str]:
    """Return the lines of one row; with ``bottom``, short cells stand at its bottom."""
    wrapped = [_wrapped(cell, width) for cell, width in zip(cells, widths, strict=True)]
    height = max(map(len, wrapped), default=0)
    wrapped = [[""] * (height - len(each)) + each if bottom else each + [""] * (height - len(each)) for each in wrapped]
    lines = []
    for parts in zip(*wrapped, strict=True):
        shown = [_padded(part, widths[i], right[i], paint) for i, part in enumerate(parts)]
        lines.append(GAP.join(shown).rstrip())
    return lines


def _wrapped(cell: str, width: int) -> list[str]:
    if columns_of(cell) <= width:
        return [cell]
    lines = [""]
    for word in cell.split():
        longer = f"{lines[-1]} {word}".strip()
        if columns_of(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return [line for line in lines if line] or [""]


def _padded(text: str, width: int, right: bool, paint: Paint = str) -> str:
    space = " " * (width - columns_of(text))
    return space + paint(text) if right else paint(text) + space
