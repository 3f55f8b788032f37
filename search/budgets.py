"""Budgets and limits of a search: one or more budgets of one cost, and one limit for each other cost.

``search``, ``ship`` and ``demo`` all use them in the same way: ``open_budgets`` turns a ``BudgetRequest`` into
``Budgets``, which make the problems of the search, name the policy that counts a latency against its budget, and are
recorded in ``search.json``.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.base.amounts import check_budget
from edgenas.base.errors import InputError
from edgenas.search.cost import macs_cost, params_cost, peak_memory_cost, size_cost
from edgenas.search.own_cost import own_limits
from edgenas.search.problem import Accuracy, Cost, Limit, Problem
from edgenas.search.space import Space
from edgenas.search.table_cost import PricedCost, table_cost

if TYPE_CHECKING:
    from edgenas.latency_tables.gate import Named, TableOrPath


#: kind of budget, as a field of ``BudgetRequest`` -> its unit
OPTIONS = {"ms": "ms", "macs": "MACs", "params": "params", "mb": "MB", "memory_mb": "MB"}


@dataclass(frozen=True, slots=True)
class BudgetRequest:
    """Budgets and limits as the caller gives them: at least one kind, with one or more numbers each.

    ms, macs, params, mb, memory_mb   budgets by unit; one kind may have several
    also                              latency limits on other devices, as TABLE=MS
    limits                            limits on costs of the user's own, as FILE=MOST (``edgenas.search.own_cost``)
    table                             the latency table of ``ms``
    statistic, unvalidated, predict   how tables are used: ``edgenas.search.table_cost``
    uncertainty                       policy that counts a latency (``edgenas.search.uncertainty``); None for the
                                      default, which depends on ``measured_again``
    measured_again                    True where the result is measured again before it is accepted
    opened                            path -> table, of tables that were read before and are not read again

    InputError for a budget that is not a finite number above 0.
    """

    ms: tuple[float, ...] = ()
    macs: tuple[float, ...] = ()
    params: tuple[float, ...] = ()
    mb: tuple[float, ...] = ()
    memory_mb: tuple[float, ...] = ()
    also: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    table: Path | None = None
    statistic: str | None = None
    unvalidated: bool = False
    predict: bool = False
    uncertainty: str | None = None
    measured_again: bool = False
    opened: Mapping[Path, TableOrPath] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, unit in OPTIONS.items():
            for number in getattr(self, name):
                check_budget(number, unit, _option(name))

    def latency_tables(self) -> dict[Path, Named]:
        """Return path -> table of the tables of this request, read where they were not read before."""
        from edgenas.latency_tables.gate import named

        paths = [*filter(None, [self.table]), *(Path(text.rpartition("=")[0]) for text in self.also if "=" in text)]
        return {path: named(self.opened.get(path, path)) for path in paths}

    def kinds(self) -> dict[str, tuple[float, ...]]:
        """Return option -> numbers, for the kinds that have numbers; the kind with several numbers comes first."""
        kinds: dict[str, tuple[float, ...]] = {_option(name): getattr(self, name) for name in OPTIONS}
        given = {name: numbers for name, numbers in kinds.items() if numbers}
        several = [name for name, numbers in given.items() if len(numbers) > 1]
        if not given:
            raise InputError(f"give at least one budget of {', '.join(kinds)}; got none")
        if len(several) > 1:
            raise InputError(f"only one kind of budget can have several values; {' and '.join(several)} have")
        first = (several or list(given))[0]
        return {first: given.pop(first), **given}


@dataclass(frozen=True, slots=True)
class Budgets:
    """Budgets of one cost (``priced``), and limits of other costs; ``idle`` has a message for each of them that every
    network of the space keeps."""

    priced: PricedCost
    budgets: tuple[float, ...]
    others: tuple[tuple[PricedCost, float], ...] = ()
    idle: tuple[str, ...] = ()
    statistic_given: bool = False  #: the statistic is that of the request, not the best one of a table's validation

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes about the tables, for the user."""
        return tuple(note for priced in (self.priced, *(other for other, _ in self.others)) for note in priced.notes)

    @property
    def latency(self) -> PricedCost | None:
        """The first cost that is a latency by a table: the one with the budget, else that of a limit; None without."""
        priced = (self.priced, *(other for other, _ in self.others))
        return next((each for each in priced if each.uncertainty is not None), None)

    @property
    def policy(self) -> str | None:
        """Sentence about the latency that is compared with a budget, and its statistic; None where no budget or limit
        is a latency."""
        from edgenas.latency_tables.imported import STATISTIC
        from edgenas.search.uncertainty import COUNTS, check_uncertainty

        if self.latency is None or self.latency.uncertainty is None:
            return None
        how = check_uncertainty(self.latency.uncertainty)
        several = self.latency.statistic != STATISTIC  # a table with means has nothing else
        best = self.latency.error_share is not None and not self.statistic_given and several
        why = ", the best one in the table's validation" if best else ""
        counted = f"a latency budget is compared with {COUNTS[how]} (--uncertainty {how})"
        return f"{counted}; statistic: {self.latency.statistic}{why}"

    def facts(self) -> dict[str, Any]:
        """Return what ``search.json`` records of the budgets, as plain JSON values."""
        return {
            "statistic": self.priced.statistic,
            "validated": self.priced.error_share is not None,
            "uncertainty": None if self.latency is None else self.latency.uncertainty,
        }

    @property
    def messages(self) -> tuple[str, ...]:
        """Messages before a search begins: the notes about the tables, the policy, and budgets that limit nothing."""
        return (*self.notes, *([] if self.policy is None else [self.policy]), *self.idle)

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Limits of the other costs."""
        return tuple(Limit(priced.at(most), most) for priced, most in self.others)

    def problem(self, space: Space, accuracy: Accuracy, budget: float, seed: int) -> Problem:
        """Return the search problem at one of the budgets."""
        return Problem(space, self.priced.at(budget), accuracy, budget, seed, self.limits)


def open_budgets(request: BudgetRequest, space: Space) -> Budgets:
    """Open the tables of a request and return its budgets; InputError where an option or a file is missing,
    OutcomeError where a table does not pass the gate, BudgetError where no network of ``space`` keeps a budget together
    with the limits."""
    (first, budgets), *rest = request.kinds().items()
    if first == "--budget-memory-mb":
        raise InputError(
            "--budget-memory-mb is a limit on the largest block and takes one value beside a budget of a sum: add "
            "--budget-macs, --budget-params, --budget-mb or --budget-ms"
        )
    others = [(_priced(request, kind, space), most) for kind, (most,) in rest]
    tables = [request.table] if request.table else []
    for text in request.also:
        path, equals, ms = text.rpartition("=")
        if not (path and equals):
            raise InputError(f"--also {text!r} is not TABLE=MS, such as pixel-litert.jsonl=12")
        most = check_budget(ms, "ms", f"--also {path}=")
        if Path(path) in tables:
            raise InputError(f"--also {text!r} names a table twice; each device has one budget")
        tables.append(Path(path))
        others.append((_table_cost(request, space, Path(path), Path(path).stem), most))
    others += [(PricedCost(limit.cost, 0.0), limit.most) for limit in own_limits(request.limits, space)]
    opened = Budgets(
        _priced(request, first, space), budgets, tuple(others), statistic_given=request.statistic is not None
    )
    return replace(opened, idle=_checked(opened, space))


@dataclass(frozen=True, slots=True)
class _Bounds:
    """One budget with the limits, and no judge."""

    space: Space
    cost: Cost
    budget: float
    limits: tuple[Limit, ...]


def _checked(opened: Budgets, space: Space) -> tuple[str, ...]:
    """Return a message for each budget or limit that every network keeps; BudgetError where none keeps one of them."""
    from edgenas.search.feasible import checked_graph, largest

    idle, limits = [], opened.limits
    for budget in opened.budgets:
        checked_graph(_Bounds(space, opened.priced.at(budget), budget, limits))
    for limit in (*(Limit(opened.priced.at(budget), budget) for budget in opened.budgets), *limits):
        most = largest(space, limit.cost)
        if most <= limit.most:
            of = f" of {limit.cost.name}" if limit.cost.name else ""
            idle.append(
                f"every network of {space.name} is inside {limit.most:.6g} {limit.cost.unit}{of}: the largest needs "
                f"at most {most:.6g}"
            )
    return tuple(idle)


def _option(kind: str) -> str:
    """Return the command line's option for a kind of budget."""
    return f"--budget-{kind.replace('_', '-')}"


def open_latency(request: BudgetRequest, space: Space) -> PricedCost:
    """Return the latency cost of the budgets ``request.ms``, by ``request.table``; errors as in
    ``edgenas.search.table_cost``."""
    if request.table is None:
        raise InputError(f"--budget-ms needs --table; measure one: edgenas profile {space.name}")
    name = request.table.stem if request.also else ""
    return _table_cost(request, space, request.table, name)


def _table_cost(request: BudgetRequest, space: Space, table: Path, name: str) -> PricedCost:
    return table_cost(
        space,
        request.opened.get(table, table),
        request.statistic,
        request.unvalidated,
        request.predict,
        request.uncertainty,
        name,
        measured_again=request.measured_again,
    )


def _priced(request: BudgetRequest, kind: str, space: Space) -> PricedCost:
    counted: dict[str, Cost] = {
        "--budget-macs": macs_cost(),
        "--budget-params": params_cost(),
        "--budget-mb": size_cost(),
        "--budget-memory-mb": peak_memory_cost(),
    }
    if kind in counted:
        return PricedCost(counted[kind], 0.0)
    return open_latency(request, space)


def quantile_budgets(
    space: Space, cost: Cost, quantiles: tuple[float, ...], seed: int, networks: int = 1000
) -> tuple[float, ...]:
    """Return budgets at ``quantiles`` (0..1) of the costs of ``networks`` random networks, in the cost's unit, rounded
    to three digits."""
    rng = random.Random(seed)
    costs = sorted(cost.total(space.architecture(space.sample(rng))) for _ in range(networks))
    return tuple(float(f"{costs[int(q * networks)]:.3g}") for q in quantiles)
