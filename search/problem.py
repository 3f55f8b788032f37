"""Problem, Result, Trial: what a search is asked and what it answers.

    Algorithm = Callable[..., Result]    called as algorithm(problem, trials, **options);
    edgenas.search.algorithms.by_name lists them

Costs are additive over blocks and exact: a network's cost is the sum over its blocks from the image on, in that order,
wherever it is computed. Beside the cost that has the budget, any number of limits may have to be kept. Accuracies are
in percent (0..100), unless the judge gives scores (``is_score``): any finite numbers, higher is better.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from edgenas.base.code import Code
from edgenas.base.errors import InputError, OutcomeError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.spec import BlockSpec
from edgenas.search.space import Choice, Space


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member of a space: its choice and the network it names."""

    choice: Choice
    architecture: Architecture


class Accuracy(Protocol):
    """Judges candidates. ``name`` identifies how (data, recipe, seed): results of different names never mix.

    A judge may have two attributes more: ``score``, see ``is_score``, and ``code``, see ``code_of``.
    """

    @property
    def name(self) -> str: ...

    def evaluate(self, candidates: Sequence[Candidate]) -> Iterator[tuple[int, float]]:
        """Yield (index into ``candidates``, accuracy in percent) as each becomes known, in any order."""
        ...


def is_score(accuracy: Accuracy) -> bool:
    """Return True if a judge's numbers are scores on a scale of its own, higher is better, rather than percent."""
    return bool(getattr(accuracy, "score", False))


def code_of(accuracy: Accuracy) -> Code | None:
    """Return which code of the user's own judges; None for judges that ship, and for functions given as objects."""
    code = getattr(accuracy, "code", None)
    return code if isinstance(code, Code) else None


@dataclass(frozen=True, slots=True)
class Cost:
    """An additive cost: ``unit`` is 'ms', 'MACs', 'params', 'MB' or any other, such as 'mJ'; ``of`` gives the cost of
    one block (a skip costs 0), ``fixed`` what every network costs beside its blocks, ``name`` what it is called where
    several costs have one unit.

    A subclass whose ``total`` is no sum gives with ``of`` and ``fixed`` a sum that comes near it.
    """

    unit: str
    of: Callable[[BlockSpec], float]
    fixed: float = 0.0
    name: str = field(default="", kw_only=True)

    def total(self, architecture: Architecture) -> float:
        """Cost of a whole network, added block by block: the same number on every Python, to the last bit."""
        total = self.fixed
        for block in architecture.blocks:  # not sum(): from Python 3.12 on it compensates for rounding
            total += self.of(block)
        return total

    def most_sum(self, budget: float) -> float:
        """What the sum over blocks of a network within ``budget`` is at most. A subclass whose sums may be above
        ``total`` says how far, infinite where nobody knows: a search then looks farther, and ``total`` decides."""
        return budget


@dataclass(frozen=True, slots=True)
class Peak(Cost):
    """The largest of a network's blocks instead of their sum. A limit, never the cost that has the budget."""

    def total(self, architecture: Architecture) -> float:
        """Of the block that needs most, and at least ``fixed``."""
        return max([self.fixed, *(self.of(block) for block in architecture.blocks)])


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that a network may have of a cost, in its unit."""

    cost: Cost
    most: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.most) and self.most > 0):
            raise InputError(f"a limit of {self.most!r} {self.cost.unit} is not a positive number")

    def keeps(self, architecture: Architecture) -> bool:
        """Whether the network has at most that, to the last bit."""
        return self.cost.total(architecture) <= self.most


@dataclass(frozen=True, slots=True)
class Problem:
    """Maximise ``accuracy`` over the networks of ``space`` whose cost is at most ``budget`` (in ``cost.unit``) and that
    keep all ``limits``."""

    space: Space
    cost: Cost
    accuracy: Accuracy
    budget: float
    seed: int = 0
    limits: tuple[Limit, ...] = ()

    def __post_init__(self) -> None:
        check_positive(self.budget, self.cost.unit)
        if isinstance(self.cost, Peak):
            raise InputError(
                f"{self.cost.name or self.cost.unit} is that of a network's largest block: it can be a limit, but the "
                "cost with the budget must be a sum, such as MACs or milliseconds"
            )

    def fits(self, choice: Choice) -> bool:
        """Whether the network costs at most the budget and keeps every limit, to the last bit."""
        return self.excess(self.space.architecture(choice)) == 0

    def excess(self, architecture: Architecture) -> float:
        """How far the network is above its budget or a limit, as a share, the largest; 0 where it fits."""
        found = 0.0
        for limit in (Limit(self.cost, self.budget), *self.limits):
            total = limit.cost.total(architecture)
            if total > limit.most:
                found = max(found, total / limit.most - 1, sys.float_info.min)
        return found

    def keeps_limits(self, architecture: Architecture) -> bool:
        """Whether the network keeps every limit, whatever it costs."""
        return all(limit.keeps(architecture) for limit in self.limits)


@dataclass(frozen=True, slots=True)
class Trial:
    """One network judged: accuracy in percent, exact cost in the problem's unit (whatever the limits say); ``paid`` is
    False for a cache hit."""

    choice: Choice
    accuracy: float
    cost: float
    paid: bool = True


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """What an algorithm found.

    best        the judged network of highest accuracy with cost <= budget that keeps all limits
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

    def __repr__(self) -> str:
        found = self.answer
        return (
            f"<Result of {self.algorithm}: {found.accuracy:.2f} % at a cost of {found.cost:.4g}, "
            f"{len(self.trials):,} networks judged>"
        )

    @property
    def answer(self) -> Trial:
        """The network to train in full and ship: ``recommended``, else ``best``."""
        return self.best if self.recommended is None else self.recommended


def check_positive(budget: float, unit: str) -> None:
    """InputError unless a budget is a number above 0."""
    if not (math.isfinite(budget) and budget > 0):
        raise InputError(f"budget {budget!r} {unit} is not a positive number")


@dataclass(frozen=True, slots=True)
class ActiveLimit:
    """A limit that binds: ``smallest`` is the least that any network has which keeps all the others that bind, infinite
    where there is none."""

    unit: str
    most: float
    smallest: float
    name: str = ""


class BudgetError(OutcomeError):
    """No network of the space keeps the budget and the limits; carries those that bind, and what is reachable.

    ``smallest`` and ``unit`` are those of the first that binds.
    """

    def __init__(self, space: str, binding: Sequence[ActiveLimit]) -> None:
        first = binding[0]
        if len(binding) == 1:
            super().__init__(
                f"no network of {space} fits {_amount(first, first.most)}: the smallest reachable is "
                f"{_amount(first, first.smallest)}; raise the budget or choose another space"
            )
        else:
            wanted = " and ".join(_amount(reach, reach.most) for reach in binding)
            least = ", ".join(_amount(reach, reach.smallest) for reach in binding)
            super().__init__(
                f"no network of {space} keeps {wanted} at once; the smallest reachable of each within the others: "
                f"{least}; raise one of them or choose another space"
            )
        self.binding = tuple(binding)
        self.smallest = first.smallest
        self.unit = first.unit


def _amount(reach: ActiveLimit, amount: float) -> str:
    text = f"{amount:.6g} {reach.unit}" if math.isfinite(amount) else f"no {reach.unit}"
    return f"{text} of {reach.name}" if reach.name else text
