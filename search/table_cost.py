"""What a search minimises under: a cost and its budgets, from a table that has proved that its sums can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.errors import InputError, OutcomeError

if TYPE_CHECKING:
    from edgenas.blocks.architecture import Architecture
    from edgenas.blocks.spec import BlockSpec
    from edgenas.latency_tables.calibrated import CalibratedTable
    from edgenas.latency_tables.setting import Setting
    from edgenas.latency_tables.store.journal import Journal
    from edgenas.latency_tables.table import BlockEstimate
    from edgenas.search.problem import Cost
    from edgenas.search.space import Space


MEDIAN = "median"  #: the statistic of measured tables where no validation has chosen one
DEFAULT = "upper"  #: the uncertainty that keeps the budget without measuring again: tools/bench/budget_kept.py


@dataclass(frozen=True, slots=True)
class PricedBudget:
    """A cost, as it is expected; the interval of its predictions as a share, up and down, None where nothing was
    proved; the statistic of the table's samples, None where there is no table; which blocks were ``predicted`` instead
    of measured; ``at`` a budget, the cost that counts against it, by ``uncertainty``; the ``way`` that blocks are
    measured in."""

    cost: Cost
    error_share: float | None = None
    statistic: str | None = None
    notes: tuple[str, ...] = ()
    predicted: Callable[[Iterable[BlockSpec]], Sequence[BlockSpec]] = lambda blocks: ()
    uncertainty: str | None = None
    counted: Callable[[float], Cost] | None = None
    way: BlockEstimate = "alone"

    def at(self, budget: float) -> Cost:
        """The cost that counts against ``budget``."""
        return self.cost if self.counted is None else self.counted(budget)


def table_cost(
    space: Space,
    path: Path,
    statistic: str | None,
    unvalidated: bool,
    predict: bool = False,
    uncertainty: str | None = None,
    name: str = "",
) -> PricedBudget:
    """Milliseconds by the table at ``path``; of ``statistic``, or of the one its validation found best. OutcomeError
    where it was never validated and ``unvalidated`` does not say to use it all the same, or where overhead dominates
    it; InputError where it lacks blocks. With ``predict``, blocks it lacks are predicted from those it has. How sure it
    is counts by ``uncertainty`` (``edgenas.search.uncertainty``; the default is DEFAULT, for imported tables
    'mean')."""
    from edgenas.latency_tables.imported import STATISTIC as MEAN
    from edgenas.latency_tables.quality import check_growth
    from edgenas.latency_tables.store.journal import read_journal
    from edgenas.latency_tables.store.open import is_imported, open_table
    from edgenas.latency_tables.table import LatencyTable
    from edgenas.search.cost import latency_cost
    from edgenas.search.uncertainty import counted

    imported = is_imported(path)
    how = uncertainty or ("mean" if imported else DEFAULT)
    if imported and how != "mean":
        raise InputError(f"{path} was imported, without intervals: --uncertainty {how} needs a table measured here")
    if unvalidated and predict:
        raise InputError("--predict takes a table that was validated: leave out --unvalidated")
    if unvalidated:
        opened, named = open_table(path), statistic or (MEAN if imported else MEDIAN)
        cost = latency_cost(opened, named, space.blocks(), name=name)
        check_growth(opened, named, str(path))

        def high_ms(block: BlockSpec) -> float:
            assert isinstance(opened, LatencyTable)
            return opened.interval(block, named, 0.90)[1]  # its end is the upper 95 % bound

        return PricedBudget(cost, None, named, uncertainty=how, counted=counted(how, space, cost, high_ms))
    if imported:
        raise OutcomeError(
            f"{path} was imported: nothing proves that its sums predict networks on your device; measure a table of "
            f"your own (edgenas profile {space.name}), or search it all the same: --unvalidated"
        )
    journal = read_journal(path)
    calibrated, notes = _validated(journal, path, space.name, statistic, predict)
    missing = calibrated.missing(space.blocks())
    if missing and not predict and not journal.table.missing(space.blocks()):
        raise OutcomeError(
            f"by the validation of {path}, blocks are to be measured inside chains on this device, and {len(missing)} "
            f"are not; type: edgenas profile {space.name} --chains -o {path}"
        )
    used = calibrated.validation.statistic
    cost = latency_cost(calibrated, used, space.blocks(), calibrated.fixed_ms, name)
    check_growth(journal.table, used, str(path))
    at = counted(how, space, cost, calibrated.upper_ms)
    return PricedBudget(
        cost, calibrated.error_share, used, notes, calibrated.predicted, how, at, calibrated.validation.way
    )


def _validated(
    journal: Journal, path: Path, space: str, statistic: str | None, predict: bool
) -> tuple[CalibratedTable, tuple[str, ...]]:
    """The table of ``journal`` by its last validation, on ``space`` where there is one, and what to know about that.
    OutcomeError where it has none."""
    from edgenas.latency_tables.calibrated import CalibratedTable
    from edgenas.latency_tables.statistics.estimates import check_statistic
    from edgenas.latency_tables.validation import latest

    if statistic is not None:
        check_statistic(statistic)
    found = latest(journal, statistic, space)
    if found is None:
        raise OutcomeError(
            f"{path} was never validated: nothing proves that sums of its blocks predict networks on this device; "
            f"type: edgenas table validate {path} --space {space}   (or search it all the same: --unvalidated)"
        )
    notes = []
    precision = journal.table.setting.precision
    if precision != "fp32":
        notes.append(
            f"{path} is of {precision} blocks: its times hold for files of edgenas export --precision {precision}"
        )
    if found.held_out.space != space:
        notes.append(f"{path} was validated on networks of {found.held_out.space}, not of {space}")
    if found.since is not None and not 0.95 <= found.since[0] <= 1.05:
        notes.append(
            f"{path}: when it was validated the device took {1 / found.since[0]:.2f} times as long for a block as when "
            "it was measured; measure it again to predict what holds now"
        )
    mape = found.chosen.calibrated.mape
    if mape > 0.1:
        notes.append(f"{path}: sums of blocks miss whole networks by {mape:.0%} on average here")
    return CalibratedTable(journal.table, found, predict), tuple(notes)


def prediction(path: Path, architecture: Architecture, statistic: str | None) -> tuple[Setting, str, float]:
    """The setting of the table at ``path``, and the statistic and the milliseconds that it predicts for a network,
    calibrated where it was validated."""
    from edgenas.latency_tables.calibrated import CalibratedTable
    from edgenas.latency_tables.store.journal import read_journal
    from edgenas.latency_tables.validation import latest

    journal = read_journal(path)
    found = latest(journal, statistic)
    if found is None:
        named = statistic or MEDIAN
        return journal.table.setting, named, journal.table.total_ms(architecture, named)
    return journal.table.setting, found.statistic, CalibratedTable(journal.table, found).total_ms(architecture)
