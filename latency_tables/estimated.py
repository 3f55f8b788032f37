"""A latency table with one fixed way to estimate the time of a block."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.table import BlockEstimate, LatencyTable


@dataclass(frozen=True)
class EstimatedTable:
    """A latency table with one fixed way to estimate the time of a block."""

    table: LatencyTable
    way: BlockEstimate

    @cached_property
    def blocks(self) -> tuple[BlockSpec, ...]:
        """Blocks of the table that were measured in this way."""
        missing = set(self.table.missing(self.table.blocks, self.way))
        return tuple(block for block in self.table.blocks if block not in missing)

    def ms(self, block: BlockSpec, statistic: str) -> float:
        """Return the time of a block, ms per run; InputError for a block that was not measured in this way."""
        return self.table.ms(block, statistic, self.way)

    def interval(self, block: BlockSpec, statistic: str, confidence: float) -> tuple[float, float]:
        """Return the interval of a block's time, ms: see ``LatencyTable.interval``."""
        return self.table.interval(block, statistic, confidence, self.way)

    def missing(self, blocks: Iterable[BlockSpec]) -> tuple[BlockSpec, ...]:
        """Return those of ``blocks`` that were not measured in this way."""
        return self.table.missing(blocks, self.way)
