"""A file under sustained load: a line of ``sustained.jsonl``."""

from __future__ import annotations

from pathlib import Path

from edgenas.base.jsonl import Appender
from edgenas.profiler.sustained_load import SustainedLoad
from edgenas.runs.documents import DocumentKind

#: 1  the first
SUSTAINED = DocumentKind(
    SustainedLoad, "edgenas sustained load", 1, "run the file again: edgenas verify FILE --sustained 10m", signed=False
)


def append_sustained(path: Path, one: SustainedLoad) -> None:
    """Append a line to a file."""
    with Appender(path, SUSTAINED.format, "a file of sustained loads") as file:
        file.append([SUSTAINED.to_json(one)])
