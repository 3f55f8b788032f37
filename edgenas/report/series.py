"""The latency tables of a report as series: predicted latency of blocks and networks per device and runtime."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from edgenas.base.errors import EdgenasError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.calibrated import CalibratedTable
from edgenas.latency_tables.imported import STATISTIC as MEAN
from edgenas.latency_tables.imported import ImportedTable
from edgenas.latency_tables.statistics.estimates import DEFAULT
from edgenas.latency_tables.store.journal import Journal
from edgenas.latency_tables.table import LatencyTable, void_rounds
from edgenas.latency_tables.validation import Validation, latest
from edgenas.profiler.verdict import Verdict
from edgenas.runs.gather import RunFiles

MANY = 0.5  #: share of discarded rounds from which on a table is marked as such


@dataclass(frozen=True)
class Series:
    """One table: a device and a runtime. ``index`` selects its colour; ``label`` is unique in the report."""

    index: int
    label: str
    path: Path
    table: LatencyTable | ImportedTable
    journal: Journal | None
    devices: tuple[str, ...]
    wanted: str | None = None  #: statistic of the whole report; None: the one that the validation found best

    @cached_property
    def validation(self) -> Validation | None:
        """Last complete validation of the table; None without one."""
        try:
            return None if self.journal is None else latest(self.journal.table, self.wanted)
        except EdgenasError:
            return None

    @cached_property
    def calibrated(self) -> CalibratedTable | None:
        if self.validation is None or isinstance(self.table, ImportedTable):
            return None
        return CalibratedTable(self.table, self.validation)

    @property
    def statistic(self) -> str:
        if isinstance(self.table, ImportedTable):
            return MEAN
        return (self.wanted or DEFAULT) if self.validation is None else self.validation.statistic

    @property
    def way(self) -> str:
        """What a block's time in a network is: its share of the whole, or its time by itself."""
        return "alone, not calibrated" if self.calibrated is None else "of the whole, calibrated"

    @cached_property
    def discarded(self) -> tuple[int, int]:
        """Number of rounds that drift voided, and of all rounds of the table."""
        if self.journal is None:
            return 0, 0
        return discarded_rounds(self.journal.table)

    @property
    def runtime(self) -> str:
        return "" if isinstance(self.table, ImportedTable) else self.table.setting.runtime

    @property
    def precision(self) -> str:
        return "" if isinstance(self.table, ImportedTable) else self.table.setting.precision

    @property
    def samples(self) -> int:
        """Number of timed runs in the table; 0 for an imported one."""
        if isinstance(self.table, ImportedTable):
            return 0
        return sum(m.samples for m in self.table.measurements)

    @property
    def fixed_ms(self) -> float:
        return 0.0 if self.calibrated is None else self.calibrated.fixed_ms

    @cached_property
    def _known(self) -> dict[tuple[BlockSpec, bool], float | None]:
        """Cache of latencies: figures need the same few blocks thousands of times."""
        return {}

    def alone_ms(self, block: BlockSpec) -> float | None:
        """Latency of a block measured alone, ms; None if it was not measured."""
        if (block, False) not in self._known:
            there = (
                block.kind == "skip" or (block,) in self.table
                if isinstance(self.table, LatencyTable)
                else not self.table.missing([block])
            )
            self._known[block, False] = self.table.ms(block, self.statistic) if there else None
        return self._known[block, False]

    def ms(self, block: BlockSpec) -> float | None:
        """Calibrated latency that a block adds to a network, ms; without a validation, as measured alone."""
        if self.calibrated is None:
            return self.alone_ms(block)
        if (block, True) not in self._known:
            there = not self.calibrated.missing([block])
            self._known[block, True] = self.calibrated.ms(block) if there else None
        return self._known[block, True]

    def total_ms(self, network: Architecture) -> float | None:
        """Predicted latency of a network, ms; None if one of its blocks was not measured."""
        times = [self.ms(block) for block in network.blocks]
        known = [ms for ms in times if ms is not None]
        return self.fixed_ms + sum(known) if len(known) == len(times) else None

    def interval(self, total_ms: float) -> tuple[float, float] | None:
        """95 % interval of a predicted latency, ms; None without a validation."""
        return None if self.calibrated is None else self.calibrated.interval(total_ms)


def discarded_rounds(table: LatencyTable) -> tuple[int, int]:
    """Return the number of rounds that drift voided, and of all rounds."""
    rounds: dict[str, int] = {}
    for m in table.measurements:
        if m.batch:
            rounds[m.batch] = min(rounds.get(m.batch, len(m.samples_ns)), len(m.samples_ns))
    voided = void_rounds(table.voids)
    return sum(sum(r < rounds[batch] for r in void) for batch, void in voided.items() if batch in rounds), sum(
        rounds.values()
    )


def discarded_text(voided: int, rounds: int) -> str:
    """Return how many rounds were discarded, for a table that lost more than MANY of them; '' for another."""
    return f"{voided} of {rounds} rounds discarded" if rounds and voided > MANY * rounds else ""


def report_statistic(material: RunFiles) -> str | None:
    """Return the one statistic of a report: that of its first search, else the best one by the first validation; None
    without either."""
    found = next((s.statistic for s in material.searches.values() if s.statistic), None)
    if found is not None:
        return found
    for journal in material.journals.values():
        try:
            proof = latest(journal.table)
        except EdgenasError:
            continue
        if proof is not None:
            return proof.statistic
    return None


def all_series(material: RunFiles) -> list[Series]:
    """Return one series per table, in order of file name, all in one statistic. A label says where most rounds of a
    table were discarded."""
    wanted = report_statistic(material)
    named: list[tuple[str, Path, LatencyTable | ImportedTable, Journal | None, tuple[str, ...]]] = []
    for path, journal in material.journals.items():
        setting = journal.table.setting
        devices = tuple(dict.fromkeys(m.device for m in journal.table.measurements if m.device))
        facts = dict(setting.device)
        what = facts.get("model") or facts.get("soc") or facts.get("cpu") or "device"
        who = "+".join(devices) or "device"
        label = f"{what if who == 'local' else who} · {setting.version.replace('_', ' ')}"
        if setting.nodes_total:
            label += f" · {setting.delegate}"
        if setting.precision != "fp32":
            label += f" · {setting.precision}"
        if lost := discarded_text(*discarded_rounds(journal.table)):
            label += f" · {lost}"
        named.append((label, path, journal.table, journal, devices))
    for path, imported in material.imported.items():
        named.append((f"{imported.source.device or 'published'} · {imported.source.format}", path, imported, None, ()))
    labels = [label for label, *_ in named]
    return [
        Series(
            i, label if labels.count(label) == 1 else f"{label} ({path.stem})", path, table, journal, devices, wanted
        )
        for i, (label, path, table, journal, devices) in enumerate(named)
    ]


def series_of(verdict: Verdict, series: Sequence[Series]) -> int | None:
    """Return the index of the series with the device, runtime and, if known, precision of a timed file, or None."""
    fits = [s.index for s in series if s.runtime == verdict.runtime and verdict.device in s.devices]
    if verdict.setting is not None:
        fits = [i for i in fits if series[i].precision == verdict.setting.precision]
    return fits[0] if fits else None


def known_blocks(series: Iterable[Series]) -> list[BlockSpec]:
    """Return every block of any table, each once, the slowest first."""
    order: dict[BlockSpec, float] = {}
    for one in series:
        for block in one.table.blocks:
            ms = one.alone_ms(block)
            order[block] = max(order.get(block, 0.0), ms or 0.0)
    return sorted(order, key=lambda block: -order[block])
