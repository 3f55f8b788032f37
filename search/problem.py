"""Problem, Result, Trial: what a search is asked and what it answers.

    Algorithm = Callable[..., Result]    called as algorithm(problem, trials, **options); search.algorithms lists them

Costs are additive over blocks and exact: a network's cost is the sum over its blocks from the image on, in that order,
wherever it is computed. Accuracies are in percent (0..100).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from blocks.architecture import Architecture
from blocks.errors import InputError, OutcomeError
from blocks.spec import BlockSpec
from search.space import Choice, Space


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member of a space: its choice and the network it names."""

    choice: Choice
    architecture: Architecture


class Accuracy(Protocol):
    """Judges candidates. ``name`` identifies how (data, recipe, seed): results of different names never mix."""

    @property
    def name(self) -> str: ...

    def evaluate(self, candidates: Sequence[Candidate]) -> Iterator[tuple[int, float]]:
        """Yield (index into ``candidates``, accuracy in percent) as each becomes known, in any order."""
        ...


@dataclass(frozen=True, slots=True)
class Cost:
    """An additive cost: ``unit`` is 'ms', 'MACs' or 'params'; ``of`` gives the cost of one block (a skip costs 0),
    ``fixed`` what every network costs beside its blocks."""

    unit: str
    of: Callable[[BlockSpec], float]
    fixed: float = 0.0

    def total(self, architecture: Architecture) -> float:
        """Cost of a whole network, added block by block: the same number on every Python, to the last bit."""
        total = self.fixed
        for block in architecture.blocks:  # not sum(): from Python 3.12 on it compensates for rounding
            total += self.of(block)
        return total


@dataclass(frozen=True, slots=True)
class Problem:
    """Maximise ``accuracy`` over the networks of ``space`` whose cost is at most ``budget`` (in ``cost.unit``)."""

    space: Space
    cost: Cost
    accuracy: Accuracy
    budget: float
    seed: int = 0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.budget) and self.budget > 0):
            raise InputError(f"budget {self.budget!r} {self.cost.unit} is not a positive number")

    def fits(self, choice: Choice) -> bool:
        """Whether the network costs at most the budget, to the last bit."""
        return self.cost.total(self.space.architecture(choice)) <= self.budget


@dataclass(frozen=True, slots=True)
class Trial:
    """One network judged: accuracy in percent, exact cost in the problem's unit; ``paid`` is False for a cache hit."""

    choice: Choice
    accuracy: float
    cost: float
    paid: bool = True


@dataclass(frozen=True, slots=True)
class Result:
    """What an algorithm found.

    best        the judged network of highest accuracy with cost <= budget
    trials      every network judged, in order
    predicted   accuracy the algorithm expects of ``answer`` without having judged it, where it has a model (MathNAS)
    notes       what else the algorithm has to say, by its paper's names (plain JSON values)
    recommended the judged network within the budget that the algorithm expects to be best when trained again, where it
                knows how far rewards can be trusted (hybrid): the highest of many noisy rewards is mostly luck
    """

    algorithm: str
    best: Trial
    trials: tuple[Trial, ...]
    predicted: float | None = None
    notes: dict[str, Any] = field(default_factory=dict)
    recommended: Trial | None = None

    @property
    def answer(self) -> Trial:
        """The network to train in full and ship: ``recommended``, else ``best``."""
        return self.best if self.recommended is None else self.recommended


class BudgetError(OutcomeError):
    """No network of the space costs as little as the budget; carries the smallest reachable cost."""

    def __init__(self, space: str, budget: float, smallest: float, unit: str) -> None:
        super().__init__(
            f"no network of {space} fits {budget:g} {unit}: the smallest reachable is {smallest:.6g} {unit}; "
            f"raise the budget or choose another space"
        )
        self.smallest = smallest
        self.unit = unit
