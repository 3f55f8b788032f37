"""``edgenas.open_table`` and Table: one latency table, measured or imported."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.api.shown import FilePath, html_table, number
from edgenas.base.counted import counted
from edgenas.blocks.spec import BlockSpec

if TYPE_CHECKING:
    import pandas as pd

    from edgenas.latency_tables.imported import ImportedTable
    from edgenas.latency_tables.quality import Growth
    from edgenas.latency_tables.store.journal import Journal
    from edgenas.latency_tables.table import LatencyTable
    from edgenas.latency_tables.validation import Validation
    from edgenas.report.pictures import Svg
    from edgenas.search.space import Space

_SHOWN = ("block", "macs", "min_ms", "median_ms", "p90_ms", "mean_ms", "spread", "samples")  #: in a notebook


@dataclass(frozen=True, repr=False, eq=False)
class Table:
    """The latency table in the file ``path``, with the content that it had when it was opened.

    data       the table: a ``LatencyTable`` of raw samples, or an ``ImportedTable`` of published means
    journal    the whole file of a measured table, with its validations; None for an imported table
    """

    path: Path
    data: LatencyTable | ImportedTable
    journal: Journal | None

    @property
    def kind(self) -> str:
        """Kind of the table: 'measured' or 'imported'."""
        return "imported" if self.journal is None else "measured"

    @property
    def blocks(self) -> tuple[BlockSpec, ...]:
        """All blocks of the table."""
        return self.data.blocks

    @property
    def validated(self) -> bool:
        """Return True where the table has a validation: a measurement of how well sums of blocks predict networks."""
        return self.validation is not None

    @cached_property
    def validation(self) -> Validation | None:
        """The last complete validation; None where there is none."""
        from edgenas.latency_tables.validation import latest

        return None if self.journal is None else latest(self.journal.table)

    @property
    def setting(self) -> dict[str, Any]:
        """Setting of the table (device, runtime, precision, threads, cores); for an imported table, its source."""
        if self.journal is not None:
            return self.journal.table.setting.as_dict()
        return self._imported.source.as_dict()

    @cached_property
    def quality(self) -> Growth:
        """Growth of latency with the MACs of blocks, which shows whether overhead dominates the table."""
        from edgenas.latency_tables.quality import growth

        return growth(self.data, self.statistic)

    @property
    def sorted_by(self) -> str:
        """Statistic that rows are sorted by: 'min'; for an imported table, 'mean'."""
        from edgenas.latency_tables.imported import STATISTIC

        return STATISTIC if self.journal is None else "min"

    @property
    def statistic(self) -> str:
        """Statistic that predicts networks: that of the validation, else 'median'; for an imported table, 'mean'."""
        from edgenas.latency_tables.imported import STATISTIC
        from edgenas.latency_tables.statistics.estimates import DEFAULT

        if self.journal is None:
            return STATISTIC
        return DEFAULT if self.validation is None else self.validation.statistic

    def missing(self, space: Space | Iterable[BlockSpec]) -> tuple[BlockSpec, ...]:
        """Return those blocks of a space, or of a list of blocks, that the table lacks."""
        from edgenas.search.space import Space

        return self.data.missing(space.blocks() if isinstance(space, Space) else space)

    def rows(self) -> list[dict[str, Any]]:
        """Return a dictionary for each block, slowest first, as in ``to_frame()``; a missing value is None."""
        ordered = self.to_frame().sort_values(f"{self.sorted_by}_ms", ascending=False, kind="stable").astype(object)
        records = ordered.where(ordered.notna(), None).to_dict("records")
        return [{str(name): value for name, value in row.items()} for row in records]

    def to_json(self) -> dict[str, Any]:
        """Return what ``edgenas table show --json`` prints."""
        if self.journal is None:
            source = self._imported
            head: dict[str, Any] = {"kind": "imported", "source": source.source.as_dict(), "created": source.created}
        else:
            proof = self.validation
            head = {
                "kind": "measured",
                "validation": None if proof is None else proof.as_dict(),
                "setting": self.setting,
                "created": self.journal.created,
            }
        return {**head, "quality": self.quality.as_dict(), "blocks": self.rows()}

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame with a row for each block: its fields, its costs, and its statistics in ms."""
        return self.data.to_frame()

    def plot(self) -> Svg:
        """Return an SVG figure, which notebooks show: one dot for each block, at its latency in ms."""
        from edgenas.report.pictures import table_figure

        statistic = self.statistic
        ms: list[float | None] = [self.data.ms(block, statistic) for block in self.blocks]
        return table_figure(f"{self.path.name}: {statistic}", [str(b) for b in self.blocks], {statistic: ms})

    @property
    def _imported(self) -> ImportedTable:
        from edgenas.latency_tables.imported import ImportedTable

        assert isinstance(self.data, ImportedTable)
        return self.data

    def _about(self) -> str:
        if self.journal is None:
            source = self._imported.source
            return f"Table {self.path}: {len(self.blocks)} blocks of {source.device}, imported from {source.file}"
        setting = self.journal.table.setting
        device = dict(setting.device).get("model") or dict(setting.device).get("cpu") or "unknown device"
        summary = f"{counted(len(self.blocks), 'block')} of {device}, {setting.runtime} {setting.precision}"
        proof = self.validation
        if proof is None:
            return f"Table {self.path}: {summary}, not validated"
        within = number(100 * proof.error_share())
        return f"Table {self.path}: {summary}, validated on {proof.held_out.space} within {within} %"

    def __repr__(self) -> str:
        return f"<{self._about()}>"

    def _repr_html_(self) -> str:
        rows = self.rows()
        return html_table(self._about(), rows, [name for name in _SHOWN if rows and name in rows[0]])


def open_table(path: FilePath | Table) -> Table:
    """Open a latency table, measured or imported, as ``edgenas table show`` does.

    InputError for a damaged file; its message names the line, the error and the remedy.

        edgenas.open_table("pi4-litert.jsonl").to_frame()
    """
    from edgenas.latency_tables.imported import read_imported
    from edgenas.latency_tables.store.journal import read_journal
    from edgenas.latency_tables.store.open import is_imported

    if isinstance(path, Table):
        return path
    path = Path(path)
    if is_imported(path):
        return Table(path, read_imported(path), None)
    journal = read_journal(path)
    return Table(path, journal.table, journal)
