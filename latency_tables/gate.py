"""Check of a table before a search: the validation that a table needs before its sums may predict networks, and the
form in which they then do.

A measured table is used as its last validation prescribes: its statistic, its way to estimate blocks, calibrated, with
the 95 % interval for a further network. A table that was never validated is refused, and so is one in which overhead
dominates. ``unvalidated`` uses a table without any proof, imported or measured.

Every prediction of a network from a table passes this module: those of the command line, of reports, and of programs
that use this package (``edgenas.search.table_cost`` for a search, ``prediction`` for one network).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgenas.base.counted import counted
from edgenas.base.errors import InputError, OutcomeError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.apart import difference, in_size_option
from edgenas.latency_tables.calibrated import TWO_SIDED, CalibratedTable
from edgenas.latency_tables.imported import STATISTIC as MEAN
from edgenas.latency_tables.imported import ImportedTable
from edgenas.latency_tables.quality import check_growth
from edgenas.latency_tables.setting import Setting
from edgenas.latency_tables.statistics.estimates import DEFAULT, check_statistic
from edgenas.latency_tables.store.journal import Journal
from edgenas.latency_tables.store.open import open_table
from edgenas.latency_tables.table import BlockEstimate, LatencyTable
from edgenas.latency_tables.validation import Validation, latest
from edgenas.latency_tables.whole import LEAST, error_share, mean_error

UNVALIDATED = "--unvalidated (in Python: unvalidated=True)"
NOTED_MAPE = 0.1  #: mean relative error of calibrated sums above which a note warns


@dataclass(frozen=True)
class Named:
    """An open table, its name in messages (``label``), and its file name in suggested commands."""

    table: LatencyTable | ImportedTable
    label: str
    file: str


#: a table, alone or with its label, or the file it is in
TableOrPath = str | Path | LatencyTable | ImportedTable | Journal | Named


@dataclass(frozen=True, repr=False)
class Searchable:
    """A table that may be searched, with one statistic; times are milliseconds.

    calibrated   the table as its validation prescribes it; None where it is used unvalidated, and for a fitted table
    proved       whether a fitted table is used by its error on networks left out
    notes        warnings for users of its predictions
    """

    table: LatencyTable | ImportedTable
    label: str
    statistic: str
    calibrated: CalibratedTable | None = None
    notes: tuple[str, ...] = ()
    proved: bool = False

    def __repr__(self) -> str:
        how = "unvalidated" if self.calibrated is None else "calibrated"
        return f"<Searchable, {how}, {self.statistic}: {self.table!r}>"

    @property
    def imported(self) -> bool:
        """Return whether the table holds means without samples and intervals."""
        return isinstance(self.table, ImportedTable) and not self.table.networks

    @property
    def fitted(self) -> bool:
        """Return whether the table was fitted to whole networks, so that errors of its blocks cancel in sums."""
        return isinstance(self.table, ImportedTable) and bool(self.table.networks)

    @property
    def fixed_ms(self) -> float:
        """Time that every network takes in addition to its blocks, ms; may be negative."""
        return 0.0 if self.calibrated is None else self.calibrated.fixed_ms

    @property
    def error_share(self) -> float | None:
        """Relative half-width of a prediction's 95 % interval; None without a validation. Of a fitted table, it is that
        of the networks left out."""
        if isinstance(self.table, ImportedTable) and self.proved:
            return error_share(self.table.networks)
        return None if self.calibrated is None else self.calibrated.error_share

    @property
    def way(self) -> BlockEstimate:
        """Way in which the time of a block is estimated."""
        return "alone" if self.calibrated is None else self.calibrated.validation.way

    def ms(self, block: BlockSpec) -> float:
        """Return the time that a block adds to a network, ms; InputError for a block that the table lacks."""
        return self.table.ms(block, self.statistic) if self.calibrated is None else self.calibrated.ms(block)

    def upper_ms(self, block: BlockSpec) -> float:
        """Return the upper 95 % bound of a block's contribution, ms; InputError for imported tables, which have no
        intervals."""
        if self.calibrated is not None:
            return self.calibrated.upper_ms(block)
        if isinstance(self.table, ImportedTable):
            if not self.fitted:
                raise InputError(f"{self.label} was imported, without intervals: measure a table of your own")
            return self.table.interval(block)[1]
        return self.table.interval(block, self.statistic, TWO_SIDED)[1]

    def missing(self, blocks: Iterable[BlockSpec]) -> Sequence[BlockSpec]:
        """Return those of ``blocks`` that have no time in this table, measured or predicted."""
        return (self.table if self.calibrated is None else self.calibrated).missing(blocks)

    def predicted(self, blocks: Iterable[BlockSpec]) -> Sequence[BlockSpec]:
        """Return those of ``blocks`` whose times are predicted from other blocks, not measured."""
        return () if self.calibrated is None else self.calibrated.predicted(blocks)


def named(source: TableOrPath) -> Named:
    """Return the table of a path or of an open table; InputError for a file that is not a table."""
    if isinstance(source, Named):
        return source
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
    """Return a table in the form in which a search over ``blocks`` of the space named ``space`` may use it.

    Its statistic is ``statistic``, or by default the best one of its validation; unvalidated, the median of a measured
    table and the mean of an imported one. With ``predict``, blocks that were not measured are predicted from those that
    were; a table with a prior predicts them from its prior. InputError where blocks are missing; OutcomeError where the
    table has no validation and ``unvalidated`` is false, or where overhead dominates it.
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
    grows = check_growth(given.table, found.statistic, given.label)
    # a validation proves more than this check: the doubt counts where there is none
    return replace(found, notes=(*found.notes, f"{given.label}: {grows}")) if unvalidated and grows.doubt else found


def prediction(
    source: TableOrPath, architecture: Architecture, statistic: str | None = None
) -> tuple[Setting | None, str, float]:
    """Return (setting, statistic, predicted ms) of a network by a table, calibrated where the table was validated. An
    imported table has no setting and no statistic but the mean."""
    table = named(source).table
    if isinstance(table, ImportedTable):
        return None, MEAN, table.total_ms(architecture)
    found = latest(table, statistic)
    if found is None:
        by = statistic or DEFAULT
        return table.setting, by, table.total_ms(architecture, by)
    return table.setting, found.statistic, CalibratedTable(table, found).total_ms(architecture)


def _proved(given: Named, space: str, statistic: str | None, predict: bool) -> Searchable:
    """Return the table in the form of its last validation, of one on ``space`` if there is any; OutcomeError where it
    has none."""
    table, label = given.table, given.label
    if isinstance(table, ImportedTable):
        if len(table.networks) >= LEAST:
            return _fitted(given, table, space, statistic, predict)
        raise OutcomeError(
            f"{label} was imported: nothing proves that its sums predict networks on your device; measure a table of "
            f"your own (edgenas profile {space}), or search it without a validation: {UNVALIDATED}"
        )
    if statistic is not None:
        check_statistic(statistic)
    found = latest(table, statistic, space)
    if found is None:
        raise OutcomeError(
            f"{label} was never validated: nothing proves that sums of its blocks predict networks on this device; "
            f"type: edgenas table validate {given.file} --space {space}   (or search it without one: {UNVALIDATED})"
        )
    return Searchable(
        table, label, found.statistic, CalibratedTable(table, found, predict), _notes(table, label, found, space)
    )


def _fitted(given: Named, table: ImportedTable, space: str, statistic: str | None, predict: bool) -> Searchable:
    """Return a table that was fitted to whole networks, with the error of the networks left out as its proof."""
    if predict:
        raise InputError(f"{given.label} was fitted to whole networks and lacks no block that could be predicted")
    of, error = table.source.space, mean_error(table.networks)
    estimates = f"all are estimates from {counted(len(table.networks), 'whole network')}"
    missed = f"sums miss networks left out by {error:.1%} on average"
    notes = [f"{given.label}: no block was timed alone; {estimates}, and {missed}"]
    if of != space:
        notes.append(f"{given.label} was fitted to networks of {of}, not of {space}")
    return Searchable(table, given.label, statistic or MEAN, None, tuple(notes), proved=True)


def _notes(table: LatencyTable, label: str, found: Validation, space: str) -> tuple[str, ...]:
    """Return warnings about precision, another space, drift since the table was measured, and large errors."""
    notes = []
    if table.prior is not None:
        notes.append(
            f"{label}: {len(table.blocks)} blocks are measured, and all others are predicted from them and from "
            f"{table.prior.file} ({table.prior.device}, {counted(len(table.prior.ms), 'block')})"
        )
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
        notes.append(f"{label}: sums of blocks miss whole networks by {mape:.0%} on average on this device")
    return tuple(notes)


def _check_missing(found: Searchable, given: Named, space: str, blocks: Sequence[BlockSpec], predict: bool) -> None:
    """Refuse a table that lacks a block: OutcomeError where only chains are missing, InputError otherwise."""
    missing = found.missing(blocks)
    if not missing:
        return
    if found.calibrated is not None and not predict and not given.table.missing(blocks):
        raise OutcomeError(
            f"by the validation of {given.label}, blocks are to be measured inside chains on this device, and "
            f"{len(missing)} are not; type: edgenas profile {space} --chains -o {given.file}"
        )
    wanted = [block for block in blocks if block.kind != "skip"]
    apart = difference(found.table.blocks, wanted, space)
    size = in_size_option(wanted, space) if apart else ""
    raise InputError(
        f"{given.label}: {apart and apart + ': '}the table lacks {len(missing)} of {len(wanted)} blocks, such as "
        f"{missing[0]}: profile them first (edgenas profile {space}{size} -o {given.file})"
    )
