"""Accuracies of the user's own, from a CSV or JSON file (``edgenas.base.rows``): the judge ``table:FILE``.

column              holds
network             key of a network, '0.2.1' or 'SPACE/0.2.1'; or instead of it one column for each layer of the
                    space with several options, with the key of the option or its number from 0
accuracy            percent; with ``score`` any finite number, higher is better
sd                  standard deviation of the accuracy, in the same unit; may be empty
"""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgenas.base.errors import InputError
from edgenas.base.reading import read_bytes
from edgenas.base.rows import read_rows
from edgenas.search.digests import network_digest
from edgenas.search.network_rows import check_columns, choice_of
from edgenas.search.problem import Candidate
from edgenas.search.space import Choice, Space

NAME = "table"


@dataclass(frozen=True, slots=True)
class OwnAccuracy:
    """One row: the network's choice, its accuracy, and the standard deviation where it is known."""

    place: str
    choice: Choice
    accuracy: float
    sd: float | None


class AccuracyTable:
    """A judge that looks networks of ``space`` up in ``path``. Rows of different keys that describe the same network
    (a skip before or after a block) are trainings of one network: their mean counts.

    InputError for a file of another form, a damaged value and a key that is given twice, with the line.
    """

    def __init__(self, path: Path, space: Space, *, score: bool = False) -> None:
        self._path, self._space, self.score = path, space, score
        data = read_bytes(path, "accuracies")
        self._name = f"{NAME}-{hashlib.sha256(data).hexdigest()[:16]}"
        try:
            self.rows = tuple(_rows(data.decode("utf-8-sig"), space, score))
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: not a text in UTF-8 ({error.reason})") from error
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
        self._by_digest: dict[str, list[OwnAccuracy]] = {}
        for row in self.rows:
            self._by_digest.setdefault(network_digest(space.architecture(row.choice)), []).append(row)

    @property
    def name(self) -> str:
        return self._name

    @property
    def networks(self) -> list[Choice]:
        """Distinct networks of the table, in its order."""
        return [rows[0].choice for rows in self._by_digest.values()]

    def evaluate(self, candidates: Sequence[Candidate]) -> Iterator[tuple[int, float]]:
        """Look up each candidate in order; InputError for a network that the table lacks."""
        for index, candidate in enumerate(candidates):
            found = self._by_digest.get(network_digest(candidate.architecture))
            if found is None:
                raise InputError(
                    f"{candidate.architecture.name} is not among the {len(self._by_digest)} networks of {self._path}; "
                    f"add its accuracy, or let a model that is fitted to the table predict the networks that it lacks: "
                    f"--accuracy estimate:{NAME}:{self._path}"
                )
            yield index, statistics.fmean(row.accuracy for row in found)

    def spread(self, choice: Choice) -> str:
        """Return what the file says about the uncertainty of a network's accuracy, '' where it says nothing."""
        found = self._by_digest.get(network_digest(self._space.architecture(choice)), [])
        known = [row for row in found if row.sd is not None]
        if not known:
            return ""
        said = ", ".join(f"{row.accuracy:g} with a standard deviation of {row.sd:g} ({row.place})" for row in known)
        return f"{self._path} gives the winner {said}: networks that are closer to it than that are as good"


def _rows(text: str, space: Space, score: bool) -> Iterator[OwnAccuracy]:
    columns, rows = read_rows(text, "network", "accuracy")
    if "accuracy" not in columns:
        raise InputError(f"it has no column accuracy; its columns are {', '.join(columns[:20])}")
    check_columns(columns, space)
    seen: dict[Choice, str] = {}
    for row in rows:
        choice = choice_of(row, space, columns)
        if choice in seen:
            raise InputError(f"{row.place}: network {space.key(choice)} is given twice, first in {seen[choice]}")
        seen[choice] = row.place
        accuracy, sd = row.number("accuracy"), row.number("sd")
        if accuracy is None:
            raise InputError(f"{row.place}: accuracy is empty; remove the row, or fill it in")
        if not score and not 0 <= accuracy <= 100:
            raise InputError(
                f"{row.place}: accuracy is {accuracy:g}, not a percentage within 0..100; where it is a score on "
                "another scale, add --score"
            )
        if sd is not None and sd < 0:
            raise InputError(f"{row.place}: sd is {sd:g}, but a standard deviation is 0 or more")
        yield OwnAccuracy(row.place, choice, accuracy, sd)
