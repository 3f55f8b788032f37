"""The form of a journal of judged networks, and the reading of one.

The file is JSONL (``base.jsonl``): a header with the space and the judge, then one line per network. Every line is
sealed (``base.sealing``)::

    {"format": "edgenas-trials", "version": 2, "space": "nas_bench_macro", "in_size": 32, "accuracy": ..., "crc32": n}
    {"network": "2.2.2.1.2.2.1.0", "blocks": "5f0c...", "accuracy": 93.1, "crc32": n}

``blocks`` is a digest of the network's blocks: two keys with the same chain of blocks are one network. The file holds
no costs: one journal serves every budget and every latency table. Where the space or the judge is the user's own code,
``code`` in the header has the sha256 of its files: a journal is not continued with changed files. ``score`` is true
where the judge gives scores instead of percent. Journals of edgenas 0.2 have neither field. ``layers`` are those of a
space that was built in Python as an object and that no name leads to.

History:
    1 (edgenas 0.2.0)  lines without ``crc32``
    2 (edgenas 0.3.1)  every line is sealed

A journal of version 1 is read: its lines need no ``crc32``, and one that has it is checked all the same. The first
search that continues it replaces it by a journal of version 2 with the same lines.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any, NamedTuple

from edgenas.base.errors import InputError
from edgenas.base.installing import install_newer
from edgenas.base.jsonl import read_lines
from edgenas.base.sealing import SEAL, unsealed
from edgenas.blocks.size import as_size
from edgenas.search.spaces.recorded import SpaceRecord, read_layers

FORMAT = "edgenas-trials"
VERSION = 2


class JudgedLine(NamedTuple):
    """A line of a journal: its number in the file, the key of the network, the digest of its blocks, its accuracy."""

    number: int
    network: str
    blocks: str
    accuracy: float

    def as_dict(self) -> dict[str, Any]:
        """Return the line as plain JSON values, without its seal."""
        return {"network": self.network, "blocks": self.blocks, "accuracy": self.accuracy}


@dataclass(frozen=True, slots=True)
class TrialJournal:
    """A journal of judged networks: the space, without its number of classes, the name of the judge, and (network key,
    accuracy) in order. ``score`` is True for scores instead of percent; ``code`` is the user's code that defines the
    space (``Code.as_dict``), None for spaces of edgenas."""

    path: Path
    space: SpaceRecord
    accuracy: str
    judged: tuple[tuple[str, float], ...]
    score: bool = False
    code: dict[str, Any] | None = None


def read_trials(path: Path) -> TrialJournal:
    """Read a journal of any space and judge; InputError for a damaged file, or a version that this edgenas does not
    know."""
    head, lines = read_judged(path)
    if head is None:
        raise InputError(f"{path} holds no trials; name another file")
    c_in = channels if type(channels := head.get("c_in")) is int else None
    try:
        in_size = None if head.get("in_size") is None else as_size(head["in_size"])
    except InputError as error:
        raise InputError(f"{path}, line 1: {error}; restore the file from a copy") from error
    layers = read_layers(head.get("layers", []), f"{path}, line 1")
    code = head.get("code")
    return TrialJournal(
        path,
        SpaceRecord(str(head.get("space", "")), in_size, None, c_in, layers),
        str(head.get("accuracy", "")),
        tuple((line.network, line.accuracy) for line in lines),
        head.get("score") is True,
        code.get("space") if isinstance(code, dict) else None,
    )


def read_judged(path: Path) -> tuple[dict[str, Any] | None, tuple[JudgedLine, ...]]:
    """Return (header without its seal, lines) of a journal; the header is None where the file has no line. InputError
    for damage, for a changed line, and for an accuracy that is not finite, or not a percentage where there are no
    scores."""
    records = read_lines(path, "trials").records
    if not records:
        return None, ()
    first = records[0][1]
    if first.get("format") != FORMAT:
        raise InputError(f"{path} is not a journal of trials; name another file")
    version = first.get("version")
    if type(version) is not int or not 1 <= version <= VERSION:
        raise InputError(
            f"{path}: version {version!r:.40} of '{FORMAT}', but this edgenas reads version 1 .. {VERSION}; "
            f"name another journal, or {install_newer()}"
        )
    head = _opened(path, 1, first, version)
    score = head.get("score") is True
    return head, tuple(_line(path, number, _opened(path, number, each, version), score) for number, each in records[1:])


def accuracy_of(value: Any, score: bool) -> float:
    """Return an accuracy as a float; ValueError unless it is a finite number, and within 0..100 where it is not a
    score."""
    if type(value) is not float and (isinstance(value, bool) or not isinstance(value, Real)):
        raise ValueError(f"{value!r:.60}, which is not a finite number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{value!r:.60}, which is not a finite number")
    if not score and not 0 <= number <= 100:
        raise ValueError(f"{value!r:.60}, which is not a percentage within 0..100")
    return number


def _opened(path: Path, number: int, record: dict[str, Any], version: int) -> dict[str, Any]:
    if version == 1 and SEAL not in record:
        return record
    try:
        return unsealed(record)
    except ValueError as error:
        raise InputError(f"{path}, line {number}: {error}; {_remedy(number)}") from error


def _line(path: Path, number: int, record: dict[str, Any], score: bool) -> JudgedLine:
    network, digest = record.get("network"), record.get("blocks")
    if not isinstance(network, str) or not isinstance(digest, str) or "accuracy" not in record:
        raise InputError(f"{path}, line {number}: not a trial; {_remedy(number)}")
    try:
        accuracy = accuracy_of(record["accuracy"], score)
    except ValueError as error:
        raise InputError(f"{path}, line {number}: accuracy {error}; {_remedy(number)}") from error
    return JudgedLine(number, network, digest, accuracy)


def _remedy(number: int) -> str:
    if number == 1:
        return "restore the file from a copy, or name another journal"
    return "restore the file from a copy, or delete that line: its network is then judged again"
