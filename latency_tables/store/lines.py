"""Conversion of a table's records to and from JSON objects, each sealed (``base.sealing``).

Every value that is read is checked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgenas.base.sealing import sealed
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.records import (
    PURPOSES,
    BlockFailure,
    HeldOut,
    Measurement,
    Piece,
    VoidedRounds,
    check_samples,
)
from edgenas.latency_tables.store.fields import Fields

Record = Measurement | BlockFailure | VoidedRounds | HeldOut

_MAX_PROCESS = 10**6
_MAX_BLOCKS = 1000  # of one network
_MAX_NETWORKS = 10_000


def record_to_json(record: Record) -> dict[str, Any]:
    """Return a record as a sealed JSON object, one line of the file."""
    match record:
        case Measurement():
            values: dict[str, Any] = {"kind": "measurement", "blocks": _texts(record.piece), "process": record.process}
            values |= {"purpose": record.purpose, "batch": record.batch, "loops": record.loops}
            values |= {"samples_ns": [list(samples) for samples in record.samples_ns]}
            values |= {"checksum": None if record.checksum is None else list(record.checksum)}
            values |= {"before": dict(record.before), "after": dict(record.after)}
        case BlockFailure():
            values = {"kind": "failure", "blocks": _texts(record.piece), "process": record.process}
            values |= {"stage": record.stage, "message": record.message}
        case VoidedRounds():
            values = {"kind": "void", "batch": record.batch, "first": record.first, "last": record.last}
            values |= {"share": record.share}
        case HeldOut():
            values = {"kind": "validation", "id": record.id, "space": record.space, "created": record.created}
            values |= {"target": record.target, "networks": [_texts(piece) for piece in record.networks]}
    return sealed(values)


def record_from_json(record: dict[str, Any]) -> Record:
    """Return the record of a JSON object without its seal (see ``record_to_json``); ValueError names the fault."""
    fields = Fields(record)
    kind = fields.text("kind")
    if kind not in _READERS:
        raise ValueError(f"kind {kind[:40]!r} is not one of {', '.join(_READERS)}")
    found = _READERS[kind](fields)
    fields.done()
    return found


def _measurement(fields: Fields) -> Measurement:
    purpose = fields.text("purpose")
    if purpose not in PURPOSES:
        raise ValueError(f"purpose {purpose[:40]!r} is not one of {', '.join(PURPOSES)}")
    return Measurement(
        _piece(fields.any("blocks")),
        fields.whole("process", 0, _MAX_PROCESS),
        check_samples(fields.any("samples_ns")),
        fields.whole("loops", 1, 10**6),
        _checksum(fields.any("checksum")),
        fields.values("before"),
        fields.values("after"),
        purpose,
        fields.text("batch"),
    )


def _failure(fields: Fields) -> BlockFailure:
    process = fields.whole("process", 0, _MAX_PROCESS)
    return BlockFailure(_piece(fields.any("blocks")), process, fields.text("stage"), fields.text("message"))


def _void(fields: Fields) -> VoidedRounds:
    first = fields.whole("first", 0, 10**6)
    return VoidedRounds(fields.text("batch"), first, fields.whole("last", first, 10**6), fields.number("share"))


def _held_out(fields: Fields) -> HeldOut:
    networks = tuple(map(_piece, fields.list("networks", _MAX_NETWORKS)))
    target = fields.whole("target", 1, _MAX_PROCESS)
    return HeldOut(fields.text("id"), fields.text("space"), fields.text("created"), target, networks)


_READERS: dict[str, Callable[[Fields], Record]] = {
    "measurement": _measurement,
    "failure": _failure,
    "void": _void,
    "validation": _held_out,
}


def _piece(value: Any) -> Piece:
    if not isinstance(value, list) or not 1 <= len(value) <= _MAX_BLOCKS:
        raise ValueError(f"blocks is not a list of 1 .. {_MAX_BLOCKS} blocks")
    return tuple(BlockSpec.parse(text) if isinstance(text, str) else _no_text() for text in value)


def _no_text() -> BlockSpec:
    raise ValueError("blocks holds a value that is not a text")


def _texts(piece: Piece) -> list[str]:
    return [str(block) for block in piece]


def _checksum(value: Any) -> tuple[float, float] | None:
    if value is None:
        return None
    pair = Fields(dict(zip("sa", Fields({"checksum": value}).list("checksum", 2), strict=False)), "checksum")
    return pair.number("s"), pair.number("a")
