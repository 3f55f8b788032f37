"""The input and the output of a search (Problem, Trial, Result), its costs and limits, and the protocol of a judge.

    Algorithm = Callable[..., Result]    called as algorithm(problem, trials, **options);
    edgenas.search.algorithms.by_name lists them

Costs are additive over blocks and exact: a network's cost is the sum over its blocks, added from the first block to the
last in every place that computes it; blocks that are chosen together are added to one sum first. One cost has the
budget; a problem may have any number of limits on other costs. Accuracies are in percent (0..100), unless the judge
gives scores (``is_score``): any finite numbers, higher is better.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from edgenas.base.amounts import check_budget
from edgenas.base.code import Code
from edgenas.base.counted import counted
from edgenas.base.errors import InputError, OutcomeError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.spec import BlockSpec
from edgenas.search.space import Choice, Space


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member of a space: its choice of options, and the network that this choice describes."""

    choice: Choice
    architecture: Architecture


class Accuracy(Protocol):
    """A judge: it evaluates the accuracy of candidates. ``name`` identifies data, recipe and seed; results of judges
    with different names are never mixed.

    A judge may have two more attributes: ``score`` (see ``is_score``) and ``code`` (see ``code_of``).
    """

    @property
    def name(self) -> str: ...

    def evaluate(self, candidates: Sequence[Candidate]) -> Iterator[tuple[int, float]]:
        """Yield (index into ``candidates``, accuracy in percent) as each becomes known, in any order."""
        ...


def is_score(accuracy: Accuracy) -> bool:
    """Return True if a judge gives scores on its own scale (higher is better) instead of percent."""
    return bool(getattr(accuracy, "score", False))


def code_of(accuracy: Accuracy) -> Code | None:
    """Return the user's code that a judge runs; None for judges of edgenas, and for functions passed as objects."""
    code = getattr(accuracy, "code", None)
    return code if isinstance(code, Code) else None


@dataclass(frozen=True, slots=True)
class Cost:
    """An additive cost: ``unit`` is 'ms', 'MACs', 'params', 'MB' or any other, such as 'mJ'; ``of`` returns the cost of
    one block (a skip costs 0), ``fixed`` is the cost that every network has in addition to its blocks, ``name``
    distinguishes several costs with the same unit.

    In a subclass whose ``total`` is not a sum, ``of`` and ``fixed`` give a sum that approximates it.
    """

    unit: str
    of: Callable[[BlockSpec], float]
    fixed: float = 0.0
    name: str = field(default="", kw_only=True)

    def total(self, architecture: Architecture) -> float:
        """Cost of a whole network, added block by block: the same number in every Python version, to the last bit."""
        total = self.fixed
        if architecture.together:
            for part in architecture.parts:
                total += self.together(part)
            return total
        for block in architecture.blocks:  # not sum(): from Python 3.12 on it compensates for rounding
            total += self.of(block)
        return total

    def together(self, blocks: Sequence[BlockSpec]) -> float:
        """Cost of blocks that are chosen together: their sum, or of a peak their maximum; 0 for no blocks."""
        total = 0.0
        for block in blocks:
            total += self.of(block)
        return total

    def most_sum(self, budget: float) -> float:
        """Upper bound on the sum over blocks of any network whose ``total`` is within ``budget``.

        A subclass whose sums may be above ``total`` returns a larger number, infinity where no bound is known: a search
        then examines networks up to that sum, and ``total`` decides.
        """
        return budget


@dataclass(frozen=True, slots=True)
class Peak(Cost):
    """A cost that is the maximum over a network's blocks instead of their sum. It can be a limit, never the cost that
    has the budget."""

    def total(self, architecture: Architecture) -> float:
        """Cost of the network's most expensive block, and at least ``fixed``."""
        return max(self.fixed, self.together(architecture.blocks))

    def together(self, blocks: Sequence[BlockSpec]) -> float:
        """Cost of the most expensive of ``blocks``; 0 for no blocks."""
        return max((self.of(block) for block in blocks), default=0.0)


@dataclass(frozen=True, slots=True)
class Limit:
    """Upper limit of one cost of a network: ``most``, in the unit of the cost."""

    cost: Cost
    most: float

    def __post_init__(self) -> None:
        check_budget(self.most, self.cost.unit, "a limit of")

    def keeps(self, architecture: Architecture) -> bool:
        """Return whether the cost of the network is at most ``most``, compared to the last bit."""
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
        check_budget(self.budget, self.cost.unit)
        if isinstance(self.cost, Peak):
            raise InputError(
                f"{self.cost.name or self.cost.unit} is that of a network's largest block: it can be a limit, but the "
                "cost with the budget must be a sum, such as MACs or milliseconds"
            )

    def fits(self, choice: Choice) -> bool:
        """Return whether the network costs at most the budget and keeps every limit, compared to the last bit."""
        return self.excess(self.space.architecture(choice)) == 0

    def excess(self, architecture: Architecture) -> float:
        """Largest excess of the network over the budget or a limit, as a share of that limit; 0 where all are kept."""
        largest = 0.0
        for limit in (Limit(self.cost, self.budget), *self.limits):
            total = limit.cost.total(architecture)
            if total > limit.most:
                largest = max(largest, total / limit.most - 1, sys.float_info.min)
        return largest

    def keeps_limits(self, architecture: Architecture) -> bool:
        """Return whether the network keeps every limit; the budget is not checked."""
        return all(limit.keeps(architecture) for limit in self.limits)


@dataclass(frozen=True, slots=True)
class Trial:
    """One judged network: accuracy in percent (or a score) and exact cost in the problem's unit, within the limits or
    not. ``newly_judged`` is False where the accuracy came from the cache."""

    choice: Choice
    accuracy: float
    cost: float
    newly_judged: bool = True


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """Result of one algorithm on one problem.

    best        the judged network of highest accuracy with cost <= budget that keeps all limits
    trials      every judged network, in order
    predicted   accuracy of ``answer`` by the algorithm's model, without judging it; None without a model (MathNAS has
                one)
    notes       further results of the algorithm, under the names of its paper (plain JSON values)
    recommended the judged network within the budget with the highest expected accuracy when trained again, from
                algorithms that estimate the noise of accuracies (hybrid): the highest of many noisy values is mostly
                luck
    """

    algorithm: str
    best: Trial
    trials: tuple[Trial, ...]
    predicted: float | None = None
    notes: dict[str, Any] = field(default_factory=dict)
    recommended: Trial | None = None

    def __repr__(self) -> str:
        answer = self.answer
        return (
            f"<Result of {self.algorithm}: {answer.accuracy:.2f} % at a cost of {answer.cost:.4g}, "
            f"{counted(len(self.trials), 'network')} judged>"
        )

    @property
    def answer(self) -> Trial:
        """The network to train in full and ship: ``recommended``, else ``best``."""
        return self.best if self.recommended is None else self.recommended


@dataclass(frozen=True, slots=True)
class ActiveLimit:
    """An active limit of an infeasible problem: ``most`` is its value, ``smallest`` the smallest cost of any network
    that keeps all other active limits, infinite where there is no such network. Both are in ``unit``."""

    unit: str
    most: float
    smallest: float
    name: str = ""


class BudgetError(OutcomeError, InputError):
    """Error where no network of the space keeps the budget and the limits; ``active_limits`` are those that no network
    keeps together, each with the smallest reachable cost. The budget is wrong input: exit code 2.

    ``smallest`` and ``unit`` are those of the first active limit.
    """

    def __init__(self, space: str, active_limits: Sequence[ActiveLimit]) -> None:
        first = active_limits[0]
        if len(active_limits) == 1:
            super().__init__(
                f"no network of {space} fits {_amount(first, first.most)}: the smallest reachable is "
                f"{_amount(first, first.smallest)}; give at least that, or choose another space: edgenas spaces"
            )
        else:
            wanted = " and ".join(_amount(reach, reach.most) for reach in active_limits)
            least = ", ".join(_amount(reach, reach.smallest) for reach in active_limits)
            super().__init__(
                f"no network of {space} keeps {wanted} at once; the smallest reachable of each within the others: "
                f"{least}; raise one of them, or choose another space: edgenas spaces"
            )
        self.active_limits = tuple(active_limits)
        self.smallest = first.smallest
        self.unit = first.unit


def _amount(reach: ActiveLimit, amount: float) -> str:
    text = f"{_rounded_up(amount)} {reach.unit}" if math.isfinite(amount) else f"no {reach.unit}"
    return f"{text} of {reach.name}" if reach.name else text


def _rounded_up(amount: float) -> str:
    """Return ``amount`` with six digits and never below it: a budget of this text is kept by a network of this cost."""
    text = f"{amount:.6g}"
    return text if float(text) >= amount else f"{amount * (1 + 1e-5):.6g}"
