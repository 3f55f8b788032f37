"""Rows of a table that a user wrote by hand or with a program, as CSV or JSON; every row has its place in the file, for
messages.

CSV    a line of column names, then a line for each row; the separator is a comma, a semicolon or a tab. In a file
       with semicolons, numbers may have a decimal comma
JSON   a list of objects, one for each row; or one object: key of a row -> its number, or its object
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgenas.base.errors import InputError
from edgenas.base.json_text import parse_json

MOST_COLUMNS = 300
_SEPARATORS = ",;\t"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_COMMA = re.compile(r"[+-]?\d+,\d+")


@dataclass(frozen=True, slots=True)
class Row:
    """One row. ``place`` is where it stands in the file: 'line 3' or 'entry 3'; ``values`` are texts (CSV), or any
    flat JSON values."""

    place: str
    values: Mapping[str, Any]
    decimal_comma: bool = False

    def text(self, name: str) -> str:
        """Return the value of column ``name`` without spaces around it; '' where it is empty or absent."""
        value = self.values.get(name)
        return "" if value is None else str(value).strip()

    def number(self, name: str) -> float | None:
        """Return the finite number in column ``name``, None where it is empty; InputError for anything else."""
        text = self.text(name)
        if not text:
            return None
        if self.decimal_comma and _COMMA.fullmatch(text):
            text = text.replace(",", ".")
        value = float(text) if _NUMBER.fullmatch(text) else math.nan
        if not math.isfinite(value):
            raise InputError(f"{self.place}: {name} is {text[:40]!r}, not a finite number")
        return value

    def whole(self, name: str) -> int | None:
        """Return the whole number of 0 or more in column ``name``, None where it is empty; InputError for anything
        else."""
        value = self.number(name)
        if value is not None and (value != int(value) or not 0 <= value <= 2**53):
            raise InputError(f"{self.place}: {name} is {self.text(name)[:40]!r}, not a whole number of 0 or more")
        return None if value is None else int(value)


def read_rows(text: str, key: str, value: str) -> tuple[tuple[str, ...], list[Row]]:
    """Return the names of the columns, and the rows. ``key`` and ``value`` are the columns of a JSON object from keys
    to numbers. InputError names the line or entry that cannot be read."""
    start = text.lstrip()[:1]
    columns, rows = _from_json(text, key, value) if start in ("[", "{") else _from_csv(text)
    if not rows:
        raise InputError("it holds no rows")
    return columns, rows


def _from_csv(text: str) -> tuple[tuple[str, ...], list[Row]]:
    first = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[Row] = []
    columns: tuple[str, ...] = ()
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            place = f"line {reader.line_num}"
            if not columns:
                columns = _names([cell.strip() for cell in cells], place)
            elif len(cells) != len(columns):
                raise InputError(f"{place}: {len(cells)} values for {len(columns)} columns")
            else:
                rows.append(Row(place, dict(zip(columns, cells, strict=True)), separator == ";"))
    except csv.Error as error:
        raise InputError(f"line {reader.line_num}: not CSV: {str(error)[:100]}") from error
    return columns, rows


def _names(names: Sequence[str], place: str) -> tuple[str, ...]:
    """Return the names of the columns; InputError where one is empty, unprintable or given twice."""
    for name in names:
        if not name or not name.isprintable() or len(name) > 100:
            raise InputError(f"{place}: {name[:40]!r} is not a name of a column")
        if names.count(name) > 1:
            raise InputError(f"{place}: the column {name} is given twice")
        if len(names) > MOST_COLUMNS:
            raise InputError(f"{place}: {len(names)} columns, more than {MOST_COLUMNS}")
    return tuple(names)


def _from_json(text: str, key: str, value: str) -> tuple[tuple[str, ...], list[Row]]:
    try:
        found = parse_json(text)
    except ValueError as error:
        raise InputError(f"not JSON: {error}") from error
    if isinstance(found, dict):
        entries: list[Any] = [
            {key: name, **given} if isinstance(given, dict) else {key: name, value: given}
            for name, given in found.items()
        ]
    else:
        entries = list(found)
    columns: dict[str, None] = {}
    rows = []
    for number, entry in enumerate(entries, start=1):
        place = f"entry {number}"
        if not isinstance(entry, dict):
            raise InputError(f"{place} is not an object")
        for name, each in entry.items():
            if isinstance(each, list | dict):
                raise InputError(f"{place}: {str(name)[:40]} is a {type(each).__name__}, not a text or a number")
            columns[name] = None
        rows.append(Row(place, entry))
    return _names(list(columns), "the entries") if columns else (), rows
