"""Verdicts: a file timed on a device. Lines of ``verification.jsonl``, and what ``edgenas verify --json`` prints."""

from __future__ import annotations

from pathlib import Path

from edgenas.base.reading import read_json
from edgenas.profiler.verdict import Verdict
from edgenas.runs.documents import DocumentKind

#: 1  the first; edgenas 0.2 wrote it without ``format`` and ``version``, and left out what is null
VERIFICATION = DocumentKind(
    Verdict,
    "edgenas verification",
    1,
    "verify the file again: edgenas verify FILE --json",
    unversioned=frozenset({"file", "measured_ms", "low_ms"}),
    signed=False,
)


def fits_list(data: object) -> bool:
    """Return whether ``data`` is what ``edgenas verify --json`` prints."""
    return isinstance(data, list) and bool(data) and all(VERIFICATION.fits(each) for each in data)


def read_list(path: Path) -> list[Verdict]:
    """Return the verdicts that ``edgenas verify --json`` printed into a file; InputError where it cannot be read or is
    damaged.
    """
    return [VERIFICATION.of_json(each, f"{path}, verdict {number}") for number, each in enumerate(read_json(path), 1)]
