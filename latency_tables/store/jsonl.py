"""Append-only files with one JSON object per line, intact when the process is killed at any moment.

A record exists once its newline is on the disk. A last line without a newline is an interrupted write: reading leaves
it out and counts its bytes, and appending first removes it. Any other line that does not parse is damage: an error with
the line's number.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.reading import FileKind, unreadable


@dataclass(frozen=True, slots=True)
class Lines:
    """Contents of a file: (line number from 1, object) pairs, and the number of bytes of an incomplete last line."""

    records: tuple[tuple[int, dict[str, Any]], ...]
    dropped_bytes: int = 0


def read_lines(path: Path, kind: FileKind = "table") -> Lines:
    """Read every complete record of ``path``, a file of the ``kind``; InputError for a missing file, a line that is not
    an object, a repeated key, or a number that JSON does not have (NaN, Infinity)."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(unreadable(path, error, kind)) from error
    whole, newline, torn = data.rpartition(b"\n")
    records = []
    for number, line in enumerate(whole.split(b"\n") if newline else [], start=1):
        try:
            record = parse_line(line)
        except ValueError as error:
            start = line[:60].decode("utf-8", "replace")
            raise InputError(
                f"{path}, line {number}: damaged record {start!r} ({error}); restore the file from a copy, or delete "
                f"that line to do without it"
            ) from error
        records.append((number, record))
    return Lines(tuple(records), len(torn))


def parse_line(line: str | bytes) -> dict[str, Any]:
    """Parse one record; ValueError unless it is a JSON object without repeated keys and without NaN or Infinity."""
    try:
        record = json.loads(line, parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(record, dict):
        raise ValueError("not a JSON object")
    return record


class Appender:
    """The only writer of a file: locks it, removes an incomplete last line, appends and syncs.

    Use it as a context manager. InputError when another process is writing the file. ``dropped_bytes`` is the number of
    bytes of the line that was removed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise InputError(f"{path}: {error.strerror or error}; name a file that can be written") from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(self._fd), path.stat()):
                raise OSError("it was replaced in between")
        except OSError as error:
            os.close(self._fd)
            raise InputError(
                f"{path}: another process is writing it; wait for it to end, or write another file"
            ) from error
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        self.dropped_bytes = len(data) - whole
        if self.dropped_bytes:
            os.ftruncate(self._fd, whole)

    def append(self, records: Iterable[dict[str, Any]]) -> None:
        """Append the records, and return once they are on the disk; OutcomeError, with no record written, where the
        disk is full."""
        data = b"".join(json.dumps(r, allow_nan=False, separators=(",", ":")).encode() + b"\n" for r in records)
        size = os.fstat(self._fd).st_size
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
            os.fsync(self._fd)
        except OSError as error:
            os.ftruncate(self._fd, size)
            raise OutcomeError(f"{self.path}: not written: {error.strerror or error}; old records are kept") from error

    def clear(self) -> None:
        """Remove every record, for a file that holds only a header."""
        os.ftruncate(self._fd, 0)

    def close(self) -> None:
        os.close(self._fd)

    def __enter__(self) -> Appender:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is not a JSON number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError("a key is given twice")
    return record
