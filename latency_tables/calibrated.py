"""A table as its validation says to use it: estimates chosen, sums calibrated, predictions with an interval."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from blocks.architecture import Architecture
from blocks.spec import BlockSpec
from latency_tables.table import LatencyTable
from latency_tables.validation import Validation


@dataclass(frozen=True)
class CalibratedTable:
    """Answers like a table; ``ms`` of a block is what it adds to a network, and ``fixed_ms`` what every network adds.

    One statistic only, that of the validation.
    """

    table: LatencyTable
    validation: Validation

    @cached_property
    def error_share(self) -> float:
        """What a prediction may be off, up and down: see ``Validation.error_share``."""
        return self.validation.error_share()

    @property
    def fixed_ms(self) -> float:
        """Milliseconds that every network takes beside its blocks; may be negative."""
        return self.validation.chosen.calibration.fixed_ms

    def ms(self, block: BlockSpec, statistic: str = "min") -> float:
        """Milliseconds a block adds to a network; InputError where it was not measured in the way that is used."""
        ms = self.table.ms(block, self.validation.statistic, self.validation.way)
        return self.validation.chosen.calibration.of(block, ms)

    def missing(self, blocks: Iterable[BlockSpec]) -> tuple[BlockSpec, ...]:
        """Those of ``blocks`` that were not measured in the way that is used."""
        return self.table.missing(blocks, self.validation.way)

    def total_ms(self, architecture: Architecture) -> float:
        """Predicted milliseconds of a network."""
        return self.fixed_ms + sum(self.ms(block) for block in architecture.blocks)

    def interval(self, total_ms: float) -> tuple[float, float]:
        """What a network predicted to take ``total_ms`` will be measured at, 95 times in 100."""
        return total_ms * (1 - self.error_share), total_ms * (1 + self.error_share)
