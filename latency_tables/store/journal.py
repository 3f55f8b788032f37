"""The file of a latency table: append-only JSON lines, intact when the process is killed at any moment.

    line 1    {"format": "edgenas latency table", "version": 4, "edgenas": "0.4.0", "created": ..., "setting": {...},
               "crc32": n}
    others    {"kind": "measurement", "blocks": [...], "process": n, "purpose": "table", "batch": ..., "loops": n,
               "samples_ns": [[...]], "checksum": [s, a], "before": {...}, "after": {...}, "crc32": n}
              {"kind": "failure", "blocks": [...], "process": n, "stage": ..., "message": ..., "crc32": n}
              {"kind": "void", "batch": ..., "first": n, "last": n, "share": x, "crc32": n}
              {"kind": "validation", "id": ..., "space": ..., "created": ..., "target": n, "networks": [[...]],
               "crc32": n}
              {"kind": "prior", "file": ..., "sha256": ..., "device": ..., "blocks_ms": {block: ms}, "crc32": n}

``blocks`` is one block measured alone, or a chain of several; ``checksum`` is null where the runtime gave none. See
``edgenas.base.sealing`` for the seal (``crc32``) and ``edgenas.latency_tables.store.migration`` for older
versions, which are read as well. A last line without a newline is an interrupted write: it is left out and counted in
``dropped_bytes``. Any other fault is an InputError with the line's number.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from edgenas.base.collection import collector_paused
from edgenas.base.counted import counted
from edgenas.base.errors import InputError
from edgenas.base.installing import install_newer
from edgenas.base.jsonl import Appender, LineReader
from edgenas.base.sealing import sealed, unsealed
from edgenas.base.undo import UndoOnFailure
from edgenas.latency_tables.records import BlockFailure, HeldOut, Measurement, Prior, VoidedRounds, piece_text
from edgenas.latency_tables.setting import Setting
from edgenas.latency_tables.store.fields import Fields
from edgenas.latency_tables.store.lines import Record, Shared, record_from_json, record_to_json, text_with_samples
from edgenas.latency_tables.store.migration import FORMAT_VERSION, upgrade, upgrade_setting
from edgenas.latency_tables.table import LatencyTable

FORMAT = "edgenas latency table"
_Kind = TypeVar("_Kind", Measurement, BlockFailure, VoidedRounds, HeldOut, Prior)


@dataclass(frozen=True, slots=True, repr=False)
class Journal:
    """Contents of a table's file: the table, the version of edgenas that began it, and the time of its creation."""

    table: LatencyTable
    edgenas: str
    created: str
    dropped_bytes: int
    version: int = FORMAT_VERSION

    @property
    def failures(self) -> tuple[BlockFailure, ...]:
        """Pieces that could not be measured."""
        return self.table.failures

    @property
    def validations(self) -> tuple[HeldOut, ...]:
        """The networks of each validation, finished or not, in order."""
        return self.table.validations

    def __repr__(self) -> str:
        return f"<Journal of {self.created}: {self.table!r}, {counted(len(self.failures), 'failure')}>"


def read_table(path: str | Path) -> LatencyTable:
    """Read the table of a file; ``read_journal`` also reads the file's header."""
    return read_journal(path).table


@collector_paused()
def read_journal(path: str | Path) -> Journal:
    """Read a table's file; InputError names the line and the remedy."""
    path = Path(path)
    reader = LineReader(path)
    lines = iter(reader)
    first = next(lines, None)
    if first is None:
        raise InputError(f"{path}: no table in it; measure one: edgenas profile")
    setting, edgenas, created, version = _header(path, first[1])
    records: list[Record] = []
    seen: dict[Any, int] = {}
    shared = Shared()

    def known_text(rest: dict[str, Any]) -> bytes | None:
        return text_with_samples(rest, reader.line)

    for number, line in lines:
        try:
            found = record_from_json(upgrade(unsealed(line, known_text), version), shared)
            if isinstance(found, Measurement):
                if found.key in seen:
                    what = f"{piece_text(found.piece)} as process {found.process}"
                    raise ValueError(f"{what} is already on line {seen[found.key]}")
                seen[found.key] = number
        except ValueError as error:
            raise InputError(
                f"{path}, line {number}: {error}; restore the file from a copy, or delete that line and profile again"
            ) from error
        records.append(found)
    table = LatencyTable(
        setting,
        tuple(_only(records, Measurement)),
        tuple(_only(records, VoidedRounds)),
        tuple(_only(records, BlockFailure)),
        tuple(_only(records, HeldOut)),
        next(reversed(_only(records, Prior)), None),
    )
    return Journal(table, edgenas, created, reader.dropped_bytes, version)


class TableWriter:
    """The only writer of a table's file: creates the file, or continues it when its setting is the same.

    Use it as a context manager. ``found`` holds the earlier contents of the file; a file of an older version is first
    replaced by one of this version with the same records. InputError when another process is writing the file, when it
    is not a table, when it is damaged, and when it was measured in another setting.
    """

    def __init__(self, path: str | Path, setting: Setting, edgenas: str) -> None:
        path = Path(path)
        self._appender = Appender(path, FORMAT, "a latency table")
        with UndoOnFailure(self._appender.close):
            if not path.stat().st_size:
                created = datetime.now(UTC).isoformat(timespec="seconds")
                self._appender.append([_header_line(setting, edgenas, created)])
            self.found = replace(read_journal(path), dropped_bytes=self._appender.dropped_bytes)
            differences = self.found.table.setting.differences(setting)
            if differences:
                raise InputError(
                    f"{path} was measured in another setting, and settings never mix: {'; '.join(differences)} "
                    f"(in the file / now); write to another file, or restore the old setting"
                )
            if self.found.version != FORMAT_VERSION:
                self._appender.replace(_all_lines(self.found))
        self._keys = {m.key for m in self.found.table.measurements}

    def append(self, records: Iterable[Record]) -> None:
        """Append the records, and return once they are on the disk; InputError for a key that the file holds
        already."""
        lines = []
        for record in records:
            if isinstance(record, Measurement):
                if record.key in self._keys:
                    what = f"{piece_text(record.piece)} as process {record.process}"
                    raise InputError(f"{self._appender.path} already holds {what}")
                self._keys.add(record.key)
            lines.append(record_to_json(record))
        if lines:
            self._appender.append(lines)

    def close(self) -> None:
        self._appender.close()

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _only(records: Iterable[Record], kind: type[_Kind]) -> list[_Kind]:
    return [record for record in records if isinstance(record, kind)]


def _header_line(setting: Setting, edgenas: str, created: str) -> dict[str, Any]:
    head = {"format": FORMAT, "version": FORMAT_VERSION, "edgenas": edgenas, "created": created}
    return sealed({**head, "setting": setting.as_dict()})


def _all_lines(found: Journal) -> list[dict[str, Any]]:
    """Return every line of a file of this version."""
    prior = [] if found.table.prior is None else [found.table.prior]
    records: list[Record] = [*found.validations, *found.table.measurements, *found.table.voids, *found.failures, *prior]
    return [_header_line(found.table.setting, found.edgenas, found.created), *map(record_to_json, records)]


def _header(path: Path, record: dict[str, Any]) -> tuple[Setting, str, str, int]:
    """Return (setting, version of edgenas, time of creation, format version) of a file's first line."""
    if record.get("format") != FORMAT:
        raise InputError(f'{path}, line 1: not a latency table: a table begins with {{"format":"{FORMAT}"...')
    version = record.get("version")
    if type(version) is not int or not 1 <= version <= FORMAT_VERSION:
        raise InputError(
            f"{path}, line 1: format version {json.dumps(version):.40}, but this edgenas reads versions 1 .. "
            f"{FORMAT_VERSION}; {install_newer()}"
        )
    try:
        fields = Fields(unsealed(record))
        for name in ("format", "version"):
            fields.any(name)
        setting = upgrade_setting(fields.any("setting"), version)
        found = Setting.from_dict(setting), fields.text("edgenas"), fields.text("created"), version
        fields.done()
    except ValueError as error:
        raise InputError(f"{path}, line 1: {error}; restore the file from a copy, or measure it again") from error
    return found
