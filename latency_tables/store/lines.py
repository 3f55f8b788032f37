"""Conversion of a table's records to and from JSON objects, each sealed (``base.sealing``).

Every value that is read is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from edgenas.base.sealing import canonical, sealed
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.records import (
    PURPOSES,
    SAMPLE_LIMIT_NS,
    BlockFailure,
    HeldOut,
    Measurement,
    Piece,
    Prior,
    Purpose,
    VoidedRounds,
    check_samples,
)
from edgenas.latency_tables.setting import Fact
from edgenas.latency_tables.store.fields import Fields

Record = Measurement | BlockFailure | VoidedRounds | HeldOut | Prior

_PURPOSES: dict[str, Purpose] = {purpose: purpose for purpose in PURPOSES}
_MAX_PROCESS = 10**6
_MAX_BLOCKS = 1000  # of one network
_MAX_NETWORKS = 10_000
_MAX_PRIOR = 10**6  # blocks


def record_to_json(record: Record) -> dict[str, Any]:
    """Return a record as a sealed JSON object, one line of the file."""
    match record:
        case Measurement():
            values: dict[str, Any] = {"kind": "measurement", "blocks": _texts(record.piece), "process": record.process}
            values |= {"purpose": record.purpose, "batch": record.batch, "loops": record.loops}
            values |= {"samples_ns": [list(samples) for samples in record.samples_ns]}
            values |= {"checksum": None if record.checksum is None else list(record.checksum)}
            values |= {"before": dict(record.before), "after": dict(record.after), "init_ns": record.init_ns}
        case BlockFailure():
            values = {"kind": "failure", "blocks": _texts(record.piece), "process": record.process}
            values |= {"stage": record.stage, "message": record.message}
        case VoidedRounds():
            values = {"kind": "void", "batch": record.batch, "first": record.first, "last": record.last}
            values |= {"share": record.share}
        case HeldOut():
            values = {"kind": "validation", "id": record.id, "space": record.space, "created": record.created}
            values |= {"target": record.target, "networks": [_texts(piece) for piece in record.networks]}
        case Prior():
            values = {"kind": "prior", "file": record.file, "sha256": record.sha256, "device": record.device}
            values |= {"blocks_ms": {str(block): ms for block, ms in record.ms.items()}}
    return sealed(values)


class Shared:
    """Values that many lines of one file have in common: the pieces, and the facts of the last batch. Records share
    them, which saves their reading and most of the memory of a table."""

    def __init__(self) -> None:
        self._pieces: dict[tuple[str, ...], Piece] = {}
        self._facts: dict[str, tuple[str, Mapping[str, Fact]]] = {}
        self._batch = ""

    def piece(self, value: Any) -> Piece:
        """Return the piece of a line's ``blocks``; ValueError where it is invalid."""
        if not isinstance(value, list) or not 1 <= len(value) <= _MAX_BLOCKS:
            raise ValueError(f"blocks is not a list of 1 .. {_MAX_BLOCKS} blocks")
        if not all(isinstance(text, str) for text in value):
            raise ValueError("blocks holds a value that is not a text")
        texts = tuple(value)
        if texts not in self._pieces:
            self._pieces[texts] = tuple(map(BlockSpec.parse, texts))
        return self._pieces[texts]

    def facts(self, fields: Fields, name: str) -> Mapping[str, Fact]:
        """Return the field ``name``, facts of a device, as ``Fields.values`` does."""
        key = repr(fields.peek(name))
        if name not in self._facts or self._facts[name][0] != key:
            self._facts[name] = key, fields.values(name)
        else:
            fields.any(name)
        return self._facts[name][1]

    def batch(self, text: str) -> str:
        """Return the text of the previous line where ``text`` equals it, so that equal texts share one object."""
        if text != self._batch:
            self._batch = text
        return self._batch


def record_from_json(record: dict[str, Any], shared: Shared | None = None) -> Record:
    """Return the record of a JSON object without its seal (see ``record_to_json``); ValueError names the fault. Lines
    of one file are read with one ``shared``."""
    fields = Fields(record)
    kind = fields.text("kind")
    if kind not in _READERS:
        raise ValueError(f"kind {kind[:40]!r} is not one of {', '.join(_READERS)}")
    found = _READERS[kind](fields, shared or Shared())
    fields.done()
    return found


def text_with_samples(rest: dict[str, Any], line: bytes) -> bytes | None:
    """Return the text that the seal of a record is made of, with its samples copied from ``line``, the record's text:
    writing them again takes most of the time of reading a table. None where the line has no samples as the writer makes
    them."""
    samples = _samples(line) if "samples_ns" in rest else None
    if samples is None:
        return None
    return canonical({**rest, "samples_ns": 0}).replace(b'"samples_ns":0', b'"samples_ns":' + samples, 1)


def _measurement(fields: Fields, shared: Shared) -> Measurement:
    named = fields.text("purpose")
    purpose = _PURPOSES.get(named)
    if purpose is None:
        raise ValueError(f"purpose {named[:40]!r} is not one of {', '.join(PURPOSES)}")
    return Measurement(
        shared.piece(fields.any("blocks")),
        fields.whole("process", 0, _MAX_PROCESS),
        check_samples(fields.any("samples_ns")),
        fields.whole("loops", 1, 10**6),
        _checksum(fields.any("checksum")),
        shared.facts(fields, "before"),
        shared.facts(fields, "after"),
        purpose,
        shared.batch(fields.text("batch")),
        fields.whole("init_ns", 0, SAMPLE_LIMIT_NS),
    )


def _failure(fields: Fields, shared: Shared) -> BlockFailure:
    process = fields.whole("process", 0, _MAX_PROCESS)
    return BlockFailure(shared.piece(fields.any("blocks")), process, fields.text("stage"), fields.text("message"))


def _void(fields: Fields, _: Shared) -> VoidedRounds:
    first = fields.whole("first", 0, 10**6)
    return VoidedRounds(fields.text("batch"), first, fields.whole("last", first, 10**6), fields.number("share"))


def _held_out(fields: Fields, shared: Shared) -> HeldOut:
    networks = tuple(map(shared.piece, fields.list("networks", _MAX_NETWORKS)))
    target = fields.whole("target", 1, _MAX_PROCESS)
    return HeldOut(fields.text("id"), fields.text("space"), fields.text("created"), target, networks)


def _prior(fields: Fields, _: Shared) -> Prior:
    texts = [fields.text(name) for name in ("file", "sha256", "device")]
    blocks_ms = Fields({"blocks_ms": fields.any("blocks_ms")}).numbers("blocks_ms", _MAX_PRIOR)
    for block, ms in blocks_ms.items():
        if ms <= 0:
            raise ValueError(f"blocks_ms has {ms:g} ms for {block[:80]}, which is not above 0")
    return Prior(texts[0], texts[1], texts[2], {BlockSpec.parse(block): ms for block, ms in blocks_ms.items()})


_READERS: dict[str, Callable[[Fields, Shared], Record]] = {
    "measurement": _measurement,
    "failure": _failure,
    "void": _void,
    "validation": _held_out,
    "prior": _prior,
}


def _texts(piece: Piece) -> list[str]:
    return [str(block) for block in piece]


def _checksum(value: Any) -> tuple[float, float] | None:
    if value is None:
        return None
    pair = Fields({"checksum": value}).list("checksum", 2)
    named = Fields(dict(zip("sa", pair, strict=False)), "checksum")
    return named.number("s"), named.number("a")


def _samples(line: bytes) -> bytes | None:
    """Return the text of the samples in a line; None where it is not the one that the writer makes."""
    name, begin = b'"samples_ns":', line.find(b'"samples_ns":[[')
    end = line.find(b"]]", begin) + 2
    if begin < 0 or end < 2 or line.count(name) != 1:
        return None
    text = line[begin + len(name) : end]
    return None if text.translate(None, b"0123456789,[]") else text
