"""Sustained load of a file: one line of ``sustained.jsonl``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgenas.base.jsonl import Appender
from edgenas.profiler.sustained_load import SustainedLoad
from edgenas.runs.documents import DocumentKind


def _from_1(data: dict[str, Any]) -> dict[str, Any]:
    """Rename ``asked_s``, the requested duration."""
    return {"requested_s" if name == "asked_s" else name: value for name, value in data.items()}


#: 1 (edgenas 0.2)  the first
#: 2 (edgenas 0.3)  ``requested_s`` (was ``asked_s``)
SUSTAINED = DocumentKind(
    SustainedLoad,
    "edgenas sustained load",
    2,
    "run the file again: edgenas verify FILE --sustained 10m",
    {1: _from_1},
    signed=False,
)


def check_sustained(path: Path) -> None:
    """Raise InputError where lines cannot be appended to ``path``: it is of another format, of a version that this
    edgenas does not know, or is being written. A file that is not there stays so."""
    _appender(path).close()
    if path.exists():
        SUSTAINED.read_lines(path)


def append_sustained(path: Path, one: SustainedLoad) -> None:
    """Append a line to a file."""
    with _appender(path) as file:
        file.append([SUSTAINED.to_json(one)])


def _appender(path: Path) -> Appender:
    return Appender(path, SUSTAINED.format, "a file of sustained loads")
