"""What a search is to keep to: budgets of one cost, and one limit for each of the others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgenas.base.errors import InputError
from edgenas.search.cost import macs_cost, params_cost, peak_memory_cost, size_cost
from edgenas.search.problem import Accuracy, Cost, Limit, Problem
from edgenas.search.space import Space
from edgenas.search.table_cost import PricedBudget, table_cost


@dataclass(frozen=True, slots=True)
class BudgetRequest:
    """As it was asked for: a number or more for each kind, and latencies ``also`` on other devices as TABLE=MS."""

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

    def kinds(self) -> dict[str, tuple[float, ...]]:
        """Option -> numbers, of the kinds that have any; the first of several budgets comes first."""
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
    """Budgets of one cost, and limits beside it."""

    costed: PricedBudget
    budgets: tuple[float, ...]
    others: tuple[tuple[PricedBudget, float], ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know about the tables."""
        return tuple(note for costed in (self.costed, *(other for other, _ in self.others)) for note in costed.notes)

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Those beside the budget."""
        return tuple(Limit(costed.at(most), most) for costed, most in self.others)

    def problem(self, space: Space, accuracy: Accuracy, budget: float, seed: int) -> Problem:
        """The problem at one of the budgets."""
        return Problem(space, self.costed.at(budget), accuracy, budget, seed, self.limits)


def open_budgets(asked: BudgetRequest, space: Space) -> Budgets:
    """Open the tables that are needed; InputError says what is missing, OutcomeError what a table does not prove."""
    (first, budgets), *rest = asked.kinds().items()
    if first == "--budget-memory-mb":
        raise InputError(
            "--budget-memory-mb is a limit on the largest block and takes one value beside a budget of a sum: add "
            "--budget-macs, --budget-params, --budget-mb or --budget-ms"
        )
    others = [(_costed(asked, kind, space), most) for kind, (most,) in rest]
    tables = [asked.table] if asked.table else []
    for text in asked.also:
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
        costed = table_cost(
            space, Path(path), asked.statistic, asked.unvalidated, asked.predict, asked.uncertainty, Path(path).stem
        )
        others.append((costed, most))
    return Budgets(_costed(asked, first, space), budgets, tuple(others))


def _costed(asked: BudgetRequest, kind: str, space: Space) -> PricedBudget:
    counted: dict[str, Cost] = {
        "--budget-macs": macs_cost(),
        "--budget-params": params_cost(),
        "--budget-mb": size_cost(),
        "--budget-memory-mb": peak_memory_cost(),
    }
    if kind in counted:
        return PricedBudget(counted[kind], 0.0)
    if asked.table is None:
        raise InputError(f"--budget-ms needs --table; measure one: edgenas profile {space.name}")
    name = asked.table.stem if asked.also else ""
    return table_cost(space, asked.table, asked.statistic, asked.unvalidated, asked.predict, asked.uncertainty, name)
