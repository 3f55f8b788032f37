"""``edgenas.report``: one HTML page of tables, searches and verifications."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.api.gate import table_path
from edgenas.api.shown import FilePath
from edgenas.base.errors import InputError
from edgenas.base.files import output_path, write_whole
from edgenas.runs.layout import REPORT

if TYPE_CHECKING:
    from edgenas.api.table import Table
    from edgenas.runs.gather import RunFiles


@dataclass(frozen=True, repr=False, eq=False)
class Report:
    """The report page at ``path``; ``files`` are the files that it shows."""

    path: Path
    files: RunFiles

    def summary(self) -> dict[str, Any]:
        """Return how many tables, searches and verified files the page shows, and its path."""
        return {
            "tables": len(self.files.journals) + len(self.files.imported),
            "searches": len(self.files.searches),
            "verified files": len(self.files.verdicts) + sum(len(run.verdicts) for run in self.files.runs),
            "written": str(self.path),
        }

    def to_json(self) -> dict[str, Any]:
        """Return what ``edgenas report --json`` prints."""
        return {**self.summary(), "files": [str(source.path) for source in self.files.sources]}

    def __repr__(self) -> str:
        counts = self.summary()
        return f"<Report {self.path}: {counts['tables']} tables, {counts['searches']} searches>"


def report(*runs: FilePath | Table, out: FilePath = REPORT) -> Report:
    """Write one self-contained HTML page of runs, tables, searches and verifications, as ``edgenas report`` does.

    runs   folders of runs (of ``edgenas.demo`` or ``edgenas.ship``), latency tables, ``search.json``, or files with the
           output of ``edgenas verify --json``
    out    the HTML file to write

    InputError for a file that is none of these.

        edgenas.report("pi4-litert.jsonl", "search.json", out="report.html").path
    """
    from edgenas.report.page import page
    from edgenas.runs.gather import gather

    if not runs:
        raise InputError("name at least one folder or file to report")
    path = output_path(out)
    files = gather([table_path(run) for run in runs])
    write_whole(path, page(files))
    return Report(path, files)
