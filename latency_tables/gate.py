"""The gate: what a table must have proved before its sums may predict networks, and how they are used then.

A measured table is used as its last validation says: that statistic, that way to estimate blocks, calibrated, with the
interval in which a further network is measured 95 times in 100. A table that was never validated is refused, and so is
one in which overhead dominates. ``unvalidated`` uses a table as it is, imported or measured, and proves nothing.

Everything that predicts networks from a table passes here: the command line, reports, and programs that use this
package (``edgenas.search.table_cost`` for a search, ``prediction`` for one network).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgenas.base.errors import InputError, OutcomeError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.calibrated import TWO_SIDED, CalibratedTable
from edgenas.latency_tables.imported import STATISTIC as MEAN
from edgenas.latency_tables.imported import ImportedTable
from edgenas.latency_tables.quality import check_growth
from edgenas.latency_tables.setting import Setting
from edgenas.latency_tables.statistics.estimates import DEFAULT, check_statistic
from edgenas.latency_tables.store.journal import Journal, read_journal
from edgenas.latency_tables.store.open import open_table
from edgenas.latency_tables.table import BlockEstimate, LatencyTable
from edgenas.latency_tables.validation import Validation, latest

#: a table, or the file it is in
TableOrPath = str | Path | LatencyTable | ImportedTable | Journal

UNVALIDATED = "--unvalidated (in Python: unvalidated=True)"
NOTED_MAPE = 0.1  #: mean error of calibrated sums from which on a note says so


@dataclass(frozen=True)
class Named:
    """An open table, what messages call it, and the file that commands to type name."""

    table: LatencyTable | ImportedTable
    label: str
    file: str


@dataclass(frozen=True, repr=False)
class Searchable:
    """A table that may be searched, by one statistic; times are milliseconds.

    calibrated   the table as its validation says to use it; None where it is used as it is
    notes        what to know before its predictions are used
    """

    table: LatencyTable | ImportedTable
    label: str
    statistic: str
    calibrated: CalibratedTable | None = None
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        how = "unvalidated" if self.calibrated is None else "calibrated"
        return f"<Searchable, {how}, {self.statistic}: {self.table!r}>"

    @property
    def imported(self) -> bool:
        """Whether the table holds published means, without samples and intervals."""
        return isinstance(self.table, ImportedTable)

    @property
    def fixed_ms(self) -> float:
        """What every network takes beside its blocks; may be negative."""
        return 0.0 if self.calibrated is None else self.calibrated.fixed_ms

    @property
    def error_share(self) -> float | None:
        """What a prediction may be off, up and down, 95 times in 100; None where nothing proves it."""
        return None if self.calibrated is None else self.calibrated.error_share

    @property
    def way(self) -> BlockEstimate:
        """How blocks are measured."""
        return "alone" if self.calibrated is None else self.calibrated.validation.way

    def ms(self, block: BlockSpec) -> float:
        """What a block adds to a network; InputError for one the table lacks."""
        return self.table.ms(block, self.statistic) if self.calibrated is None else self.calibrated.ms(block)

    def upper_ms(self, block: BlockSpec) -> float:
        """Upper 95 % bound of what a block adds; InputError for imported tables, which have no intervals."""
        if self.calibrated is not None:
            return self.calibrated.upper_ms(block)
        if isinstance(self.table, ImportedTable):
            raise InputError(f"{self.label} was imported, without intervals: measure a table of your own")
        return self.table.interval(block, self.statistic, TWO_SIDED)[1]

    def missing(self, blocks: Iterable[BlockSpec]) -> Sequence[BlockSpec]:
        """Those of ``blocks`` it can say nothing of."""
        return (self.table if self.calibrated is None else self.calibrated).missing(blocks)

    def predicted(self, blocks: Iterable[BlockSpec]) -> Sequence[BlockSpec]:
        """Those of ``blocks`` that were not measured but predicted from others."""
        return () if self.calibrated is None else self.calibrated.predicted(blocks)


def named(source: TableOrPath) -> Named:
    """Return the table of a file or of a value; InputError for a file that is no table."""
    if isinstance(source, str | Path):
        return Named(open_table(source), str(source), str(source))
    if isinstance(source, Journal):
        source = source.table
    if not isinstance(source, LatencyTable | ImportedTable):
        raise InputError(
            f"a {type(source).__name__} is not a latency table: give the path of its file, or open_table(path)"
        )
    return Named(source, repr(source), "TABLE.jsonl")


def searchable(
    source: TableOrPath,
    space: str,
    blocks: Sequence[BlockSpec],
    *,
    statistic: str | None = None,
    unvalidated: bool = False,
    predict: bool = False,
) -> Searchable:
    """Return a table as a search over ``blocks`` of the space named ``space`` may use it.

    It is of ``statistic``, or of the one that its validation found best; without a validation of the median, for
    imported tables of the mean. With ``predict``, blocks that were not measured are predicted from those that were.
    InputError where blocks lack; OutcomeError where nothing proves the table and it is not to be used ``unvalidated``,
    or where overhead dominates it.
    """
    given = named(source)
    if unvalidated and predict:
        raise InputError(f"predicting blocks (--predict) takes a table that was validated: leave out {UNVALIDATED}")
    if unvalidated:
        default = MEAN if isinstance(given.table, ImportedTable) else DEFAULT
        found = Searchable(given.table, given.label, statistic or default)
    else:
        found = _proved(given, space, statistic, predict)
    _check_missing(found, given, space, blocks, predict)
    check_growth(given.table, found.statistic, given.label)
    return found


def prediction(
    source: TableOrPath, architecture: Architecture, statistic: str | None = None
) -> tuple[Setting, str, float]:
    """Return the setting of a measured table, and the statistic and the milliseconds that it predicts for a network,
    calibrated where it was validated. InputError for an imported table."""
    table = read_journal(source).table if isinstance(source, str | Path) else named(source).table
    if isinstance(table, ImportedTable):
        raise InputError(f"{table!r} was imported: it has no setting that a measurement could be compared in")
    found = latest(table, statistic)
    if found is None:
        by = statistic or DEFAULT
        return table.setting, by, table.total_ms(architecture, by)
    return table.setting, found.statistic, CalibratedTable(table, found).total_ms(architecture)


def _proved(given: Named, space: str, statistic: str | None, predict: bool) -> Searchable:
    """The table by its last validation, on ``space`` where there is one; OutcomeError where it has none."""
    table, label = given.table, given.label
    if isinstance(table, ImportedTable):
        raise OutcomeError(
            f"{label} was imported: nothing proves that its sums predict networks on your device; measure a table of "
            f"your own (edgenas profile {space}), or search it all the same: {UNVALIDATED}"
        )
    if statistic is not None:
        check_statistic(statistic)
    found = latest(table, statistic, space)
    if found is None:
        raise OutcomeError(
            f"{label} was never validated: nothing proves that sums of its blocks predict networks on this device; "
            f"type: edgenas table validate {given.file} --space {space}   (or search it all the same: {UNVALIDATED})"
        )
    return Searchable(
        table, label, found.statistic, CalibratedTable(table, found, predict), _notes(table, label, found, space)
    )


def _notes(table: LatencyTable, label: str, found: Validation, space: str) -> tuple[str, ...]:
    notes = []
    precision = table.setting.precision
    if precision != "fp32":
        notes.append(
            f"{label} is of {precision} blocks: its times hold for files of edgenas export --precision {precision}"
        )
    if found.held_out.space != space:
        notes.append(f"{label} was validated on networks of {found.held_out.space}, not of {space}")
    if found.since is not None and not 0.95 <= found.since[0] <= 1.05:
        notes.append(
            f"{label}: when it was validated the device took {1 / found.since[0]:.2f} times as long for a block as "
            "when it was measured; measure it again to predict what holds now"
        )
    mape = found.chosen.calibrated.mape
    if mape > NOTED_MAPE:
        notes.append(f"{label}: sums of blocks miss whole networks by {mape:.0%} on average here")
    return tuple(notes)


def _check_missing(found: Searchable, given: Named, space: str, blocks: Sequence[BlockSpec], predict: bool) -> None:
    missing = found.missing(blocks)
    if not missing:
        return
    if found.calibrated is not None and not predict and not given.table.missing(blocks):
        raise OutcomeError(
            f"by the validation of {given.label}, blocks are to be measured inside chains on this device, and "
            f"{len(missing)} are not; type: edgenas profile {space} --chains -o {given.file}"
        )
    wanted = [block for block in blocks if block.kind != "skip"]
    raise InputError(
        f"{given.label}: the table lacks {len(missing)} of {len(wanted)} blocks, such as {missing[0]}: profile them "
        f"first (edgenas profile {space} -o {given.file})"
    )
