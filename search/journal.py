"""Every network a space's accuracy was ever asked for, so that none is trained twice, on disk as each becomes known.

The file is JSONL (``latency_tables.jsonl``): a header that says what was judged and how, then one line a network::

    {"format": "edgenas-trials", "version": 1, "space": "nas_bench_macro", "in_size": 32, "accuracy": "..."}
    {"network": "2.2.2.1.2.2.1.0", "blocks": "5f0c...", "accuracy": 93.1}

``blocks`` is a digest of the network's blocks: two names of one chain of blocks are one network. Costs are not in it:
one journal serves every budget and every latency table.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from numbers import Real
from pathlib import Path
from types import TracebackType
from typing import Any

from edgenas.base.errors import InputError, OutcomeError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.store.jsonl import Appender, read_lines
from edgenas.search.problem import Accuracy, Candidate
from edgenas.search.space import Space

FORMAT = "edgenas-trials"
VERSION = 1  # 1: first


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
        }

    def _load(self, path: Path) -> None:
        records = read_lines(path).records
        if not records:
            assert self._appender is not None
            self._appender.append([self._header()])
            return
        self._check_header(path, records[0][1])
        for number, record in records[1:]:
            network, digest, accuracy = (record.get(key) for key in ("network", "blocks", "accuracy"))
            if not isinstance(network, str) or not isinstance(accuracy, int | float) or isinstance(accuracy, bool):
                raise InputError(
                    f"{path}, line {number}: not a trial; restore the file from a copy or delete that line"
                )
            if network_digest(self.space.architecture(self.space.parse(network))) != digest:
                raise InputError(
                    f"{path}, line {number}: network {network} had other blocks when it was judged, for the space "
                    f"{self.space.name} was another then (its classes or its options); name another journal"
                )
            self._known.setdefault(digest, float(accuracy))

    def _check_header(self, path: Path, found: dict[str, Any]) -> None:
        if found.get("format") != FORMAT:
            raise InputError(f"{path} is not a journal of trials; name another file")
        if found.get("version") != VERSION:
            raise InputError(
                f"{path} has format version {found.get('version')!r}, this edgenas reads {VERSION}: "
                f"install the edgenas that wrote it, or name another journal"
            )
        for key, wanted in self._header().items():
            if found.get(key) != wanted:
                raise InputError(
                    f"{path} holds trials of {key} {found.get(key)!r}, this search has {wanted!r}: results that differ "
                    f"in it are never mixed; name another journal, or delete this one"
                )
