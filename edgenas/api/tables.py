"""``edgenas.check`` and ``edgenas.diff``: compare a table with a space, and two tables with each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgenas.api.gate import table_source
from edgenas.api.named import space_text
from edgenas.api.shown import FilePath, frame, html_table, number
from edgenas.api.spaces import space as space_of
from edgenas.api.table import Table, open_table
from edgenas.base.counted import counted
from edgenas.base.errors import InputError, OutcomeError
from edgenas.blocks.size import SizesLike
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.statistics.estimates import DEFAULT
from edgenas.search.space import Space

if TYPE_CHECKING:
    import pandas as pd

    from edgenas.latency_tables.comparison import Comparison
    from edgenas.latency_tables.table import LatencyTable


@dataclass(frozen=True, repr=False)
class TableCheck:
    """Comparison of a table with a space: ``missing`` are the blocks of the space that the table lacks."""

    table: Table
    space: Space
    missing: tuple[BlockSpec, ...]
    profile_command: str  #: command that measures the missing blocks

    def check(self) -> None:
        """Raise OutcomeError where blocks are missing, or where overhead dominates the table."""
        from edgenas.latency_tables.quality import check_growth

        if self.missing:
            lacking = f"{len(self.missing)} of {len(self.space.blocks())} blocks of {self.space.name} are not"
            if self.table.kind == "imported":
                raise OutcomeError(f"{lacking} in what {self.table.path} was imported from")
            raise OutcomeError(f"{lacking} measured; type: {self.profile_command}")
        check_growth(self.table.data, self.table.statistic, str(self.table.path))

    def to_json(self) -> dict[str, Any]:
        """Return what ``edgenas table check --json`` prints."""
        return {
            "space": self.space.name,
            "imported": self.table.kind == "imported",
            "blocks": len(self.space.blocks()),
            "missing": [str(block) for block in self.missing],
            "quality": self.table.quality.as_dict(),
        }

    def __repr__(self) -> str:
        present = f"{len(self.space.blocks()) - len(self.missing)} of {len(self.space.blocks())} blocks"
        return f"<{self.table.path}: {present} of {self.space.name}; {self.table.quality}>"


def check(
    table: FilePath | Table,
    space: str | Space | Callable[..., Space],
    *,
    in_size: SizesLike | None = None,
    classes: int | None = None,
    channels: int | None = None,
) -> TableCheck:
    """Find the blocks of a space that a table lacks, and check its quality, as ``edgenas table check`` does.

    ``check()`` of the result raises OutcomeError where blocks are missing, or where overhead dominates the table.

        edgenas.check("pi4-litert.jsonl", "mobilenet_v3_small", in_size=160).missing
    """
    from edgenas.search.delegated import delegated_space

    opened = open_table(table)
    chosen, _ = delegated_space(space_of(space, in_size, classes, channels), [table_source(opened)])
    sizes = "".join(
        f" --{o} {v}" for o, v in (("in-size", in_size), ("classes", classes), ("channels", channels)) if v is not None
    )
    runtime = "" if opened.kind == "imported" else f" --runtime {opened.setting['runtime']}"
    command = f"edgenas profile {space_text(chosen)}{sizes}{runtime} -o {opened.path}"
    return TableCheck(opened, chosen, opened.missing(chosen), command)


@dataclass(frozen=True, repr=False)
class TableDiff:
    """Comparison of two tables, block by block.

    comparison       differences of the blocks, and their common factor
    agree            whether the tables agree within their intervals; None where their settings differ
    statistic        the compared statistic: 'min', 'median' or 'p90'
    settings_differ  differences of the settings
    """

    comparison: Comparison
    agree: bool | None
    statistic: str
    settings_differ: tuple[str, ...]

    def check(self) -> None:
        """Raise OutcomeError where the tables have the same setting and do not agree."""
        if self.agree is False:
            raise OutcomeError(f"the campaigns disagree: {'; '.join(self.comparison.findings())}")

    def to_json(self) -> dict[str, Any]:
        """Return what ``edgenas table diff --json`` prints."""
        found = self.comparison
        return {
            "agree": self.agree,
            "statistic": self.statistic,
            "settings_differ": list(self.settings_differ),
            "factor": found.factor,
            "factor_low": found.low,
            "factor_high": found.high,
            "shifted": found.shifted,
            "judged": found.judged,
            "outside": found.outside,
            "scattered": found.scattered,
            "off": [str(cell.block) for cell in found.off],
            "only_first": [str(block) for block in found.only_first],
            "only_second": [str(block) for block in found.only_second],
            "blocks": [cell.as_dict() for cell in found.cells],
        }

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame with a row for each block that both tables have."""
        return frame(self.to_json()["blocks"])

    def __repr__(self) -> str:
        verdict = {True: "agree", False: "disagree", None: "are of different settings"}[self.agree]
        found = self.comparison
        factor = f"common factor {number(found.factor)} ({number(found.low)} .. {number(found.high)})"
        return f"<The tables {verdict}: {counted(len(found.cells), 'block')}, {len(found.off)} off, {factor}>"

    def _repr_html_(self) -> str:
        return html_table(repr(self)[1:-1], self.to_json()["blocks"])


def diff(
    first: FilePath | Table, second: FilePath | Table, *, statistic: str = DEFAULT, across_settings: bool = False
) -> TableDiff:
    """Compare two measured tables within their intervals, as ``edgenas table diff`` does.

    statistic         statistic of the samples: 'min', 'median' or 'p90'
    across_settings   compare tables of different settings: the result has ratios, but no verdict

    InputError for an imported table, and for different settings without ``across_settings``.
    """
    from edgenas.latency_tables.comparison import compare

    one, other = open_table(first), open_table(second)
    tables = (_measured(one), _measured(other))
    differences = tables[0].setting.differences(tables[1].setting)
    if differences and not across_settings:
        raise InputError(
            f"{one.path} and {other.path} were measured in different settings ({'; '.join(differences)}), so they "
            f"need not agree; to compare them without a verdict, add --across-settings"
        )
    found = compare(*tables, statistic)
    return TableDiff(found, None if differences else found.agree, statistic, tuple(differences))


def _measured(table: Table) -> LatencyTable:
    if table.journal is None:
        raise InputError(f"{table.path} is imported: it has no samples, so its intervals are not known")
    return table.journal.table
