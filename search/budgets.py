"""Budgets and limits of a search: one or more budgets of one cost, and one limit for each other cost.

``search``, ``ship`` and ``demo`` all use them in the same way: ``open_budgets`` turns a ``BudgetRequest`` into
``Budgets``, which make the problems of the search, name the policy that counts a latency against its budget, and are
recorded in ``search.json``.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.base.errors import InputError
from edgenas.search.cost import macs_cost, params_cost, peak_memory_cost, size_cost
from edgenas.search.problem import Accuracy, Cost, Limit, Problem
from edgenas.search.space import Space
from edgenas.search.table_cost import PricedCost, table_cost

if TYPE_CHECKING:
    from edgenas.latency_tables.gate import TableOrPath


@dataclass(frozen=True, slots=True)
class BudgetRequest:
    """Budgets and limits as the caller gives them: at least one kind, with one or more numbers each.

    ms, macs, params, mb, memory_mb   budgets by unit; one kind may have several
    also                              latency limits on other devices, as TABLE=MS
    table                             the latency table of ``ms``
    statistic, unvalidated, predict   how tables are used: ``edgenas.search.table_cost``
    uncertainty                       policy that counts a latency (``edgenas.search.uncertainty``); None for the
                                      default, which depends on ``measured_again``
    measured_again                    True where the result is measured again before it is accepted
    opened                            path -> table, of tables that were read before and are not read again
    """

    ms: tuple[float, ...] = ()
    macs: tuple[float, ...] = ()
    params: tuple[float, ...] = ()
    mb: tuple[float, ...] = ()
    memory_mb: tuple[float, ...] = ()
    also: tuple[str, ...] = ()
    table: Path | None = None
    statistic: str | None = None
    unvalidated: bool = False
    predict: bool = False
    uncertainty: str | None = None
    measured_again: bool = False
    opened: Mapping[Path, TableOrPath] = field(default_factory=dict)

    def kinds(self) -> dict[str, tuple[float, ...]]:
        """Return option -> numbers, for the kinds that have numbers; the kind with several numbers comes first."""
        kinds = {
            "--budget-ms": self.ms,
            "--budget-macs": self.macs,
            "--budget-params": self.params,
            "--budget-mb": self.mb,
            "--budget-memory-mb": self.memory_mb,
        }
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
    """Budgets of one cost (``priced``), and limits of other costs."""

    priced: PricedCost
    budgets: tuple[float, ...]
    others: tuple[tuple[PricedCost, float], ...] = ()

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
        """Sentence about the cost that counts a latency against its budget; None where no budget or limit is a
        latency."""
        from edgenas.search.uncertainty import COUNTS, check_uncertainty

        if self.latency is None or self.latency.uncertainty is None:
            return None
        how = check_uncertainty(self.latency.uncertainty)
        return f"what counts against a latency budget is {COUNTS[how]} (--uncertainty {how}, {self.latency.statistic})"

    def facts(self) -> dict[str, Any]:
        """Return what ``search.json`` records of the budgets, as plain JSON values."""
        return {
            "statistic": self.priced.statistic,
            "validated": self.priced.error_share is not None,
            "uncertainty": None if self.latency is None else self.latency.uncertainty,
        }

    @property
    def messages(self) -> tuple[str, ...]:
        """Messages before a search begins: the notes about the tables, and the policy."""
        return (*self.notes, *([] if self.policy is None else [self.policy]))

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Limits of the other costs."""
        return tuple(Limit(priced.at(most), most) for priced, most in self.others)

    def problem(self, space: Space, accuracy: Accuracy, budget: float, seed: int) -> Problem:
        """Return the search problem at one of the budgets."""
        return Problem(space, self.priced.at(budget), accuracy, budget, seed, self.limits)


def open_budgets(request: BudgetRequest, space: Space) -> Budgets:
    """Open the tables of a request and return its budgets; InputError where an option or a file is missing,
    OutcomeError where a table does not pass the gate."""
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
        try:
            most = float(ms)
        except ValueError:
            equals = ""
        if not (path and equals):
            raise InputError(f"--also {text!r} is not TABLE=MS, such as pixel-litert.jsonl=12")
        if Path(path) in tables:
            raise InputError(f"--also {text!r} names a table twice; each device has one budget")
        tables.append(Path(path))
        others.append((_table_cost(request, space, Path(path), Path(path).stem), most))
    return Budgets(_priced(request, first, space), budgets, tuple(others))


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
