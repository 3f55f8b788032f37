"""Every network a space's accuracy was ever asked for, so that none is trained twice, on disk as each becomes known.

The file is JSONL (``latency_tables.jsonl``): a header that says what was judged and how, then one line a network::

    {"format": "edgenas-trials", "version": 1, "space": "nas_bench_macro", "in_size": 32, "accuracy": "..."}
    {"network": "2.2.2.1.2.2.1.0", "blocks": "5f0c...", "accuracy": 93.1}

``blocks`` is a digest of the network's blocks: two names of one chain of blocks are one network. Costs are not in it:
one journal serves every budget and every latency table. Where the space or the judge is of the user's own, ``code``
in the header has the sha256 of its files: a journal is not continued with others. ``score`` is true where the judge
gives scores rather than percent. Neither is in journals of edgenas 0.2.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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

FORMAT = "edgenas-trials"
VERSION = 1  # 1: first
MORE = ("score", "code")  #: of the header, which journals of edgenas 0.2 do not have: percent, and not known


@dataclass(frozen=True, slots=True)
class TrialJournal:
    """A journal of judged networks: the space and its pixels, the judge, and (network, accuracy) in order. ``score``:
    these are scores, not percent; ``code`` says which code of the user's own the space is (``Code.as_dict``)."""

    path: Path
    space: str
    in_size: int | None
    accuracy: str
    judged: tuple[tuple[str, float], ...]
    score: bool = False
    code: dict[str, Any] | None = None


def read_trials(path: Path) -> TrialJournal:
    """Return what a journal holds, whoever wrote it; InputError for a damaged one, or a version that this edgenas does
    not know."""
    records = read_lines(path).records
    if not records:
        raise InputError(f"{path} holds no trials; name another file")
    head = records[0][1]
    _check_format(path, head)
    in_size = head.get("in_size")
    judged = tuple(_trial(path, number, record)[::2] for number, record in records[1:])
    size = in_size if isinstance(in_size, int) else None
    code = head.get("code")
    return TrialJournal(
        path,
        str(head.get("space", "")),
        size,
        str(head.get("accuracy", "")),
        judged,
        head.get("score") is True,
        code.get("space") if isinstance(code, dict) else None,
    )


def network_digest(architecture: Architecture) -> str:
    """32 hexadecimal digits that equal chains of blocks share; skips do nothing and are left out."""
    text = "\n".join(_text(block) for block in architecture.blocks if block.kind != "skip")
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@lru_cache(maxsize=2**16)  # networks of one space share their blocks
def _text(block: BlockSpec) -> str:
    return str(block)


class TrialCache:
    """Accuracies of networks of one space under one judge, kept in memory and, with ``journal``, in a file.

    Use as a context manager, so that the file is closed. InputError when the file belongs to another space or judge,
    is damaged, or is being written by another process.
    ``dropped_bytes`` is the length of a last line that was cut when a writer was killed.
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
        """Judge every candidate (all of different, unknown networks) in one batch.

        Each accuracy is on disk before ``arrived(index, accuracy)`` hears of it.
        """
        waiting = set(range(len(candidates)))
        for index, accuracy in self.accuracy.evaluate(candidates) if candidates else ():
            if index not in waiting:
                raise OutcomeError(f"{self.accuracy.name} answered for candidate {index} twice or without being asked")
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
        return {
            "format": FORMAT,
            "version": VERSION,
            "space": self.space.name,
            "in_size": self.space.in_size,
            "accuracy": self.accuracy.name,
            "score": is_score(self.accuracy),
            "code": {key: code and code.as_dict() for key, code in self._code().items()},
        }

    def _code(self) -> dict[str, Code | None]:
        """Which code of the user's own decides about the numbers; None where edgenas's does."""
        return {"space": self.space.code, "accuracy": code_of(self.accuracy)}

    def _load(self, path: Path) -> None:
        records = read_lines(path).records
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

    def _restarts(self, found: dict[str, Any]) -> bool:
        """True for a header under which nothing was judged, and that another file of the user's, or --score, alters: so
        a judge that failed at its first network can be mended."""
        theirs, ours = ({k: v for k, v in each.items() if k not in MORE} for each in (found, self._header()))
        return theirs == ours and found != self._header()

    def _check_header(self, path: Path, found: dict[str, Any]) -> None:
        _check_format(path, found)
        if bool(found.get("score")) != is_score(self.accuracy):
            kinds = ("scores", "percent") if found.get("score") else ("percent", "scores")
            raise InputError(
                f"{path} holds {kinds[0]}, this search is to judge in {kinds[1]}: type the same command with"
                f"{'' if found.get('score') else 'out'} --score, or name another journal"
            )
        code = found.get("code")
        for key, own in self._code().items():
            recorded = code.get(key) if isinstance(code, dict) else None
            check_same(str(path), key, recorded, own, "put the file back as it was, or search again with another -o")
        for key, wanted in self._header().items():
            if key not in MORE and found.get(key) != wanted:
                raise InputError(
                    f"{path} holds trials of {key} {found.get(key)!r}, this search has {wanted!r}: results that differ "
                    f"in it are never mixed; name another journal, or delete this one"
                )


def _check_format(path: Path, head: dict[str, Any]) -> None:
    """InputError unless the first record of a file begins a journal of a version that this edgenas knows."""
    if head.get("format") != FORMAT:
        raise InputError(f"{path} is not a journal of trials; name another file")
    if head.get("version") != VERSION:
        raise InputError(
            f"{path}: version {head.get('version')!r} of '{FORMAT}', but this edgenas reads version {VERSION}; "
            f"install the edgenas that wrote it (pip install --upgrade edgenas), or name another journal"
        )


def _trial(path: Path, number: int, record: dict[str, Any]) -> tuple[str, str, float]:
    """Network, digest and accuracy of a line; InputError."""
    network, digest, accuracy = (record.get(key) for key in ("network", "blocks", "accuracy"))
    known = isinstance(network, str) and isinstance(digest, str)
    if not known or not isinstance(accuracy, int | float) or isinstance(accuracy, bool):
        raise InputError(f"{path}, line {number}: not a trial; restore the file from a copy or delete that line")
    return str(network), str(digest), float(accuracy)
