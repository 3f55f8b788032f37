"""Append-only files with one JSON object per line, intact when the process is killed at any moment.

The first line is a header whose first field is the format: {"format":"NAME", ...}. A record exists once its newline is
on the disk. A last line without a newline is an interrupted write: reading leaves it out and counts its bytes, and
appending first removes it. Any other line that does not parse is damage: an error with the line's number. A file of
another format is never changed.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.files import unwritten
from edgenas.base.json_text import parse_line
from edgenas.base.reading import FileKind, check_regular, read_bytes, reading
from edgenas.base.undo import UndoOnFailure


@dataclass(frozen=True, slots=True)
class Lines:
    """Contents of a file: (line number from 1, object) pairs, and the number of bytes of an incomplete last line."""

    records: tuple[tuple[int, dict[str, Any]], ...]
    dropped_bytes: int = 0


class LineReader:
    """Reader of the complete records of a file of the ``kind``, one at a time: a file of any size takes the memory of
    one line.

    Iterating yields (line number from 1, object); InputError for a missing file, and for a line that is not a JSON
    object as ``parse_line`` reads it. ``line`` is the text of the last record; ``dropped_bytes`` is the number of bytes
    of an incomplete last line, known after the last record.
    """

    def __init__(self, path: Path, kind: FileKind = "table") -> None:
        self.path = path
        self.line = b""
        self.dropped_bytes = 0
        self._kind = kind

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any]]]:
        with reading(self.path, self._kind) as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    self.dropped_bytes = len(line)
                    return
                self.line = line[:-1]
                yield number, self._parsed(number)

    def _parsed(self, number: int) -> dict[str, Any]:
        try:
            return parse_line(self.line)
        except ValueError as error:
            start = self.line[:60].decode("utf-8", "replace")
            raise InputError(
                f"{self.path}, line {number}: damaged record {start!r} ({error}); restore the file from a copy, or "
                f"delete that line to do without it"
            ) from error


def read_lines(path: Path, kind: FileKind = "table") -> Lines:
    """Read every complete record of ``path``, a file of the ``kind``; InputError as ``LineReader``."""
    lines = LineReader(path, kind)
    return Lines(tuple(lines), lines.dropped_bytes)


class Appender:
    """The only writer of a file of one format: locks it, removes an incomplete last line, appends and syncs.

    ``form`` is the format that the header names, ``what`` describes such a file in messages, such as 'a latency table'.
    Use it as a context manager. InputError, with the file untouched, where another process is writing it, where it is
    not a regular file, and where its first line is not a header of ``form``. ``dropped_bytes`` is the number of bytes
    of the line that was removed. A file that this object created, and to which nothing was written, is removed at the
    end.
    """

    def __init__(self, path: Path, form: str, what: str) -> None:
        self.path = path
        self._form, self._what = form, what
        self._created = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = self._open(path)
        except OSError as error:
            raise unwritten(path, error) from error
        with UndoOnFailure(lambda: os.close(self._fd)):
            self._lock()
            data = read_bytes(path)
            self._check_ours(data)
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

    def replace(self, records: Iterable[dict[str, Any]]) -> None:
        """Replace the content of the file by ``records``, completely or not at all; the lock is kept. OutcomeError
        where it cannot be written."""
        beside = self.path.with_name(f".{self.path.name[:200]}-{secrets.token_hex(6)}.partial")
        new = Appender(beside, self._form, self._what)
        try:
            new.append(records)
            beside.replace(self.path)
        except BaseException as error:
            new.close()
            beside.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise OutcomeError(f"{self.path}: not replaced: {error.strerror}; it is as it was") from error
            raise
        os.close(self._fd)
        self._fd = new._fd

    def close(self) -> None:
        if self._created:
            with suppress(OSError):
                if os.fstat(self._fd).st_size == 0:
                    self.path.unlink()
        os.close(self._fd)

    def __enter__(self) -> Appender:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self, path: Path) -> int:
        flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o644)
            self._created = True
        except FileExistsError:
            descriptor = os.open(path, flags | os.O_CREAT, 0o644)  # a symbolic link may name a file that is not there
        with UndoOnFailure(lambda: os.close(descriptor)):
            check_regular(descriptor)
        return descriptor

    def _lock(self) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(self._fd), self.path.stat()):
                raise OSError("it was replaced in between")
        except OSError as error:
            raise InputError(
                f"{self.path}: another process is writing it; wait for it to end, or write another file"
            ) from error

    def _check_ours(self, data: bytes) -> None:
        """Refuse a file of another format, since appending first removes an incomplete last line."""
        line, newline, _ = data.partition(b"\n")
        start = json.dumps({"format": self._form}, separators=(",", ":")).encode()[:-1]
        if newline:
            try:
                ours = parse_line(line).get("format") == self._form
            except ValueError:
                ours = False
        else:  # empty, or an interrupted first line
            ours = line.startswith(start) or start.startswith(line)
        if not ours:
            raise InputError(
                f"{self.path} is not {self._what}, and would be changed by writing to it; name another file"
            )
