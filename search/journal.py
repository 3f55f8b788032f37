"""The cache of judged networks, and the journal that keeps it on disk, so that no network is trained twice.

``edgenas.search.trial_file`` defines the journal's form. A line is written as soon as the network's accuracy is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from edgenas.base.code import Code, check_same
from edgenas.base.collection import collector_paused
from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.jsonl import Appender
from edgenas.base.sealing import sealed
from edgenas.base.undo import UndoOnFailure
from edgenas.blocks.size import size_json
from edgenas.search.digests import SpaceDigests, network_digest
from edgenas.search.problem import Accuracy, Candidate, code_of, is_score
from edgenas.search.space import Space
from edgenas.search.spaces.recorded import space_record
from edgenas.search.trial_file import FORMAT, VERSION, JudgedLine, accuracy_of, read_judged

#: header fields that are compared by their own rules, or that other versions lack
MORE = ("version", "score", "code", "c_in", "layers")


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
            self._appender = Appender(journal, FORMAT, "a journal of trials")
            with UndoOnFailure(self.close):
                self.dropped_bytes = self._appender.dropped_bytes
                self._load(journal, self._appender)

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
            number = self._checked(candidates[index], accuracy)
            waiting.remove(index)
            self._keep(candidates[index], number)
            if arrived is not None:
                arrived(index, number)
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

    def _checked(self, candidate: Candidate, accuracy: Any) -> float:
        try:
            return accuracy_of(accuracy, is_score(self.accuracy))
        except ValueError as error:
            network = candidate.architecture.name
            raise OutcomeError(f"{self.accuracy.name} judged {network} as {error}") from error

    def _keep(self, candidate: Candidate, accuracy: float) -> None:
        digest = network_digest(candidate.architecture)
        if self._appender is not None:
            line = JudgedLine(0, self.space.key(candidate.choice), digest, accuracy)
            self._appender.append([sealed(line.as_dict())])
        self._known[digest] = accuracy

    def _header(self) -> dict[str, Any]:
        record = space_record(self.space)
        return {
            "format": FORMAT,
            "version": VERSION,
            "space": self.space.name,
            "in_size": size_json(self.space.in_size),
            "c_in": record.c_in,
            "layers": [asdict(layer) for layer in record.layers],
            "accuracy": self.accuracy.name,
            "score": is_score(self.accuracy),
            "code": {key: code and code.as_dict() for key, code in self._code().items()},
        }

    def _code(self) -> dict[str, Code | None]:
        """The user's code that defines the space and the judge; None where they are edgenas's own."""
        return {"space": self.space.code, "accuracy": code_of(self.accuracy)}

    @collector_paused()
    def _load(self, path: Path, appender: Appender) -> None:
        head, lines = read_judged(path)
        if head is None:
            appender.append([sealed(self._header())])
            return
        if not lines and self._restarts(head):
            appender.replace([sealed(self._header())])
            return
        self._check_header(path, head)
        digest_of = SpaceDigests(self.space)
        for line in lines:
            if digest_of(line.network) != line.blocks:
                raise InputError(
                    f"{path}, line {line.number}: network {line.network} had other blocks when it was judged, for the "
                    f"space {self.space.name} was another then (its classes or its options); name another journal"
                )
            self._known.setdefault(line.blocks, line.accuracy)
        if head["version"] != VERSION:
            upgraded = {"score": False, **head, "version": VERSION}
            appender.replace([sealed(upgraded), *(sealed(line.as_dict()) for line in lines)])

    def _restarts(self, head: dict[str, Any]) -> bool:
        """Return whether the header of a journal without trials differs from this search only in the user's code or in
        --score. Such a header is replaced, so that a judge that failed at its first network can be corrected."""
        theirs, ours = ({k: v for k, v in each.items() if k not in MORE} for each in (head, self._header()))
        return theirs == ours and head != self._header()

    def _check_header(self, path: Path, head: dict[str, Any]) -> None:
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
