"""Opening of a table's file, measured or imported."""

from __future__ import annotations

from pathlib import Path

from edgenas.base.errors import InputError
from edgenas.base.json_text import parse_line
from edgenas.base.reading import first_line
from edgenas.latency_tables.imported import FORMAT, ImportedTable, read_imported
from edgenas.latency_tables.store.journal import read_table
from edgenas.latency_tables.table import LatencyTable


def open_table(path: str | Path) -> LatencyTable | ImportedTable:
    """Return the table in ``path``; InputError names the faulty line and the remedy."""
    return read_imported(path) if is_imported(path) else read_table(path)


def is_imported(path: str | Path) -> bool:
    """Return whether the first line of ``path`` is that of an imported table; InputError where it cannot be read."""
    try:
        return parse_line(first_line(path, "table")).get("format") == FORMAT
    except InputError:
        raise
    except ValueError:
        return False
