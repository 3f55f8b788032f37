"""Costs that are compared with a budget: only here do functions of ``edgenas`` turn a latency table into costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.api.shown import FilePath

if TYPE_CHECKING:
    from edgenas.api.table import Table
    from edgenas.blocks.architecture import Architecture
    from edgenas.latency_tables.gate import TableOrPath
    from edgenas.latency_tables.setting import Setting
    from edgenas.search.budgets import BudgetRequest, Budgets
    from edgenas.search.space import Space
    from edgenas.search.table_cost import PricedCost


def table_path(table: FilePath | Table) -> Path:
    """Return the file of a table."""
    return Path(table) if isinstance(table, str | Path) else table.path


def table_source(table: FilePath | Table) -> TableOrPath:
    """Return the path of a table; or the opened table with its path as its label, which is not read again."""
    from edgenas.latency_tables.gate import Named

    return Path(table) if isinstance(table, str | Path) else Named(table.data, str(table.path), str(table.path))


def limit_texts(limits: Mapping[FilePath, float] | Sequence[str]) -> tuple[str, ...]:
    """Return limits on costs of the user's own as texts FILE=MOST."""
    if isinstance(limits, Mapping):
        return tuple(f"{path}={most}" for path, most in limits.items())
    return tuple(map(str, limits))


def budgets_of(request: BudgetRequest, space: Space) -> Budgets:
    """Return the costs, budgets and limits of a search; OutcomeError where a table is not validated."""
    from edgenas.search.budgets import open_budgets

    return open_budgets(request, space)


def priced(space: Space, table: FilePath | Table, statistic: str | None, unvalidated: bool) -> PricedCost:
    """Return the latency cost (ms) of a table; OutcomeError where it is not validated, unless ``unvalidated``."""
    from edgenas.search.table_cost import table_cost

    return table_cost(space, table_source(table), statistic, unvalidated)


def predicted(
    table: FilePath | Table, network: Architecture, statistic: str | None
) -> tuple[Setting | None, str, float]:
    """Return a table's setting (None of an imported one), the statistic, and the latency of a network in ms."""
    from edgenas.latency_tables.gate import prediction

    return prediction(table_source(table), network, statistic)
