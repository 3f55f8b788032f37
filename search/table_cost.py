"""The latency cost of a search, from a table that its validation permits (``edgenas.latency_tables.gate``), and the
cost that is compared with a budget.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgenas.base.errors import InputError

if TYPE_CHECKING:
    from edgenas.blocks.spec import BlockSpec
    from edgenas.latency_tables.gate import TableOrPath
    from edgenas.latency_tables.table import BlockEstimate
    from edgenas.search.problem import Cost
    from edgenas.search.space import Space


@dataclass(frozen=True, slots=True, repr=False)
class PricedCost:
    """A cost, and the cost that counts against a budget.

    cost          the expected cost of networks
    error_share   half-width of the 95 % interval of a predicted cost, as a share of it; None without a validation
    statistic     statistic of the table's samples; None without a table
    notes         notes about the table, for the user
    predicted     function that returns those of some blocks that were predicted instead of measured
    uncertainty   policy that ``at`` counts by (``edgenas.search.uncertainty``); None without a table
    counted       budget -> the cost that counts against it; None where that is ``cost``
    way           how the table's blocks are measured
    """

    cost: Cost
    error_share: float | None = None
    statistic: str | None = None
    notes: tuple[str, ...] = ()
    predicted: Callable[[Iterable[BlockSpec]], Sequence[BlockSpec]] = lambda blocks: ()
    uncertainty: str | None = None
    counted: Callable[[float], Cost] | None = None
    way: BlockEstimate = "alone"

    def __repr__(self) -> str:
        how = "" if self.statistic is None else f", {self.statistic}, counted by {self.uncertainty}"
        return f"<PricedCost in {self.cost.unit}{how}>"

    def at(self, budget: float) -> Cost:
        """Return the cost that counts against ``budget``."""
        return self.cost if self.counted is None else self.counted(budget)


def table_cost(
    space: Space,
    table: TableOrPath,
    statistic: str | None = None,
    unvalidated: bool = False,
    predict: bool = False,
    uncertainty: str | None = None,
    name: str = "",
    *,
    measured_again: bool = False,
) -> PricedCost:
    """Return the cost in milliseconds by a table, given as an object or as the path of its file.

    The table must pass the gate ``edgenas.latency_tables.gate.searchable``, which defines the errors and ``statistic``,
    ``unvalidated`` and ``predict``. ``uncertainty`` is the policy for the intervals of blocks: 'mean', 'upper' or
    'rss'. The default is ``edgenas.search.uncertainty.DEFAULT``, or MEASURED_AGAIN where the result of the search is
    measured again before it is accepted (``measured_again``), and for tables that were fitted to whole networks; for
    imported tables, which have no intervals, 'mean'. ``name`` is the device, where there are several.
    """
    from edgenas.latency_tables.gate import searchable
    from edgenas.search.cost import latency_cost
    from edgenas.search.uncertainty import DEFAULT, MEASURED_AGAIN, check_uncertainty, counted

    if uncertainty is not None:
        check_uncertainty(uncertainty)
    found = searchable(table, space.name, space.blocks(), statistic=statistic, unvalidated=unvalidated, predict=predict)
    default = MEASURED_AGAIN if measured_again else DEFAULT
    if found.fitted:
        default = MEASURED_AGAIN  # errors of its blocks have both signs in every network: their sum is known better
    how = uncertainty or ("mean" if found.imported else default)
    if found.imported and how != "mean":
        raise InputError(
            f"{found.label} was imported, without intervals: --uncertainty {how} (in Python: uncertainty={how!r}) "
            "needs a table measured here"
        )
    cost = latency_cost(found, space.blocks(), found.fixed_ms, name)
    at = counted(how, space, cost, found.upper_ms)
    return PricedCost(cost, found.error_share, found.statistic, found.notes, found.predicted, how, at, found.way)
