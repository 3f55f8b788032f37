"""A latency table on disk: an append-only file of JSON lines that survives being killed at any moment.

    line 1    {"format": "edgenas latency table", "version": 1, "edgenas": "0.1.0", "created": ..., "setting": {...},
               "crc32": n}
    others    {"kind": "measurement", "block": ..., "process": n, "loops": n, "samples_ns": [[...]], "checksum": [s, a],
               "before": {...}, "after": {...}, "crc32": n}    checksum is null where the runtime gave none
              {"kind": "failure", "block": ..., "process": n, "stage": ..., "message": ..., "crc32": n}

``crc32`` is that of the record without it, as JSON with sorted keys and no spaces: a changed digit would otherwise read
as another measurement. A last line without its newline is a write that was cut: it is left out and counted in
``dropped_bytes``. Anything else that is wrong is an InputError with the line's number.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from blocks.errors import InputError
from blocks.spec import BlockSpec
from latency_tables.fields import Fields
from latency_tables.jsonl import Appender, parse_line, read_lines
from latency_tables.table import LatencyTable, Measurement, Setting, check_samples

#: History: 1 (edgenas 0.1.0) the first.
FORMAT_VERSION = 1
_FORMAT = "edgenas latency table"
_START = b'{"format":"edgenas latency table"'
_MAX_PROCESS = 10**6


@dataclass(frozen=True, slots=True)
class BlockFailure:
    """A block that could not be measured: where it went wrong and what was said."""

    block: BlockSpec
    process: int
    stage: str
    message: str


@dataclass(frozen=True, slots=True)
class Journal:
    """Everything a table's file holds."""

    table: LatencyTable
    failures: tuple[BlockFailure, ...]
    edgenas: str
    created: str
    dropped_bytes: int


def read_table(path: Path) -> LatencyTable:
    """The measurements of a file; see ``read_journal`` for what else it holds."""
    return read_journal(path).table


def read_journal(path: Path) -> Journal:
    """Read a table's file; InputError names the line and what to do."""
    lines = read_lines(path)
    if not lines.records:
        raise InputError(f"{path}: no table in it; measure one: edgenas profile")
    setting, edgenas, created = _header(path, lines.records[0][1])
    measurements: list[Measurement] = []
    failures: list[BlockFailure] = []
    seen: dict[tuple[BlockSpec, int], int] = {}
    for number, record in lines.records[1:]:
        try:
            found = _record(record)
            if isinstance(found, BlockFailure):
                failures.append(found)
                continue
            if found.key in seen:
                raise ValueError(f"{found.block} as process {found.process} is already on line {seen[found.key]}")
        except ValueError as error:
            raise InputError(
                f"{path}, line {number}: {error}; restore the file from a copy, or delete that line and profile again"
            ) from error
        seen[found.key] = number
        measurements.append(found)
    return Journal(LatencyTable(setting, tuple(measurements)), tuple(failures), edgenas, created, lines.dropped_bytes)


class TableWriter:
    """The one writer of a table's file: creates it, or continues it when its setting is the same.

    Use as a context manager. ``found`` is what the file held. InputError when another process is writing it, when it is
    no table, when it is damaged, and when it was measured in another setting.
    """

    def __init__(self, path: Path, setting: Setting, edgenas: str) -> None:
        _check_ours(path)
        self._appender = Appender(path)
        try:
            if not read_lines(path).records:
                created = datetime.now(UTC).isoformat(timespec="seconds")
                head = {"format": _FORMAT, "version": FORMAT_VERSION, "edgenas": edgenas, "created": created}
                self._appender.append([_sealed({**head, "setting": setting.as_dict()})])
            self.found = replace(read_journal(path), dropped_bytes=self._appender.dropped_bytes)
            differences = self.found.table.setting.differences(setting)
            if differences:
                raise InputError(
                    f"{path} was measured in another setting, and settings never mix: {'; '.join(differences)} "
                    f"(in the file / now); write to another file, or restore the old setting"
                )
        except BaseException:
            self._appender.close()
            raise
        self._keys = {m.key for m in self.found.table.measurements}

    def append(self, measurements: Iterable[Measurement], failures: Iterable[BlockFailure] = ()) -> None:
        """Write the records and return once they are on the disk; InputError for a key that is already there."""
        records = []
        for m in measurements:
            if m.key in self._keys:
                raise InputError(f"{self._appender.path} already holds {m.block} as process {m.process}")
            self._keys.add(m.key)
            values = {"kind": "measurement", "block": str(m.block), "process": m.process, "loops": m.loops}
            samples = [list(samples) for samples in m.samples_ns]
            checksum = None if m.checksum is None else list(m.checksum)
            state = {"before": dict(m.before), "after": dict(m.after)}
            records.append(_sealed({**values, "samples_ns": samples, "checksum": checksum, **state}))
        for f in failures:
            values = {"kind": "failure", "block": str(f.block), "process": f.process}
            records.append(_sealed({**values, "stage": f.stage, "message": f.message}))
        if records:
            self._appender.append(records)

    def close(self) -> None:
        self._appender.close()

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _check_ours(path: Path) -> None:
    """Keep hands off a file that is something else: appending first cuts an incomplete last line."""
    try:
        with path.open("rb") as file:
            line = file.readline(1 << 20)
    except FileNotFoundError:
        return
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    try:
        ours = parse_line(line).get("format") == _FORMAT
    except ValueError:  # empty, or a first line that was cut
        ours = not line.endswith(b"\n") and (line.startswith(_START) or _START.startswith(line))
    if not ours:
        raise InputError(f"{path} is not a latency table, and would be changed by writing to it; name another file")


def _header(path: Path, record: dict[str, Any]) -> tuple[Setting, str, str]:
    if record.get("format") != _FORMAT:
        raise InputError(f"{path}, line 1: not a latency table: a table begins with {_START.decode()}...")
    version = record.get("version")
    if version != FORMAT_VERSION:
        older = isinstance(version, int) and version < FORMAT_VERSION
        remedy = "measure it again" if older else "upgrade: pip install --upgrade edgenas"
        raise InputError(
            f"{path}, line 1: format version {version!r:.40}, but this edgenas reads version {FORMAT_VERSION}; {remedy}"
        )
    try:
        fields = Fields(record)
        for name in ("format", "version"):
            fields.any(name)
        found = Setting.from_dict(fields.any("setting")), fields.text("edgenas"), fields.text("created")
        _check_seal(record, fields)
    except ValueError as error:
        raise InputError(f"{path}, line 1: {error}; restore the file from a copy, or measure it again") from error
    return found


def _record(record: dict[str, Any]) -> Measurement | BlockFailure:
    """One line after the first; ValueError (InputError is one) says what is wrong."""
    fields = Fields(record)
    kind = fields.text("kind")
    if kind not in ("measurement", "failure"):
        raise ValueError(f"kind {kind[:40]!r} is neither 'measurement' nor 'failure'")
    found: Measurement | BlockFailure
    block, process = BlockSpec.parse(fields.text("block")), fields.whole("process", 0, _MAX_PROCESS)
    if kind == "failure":
        found = BlockFailure(block, process, fields.text("stage"), fields.text("message"))
    else:
        found = Measurement(
            block,
            process,
            check_samples(fields.any("samples_ns")),
            fields.whole("loops", 1, 10**6),
            _checksum(fields.any("checksum")),
            fields.values("before"),
            fields.values("after"),
        )
    _check_seal(record, fields)
    return found


def _checksum(value: Any) -> tuple[float, float] | None:
    if value is None:
        return None
    pair = Fields(dict(zip("sa", Fields({"checksum": value}).list("checksum", 2), strict=False)), "checksum")
    return pair.number("s"), pair.number("a")


def _crc32(record: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(record, sort_keys=True, separators=(",", ":")).encode())


def _sealed(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "crc32": _crc32(record)}


def _check_seal(record: dict[str, Any], fields: Fields) -> None:
    """The last check: nothing but the crc is left, and it is that of the rest."""
    crc32 = fields.whole("crc32", 0, 2**32 - 1)
    fields.done()
    if crc32 != _crc32({name: value for name, value in record.items() if name != "crc32"}):
        raise ValueError("the record was changed after it was written (its crc32 differs)")
