"""Display of results: rows as a data frame, and as an HTML table for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

FilePath = str | Path  #: path of a file or folder, an argument of many functions
_MOST_ROWS = 20  #: most rows of a table in a notebook


def frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return a data frame with a row for each mapping."""
    import pandas as pd

    return pd.DataFrame([dict(row) for row in rows])


def html_table(title: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> str:
    """Return an HTML table of ``columns`` (default: all), with ``title`` above it; at most 20 rows are shown."""
    names = list(columns) or list(rows[0] if rows else ())
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(_text(row.get(name)))}</td>" for name in names) + "</tr>"
        for row in rows[:_MOST_ROWS]
    )
    left = f"<p>and {len(rows) - _MOST_ROWS:,} more rows</p>" if len(rows) > _MOST_ROWS else ""
    return f"<p>{escape(title)}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{left}"


def number(value: float) -> str:
    """Return a number as text with four significant digits."""
    return f"{value:.4g}"


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return number(value)
    return str(value)
