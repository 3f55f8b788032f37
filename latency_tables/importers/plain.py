"""Importer of the user's own measurements: a CSV or JSON file of blocks and milliseconds (``edgenas.base.rows``).

    column                      holds
    block                       text of a block; or its fields: kind, in_size, c_in, c_mid, c_out, kernel, stride, c_se,
                                act, residual, same. Where a row has both, they must agree
    ms (or mean_ms)             mean time, ms; a row where it is empty was not measured, and is left out
    n (or count), sd (or sd_ms) number of runs and their standard deviation in ms; may be empty
    macs, params                compared with the block's own, where they are given

``edgenas table template SPACE`` writes such a file for a space, with the times to fill in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from edgenas.base.errors import InputError
from edgenas.base.rows import Row, read_rows
from edgenas.blocks.size import parse_size
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.imported import PublishedValue
from edgenas.latency_tables.importers.reading import Places, PublishedEntry, PublishedTable, check_ms

FIELDS = tuple(each.name for each in fields(BlockSpec))
COUNTS = ("macs", "params")
#: column of the template -> its other name, which ``edgenas table show --csv`` writes
VALUES = {"ms": "mean_ms", "n": "count", "sd": "sd_ms"}
TEMPLATE = ("block", *FIELDS, *COUNTS, *VALUES)
MOST_RUNS = 10**9
_FLAGS = {"0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}


def read(text: str, places: Places, column: str = "") -> PublishedTable:
    """Return the table in ``text``; its rows name their blocks and need no ``places``."""
    columns, rows = read_rows(text, "block", "ms")
    named = {name: _column(name, other, columns) for name, other in VALUES.items()}
    if not named["ms"]:
        raise InputError(f"it has no column ms (mean milliseconds of a block); its columns are {_listed(columns)}")
    if "block" not in columns and not {"kind", "in_size", "c_in"} <= set(columns):
        raise InputError(f"it has no column block, such as conv-224x3-o16-k3-s2; its columns are {_listed(columns)}")
    found: dict[BlockSpec, PublishedEntry] = {}
    empty: list[str] = []
    for row in rows:
        block = _block(row, columns)
        ms = row.number(named["ms"])
        if ms is None:
            empty.append(row.place)
            continue
        if block.kind == "skip":
            raise InputError(f"{row.place}: {block} does nothing, and costs 0 ms in every table; remove the row")
        if block in found:
            raise InputError(f"{row.place}: {block} is given twice, first in {found[block].place}")
        found[block] = PublishedEntry(row.place, block, _value(row, ms, named))
    if not found:
        raise InputError(f"no row has a time: fill in the column {named['ms']}")
    left_out = [f"{len(empty)} blocks without a time, the first in {empty[0]}"] if empty else []
    known = {"block", *FIELDS, *COUNTS, *named.values()}
    if others := [name for name in columns if name not in known]:
        left_out.append(f"columns that are not read: {_listed(others)}")
    return PublishedTable(tuple(found.values()), tuple(left_out))


def template(blocks: Sequence[BlockSpec]) -> list[dict[str, Any]]:
    """Return a row for each block: the columns of TEMPLATE, with None for the times to fill in."""
    blank = dict.fromkeys(VALUES)
    return [{"block": str(b), **b.as_dict(), "macs": b.macs, "params": b.params, **blank} for b in blocks]


def _column(name: str, other: str, columns: Sequence[str]) -> str:
    """Return the column of a value under either of its names, '' where there is none; InputError where there are
    both."""
    if name in columns and other in columns:
        raise InputError(f"it has both a column {name} and a column {other}, which mean the same; keep one")
    return name if name in columns else other if other in columns else ""


def _block(row: Row, columns: Sequence[str]) -> BlockSpec:
    """Return the block of a row; InputError where it has none, or two."""
    text = row.text("block")
    given = {name: row.text(name) for name in FIELDS if name in columns and row.text(name)}
    try:
        values = _fields(row, given)
        if text:
            block = BlockSpec.parse(text)
        elif {"kind", "in_size", "c_in"} <= given.keys():
            block = BlockSpec(**values)
        else:
            raise InputError("it names no block")
    except InputError as error:
        raise InputError(f"{row.place}: {str(error).removeprefix(row.place + ': ')}") from error
    for name, value in values.items():
        if value != getattr(block, name):
            raise InputError(f"{row.place}: {name} is {value}, but {block} has {getattr(block, name)}")
    for name in COUNTS:
        if name in columns and (count := row.whole(name)) not in (None, getattr(block, name)):
            raise InputError(f"{row.place}: {name} is {count}, but {block} has {getattr(block, name)}")
    return block


def _fields(row: Row, given: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of those fields of a block that a row gives."""
    values: dict[str, Any] = {}
    for name, text in given.items():
        if name in ("kind", "act"):
            values[name] = text
        elif name == "in_size" and "x" in text:
            values[name] = parse_size(text)
        elif name not in ("residual", "same"):
            values[name] = row.whole(name)
        elif text.lower() in _FLAGS:
            values[name] = _FLAGS[text.lower()]
        else:
            raise InputError(f"{name} is {text[:40]!r}, not true or false")
    if values.get("kind") == "skip":
        values.setdefault("c_out", values.get("c_in"))
    return values


def _value(row: Row, ms: float, named: Mapping[str, str]) -> PublishedValue:
    n = row.whole(named["n"]) if named["n"] else None
    sd = row.number(named["sd"]) if named["sd"] else None
    if n is not None and not 1 <= n <= MOST_RUNS:
        raise InputError(f"{row.place}: {named['n']} is {n}, but a time comes from 1 .. {MOST_RUNS:,} runs")
    if sd is not None:
        check_ms(sd, f"{row.place}, {named['sd']}")
    return PublishedValue(check_ms(ms, row.place), sd, n)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
