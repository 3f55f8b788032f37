"""Opening of a table's file, measured or imported."""

from __future__ import annotations

from pathlib import Path

from edgenas.base.errors import InputError
from edgenas.base.reading import unreadable
from edgenas.latency_tables.imported import FORMAT, ImportedTable, read_imported
from edgenas.latency_tables.store.journal import read_table
from edgenas.latency_tables.store.jsonl import parse_line
from edgenas.latency_tables.table import LatencyTable


def open_table(path: str | Path) -> LatencyTable | ImportedTable:
    """Return the table in ``path``; InputError names the faulty line and the remedy."""
    return read_imported(path) if is_imported(path) else read_table(path)


def is_imported(path: str | Path) -> bool:
    """Return whether the first line of ``path`` is that of an imported table; InputError where it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            line = file.readline(1 << 20)
    except OSError as error:
        raise InputError(unreadable(path, error, "table")) from error
    try:
        return parse_line(line).get("format") == FORMAT
    except ValueError:
        return False
