"""The cache of judged networks, and the journal that keeps it on disk, so that no network is trained twice.

The file is JSONL (``latency_tables.store.jsonl``): a header with the space and the judge, then one line per network,
written as soon as its accuracy is known::

    {"format": "edgenas-trials", "version": 1, "space": "nas_bench_macro", "in_size": 32, "accuracy": "..."}
    {"network": "2.2.2.1.2.2.1.0", "blocks": "5f0c...", "accuracy": 93.1}

``blocks`` is a digest of the network's blocks: two keys with the same chain of blocks are one network. The file holds
no costs: one journal serves every budget and every latency table. Where the space or the judge is the user's own code,
``code`` in the header has the sha256 of its files: a journal is not continued with changed files. ``score`` is true
where the judge gives scores instead of percent. Journals of edgenas 0.2 have neither field. ``layers`` are those of a
space that was built in Python as an object, which nobody finds by its name.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from numbers import Real
from pathlib import Path
from types import TracebackType
from typing import Any

from edgenas.base.code import Code, check_same
from edgenas.base.errors import InputError, OutcomeError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.store.jsonl import Appender, read_lines
from edgenas.search.problem import Accuracy, Candidate, code_of, is_score
from edgenas.search.space import Space
from edgenas.search.spaces.recorded import SpaceRecord, read_layers, space_record

FORMAT = "edgenas-trials"
VERSION = 1  # 1: first
#: header fields that other versions lack: ``score`` and ``code`` in edgenas 0.2, whose accuracies are in percent
MORE = ("score", "code", "c_in", "layers")


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
    records = read_lines(path, "trials").records
    if not records:
        raise InputError(f"{path} holds no trials; name another file")
    head = records[0][1]
    _check_format(path, head)
    judged = tuple(_trial(path, number, record)[::2] for number, record in records[1:])
    in_size, c_in = (size if type(size := head.get(key)) is int else None for key in ("in_size", "c_in"))
    layers = read_layers(head.get("layers", []), f"{path}, line 1")
    code = head.get("code")
    return TrialJournal(
        path,
        SpaceRecord(str(head.get("space", "")), in_size, None, c_in or 3, layers),
        str(head.get("accuracy", "")),
        judged,
        head.get("score") is True,
        code.get("space") if isinstance(code, dict) else None,
    )


def network_digest(architecture: Architecture) -> str:
    """Return the digest of a network's blocks, 32 hexadecimal digits: equal chains of blocks have equal digests. Skips
    are left out, since they compute nothing."""
    text = "\n".join(_text(block) for block in architecture.blocks if block.kind != "skip")
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@lru_cache(maxsize=2**16)  # networks of one space share their blocks
def _text(block: BlockSpec) -> str:
    return str(block)


class TrialCache:
    """Accuracies of networks of one space by one judge, kept in memory and, with ``journal``, in a file.

    Use it as a context manager, so that the file is closed. InputError when the file belongs to another space or judge,
    is damaged, or is being written by another process.
    ``dropped_bytes`` is the length of an incomplete last line that was removed (its writer was killed).
    """

    def __init__(self, space: Space, accuracy: Accuracy, journal: Path | None = None) -> None:
        self.space = space
        self.accuracy = accuracy
        self.dropped_bytes = 0
        self._known: dict[str, float] = {}
        self._appender: Appender | None = None
        if journal is not None:
            size = journal.stat().st_size if journal.exists() else 0
            self._appender = Appender(journal)
            try:
                self.dropped_bytes = max(0, size - journal.stat().st_size)
                self._load(journal)
            except BaseException:
                self.close()
                raise

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, digest: str) -> bool:
        return digest in self._known

    def __getitem__(self, digest: str) -> float:
        return self._known[digest]

    def judge(self, candidates: Sequence[Candidate], arrived: Callable[[int, float], None] | None = None) -> None:
        """Judge all candidates in one batch; they must be distinct networks that are not in the cache.

        Each accuracy is on disk before ``arrived(index, accuracy)`` is called.
        """
        waiting = set(range(len(candidates)))
        for index, accuracy in self.accuracy.evaluate(candidates) if candidates else ():
            if index not in waiting:
                raise OutcomeError(f"{self.accuracy.name} returned a result for candidate {index} twice or unrequested")
            self._check(candidates[index], accuracy)
            waiting.remove(index)
            self._keep(candidates[index], float(accuracy))
            if arrived is not None:
                arrived(index, float(accuracy))
        if waiting:
            name = candidates[min(waiting)].architecture.name
            raise OutcomeError(
                f"{self.accuracy.name} left {len(waiting)} of {len(candidates)} unjudged, such as {name}"
            )

    def close(self) -> None:
        if self._appender is not None:
            self._appender.close()
            self._appender = None

    def __enter__(self) -> TrialCache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check(self, candidate: Candidate, accuracy: Any) -> None:
        if isinstance(accuracy, bool) or not isinstance(accuracy, Real) or not math.isfinite(accuracy):
            network = candidate.architecture.name
            raise OutcomeError(f"{self.accuracy.name} judged {network} as {accuracy!r}, which is not a finite number")

    def _keep(self, candidate: Candidate, accuracy: float) -> None:
        digest = network_digest(candidate.architecture)
        if self._appender is not None:
            network = self.space.key(candidate.choice)
            self._appender.append([{"network": network, "blocks": digest, "accuracy": accuracy}])
        self._known[digest] = accuracy

    def _header(self) -> dict[str, Any]:
        record = space_record(self.space)
        return {
            "format": FORMAT,
            "version": VERSION,
            "space": self.space.name,
            "in_size": self.space.in_size,
            "c_in": record.c_in,
            "layers": [asdict(layer) for layer in record.layers],
            "accuracy": self.accuracy.name,
            "score": is_score(self.accuracy),
            "code": {key: code and code.as_dict() for key, code in self._code().items()},
        }

    def _code(self) -> dict[str, Code | None]:
        """The user's code that defines the space and the judge; None where they are edgenas's own."""
        return {"space": self.space.code, "accuracy": code_of(self.accuracy)}

    def _load(self, path: Path) -> None:
        records = read_lines(path, "trials").records
        if not records:
            assert self._appender is not None
            self._appender.append([self._header()])
            return
        if len(records) == 1 and self._restarts(records[0][1]):
            assert self._appender is not None
            self._appender.clear()
            self._appender.append([self._header()])
            return
        self._check_header(path, records[0][1])
        for number, record in records[1:]:
            network, digest, accuracy = _trial(path, number, record)
            if network_digest(self.space.architecture(self.space.parse(network))) != digest:
                raise InputError(
                    f"{path}, line {number}: network {network} had other blocks when it was judged, for the space "
                    f"{self.space.name} was another then (its classes or its options); name another journal"
                )
            self._known.setdefault(digest, accuracy)

    def _restarts(self, head: dict[str, Any]) -> bool:
        """Return whether the header of a journal without trials differs from this search only in the user's code or in
        --score. Such a header is replaced, so that a judge that failed at its first network can be corrected."""
        theirs, ours = ({k: v for k, v in each.items() if k not in MORE} for each in (head, self._header()))
        return theirs == ours and head != self._header()

    def _check_header(self, path: Path, head: dict[str, Any]) -> None:
        _check_format(path, head)
        if bool(head.get("score")) != is_score(self.accuracy):
            kinds = ("scores", "percent") if head.get("score") else ("percent", "scores")
            raise InputError(
                f"{path} holds {kinds[0]}, this search is to judge in {kinds[1]}: type the same command with"
                f"{'' if head.get('score') else 'out'} --score, or name another journal"
            )
        code = head.get("code")
        for key, own in self._code().items():
            recorded = code.get(key) if isinstance(code, dict) else None
            check_same(str(path), key, recorded, own, "put the file back as it was, or search again with another -o")
        for key, wanted in self._header().items():
            if key not in MORE and head.get(key) != wanted:
                raise InputError(
                    f"{path} holds trials of {key} {head.get(key)!r}, this search has {wanted!r}: results that differ "
                    f"in it are never mixed; name another journal, or delete this one"
                )


def _check_format(path: Path, head: dict[str, Any]) -> None:
    """Raise InputError unless ``head`` is the header of a journal, of a version that this edgenas reads."""
    if head.get("format") != FORMAT:
        raise InputError(f"{path} is not a journal of trials; name another file")
    if head.get("version") != VERSION:
        raise InputError(
            f"{path}: version {head.get('version')!r} of '{FORMAT}', but this edgenas reads version {VERSION}; "
            f"install the edgenas that wrote it (pip install --upgrade edgenas), or name another journal"
        )


def _trial(path: Path, number: int, record: dict[str, Any]) -> tuple[str, str, float]:
    """Return (network key, digest, accuracy) of a line; InputError where the line is not a trial."""
    network, digest, accuracy = (record.get(key) for key in ("network", "blocks", "accuracy"))
    known = isinstance(network, str) and isinstance(digest, str)
    if not known or not isinstance(accuracy, int | float) or isinstance(accuracy, bool):
        raise InputError(f"{path}, line {number}: not a trial; restore the file from a copy or delete that line")
    return str(network), str(digest), float(accuracy)
