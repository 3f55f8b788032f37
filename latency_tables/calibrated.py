"""A latency table used as its validation prescribes: chosen block estimate, calibrated sums, prediction intervals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from edgenas.blocks.architecture import Architecture
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.estimated import EstimatedTable
from edgenas.latency_tables.table import LatencyTable
from edgenas.latency_tables.validation import Validation

if TYPE_CHECKING:
    from edgenas.latency_tables.prediction.predict import PredictedTable
    from edgenas.latency_tables.prediction.transfer import TransferredTable

TWO_SIDED = 0.90  #: confidence of the interval whose upper end is the upper 95 % bound


@dataclass(frozen=True, repr=False)
class CalibratedTable:
    """A latency table whose sums are calibrated by its validation.

    It has the methods of a table: ``ms`` of a block is the time that the block adds to a network, and ``fixed_ms`` the
    time of every network beside its blocks. It gives one statistic only, that of the validation. With ``predict``,
    blocks that were not measured are predicted from those that were. A table with a ``prior`` predicts them from the
    prior, with or without ``predict``.
    """

    table: LatencyTable
    validation: Validation
    predict: bool = False

    def __repr__(self) -> str:
        more = ", lacking blocks predicted" if self.predict else ""
        return f"<CalibratedTable{more}: {self.table!r} by {self.validation!r}>"

    @cached_property
    def _measured(self) -> EstimatedTable:
        return EstimatedTable(self.table, self.validation.way)

    @cached_property
    def _predicted(self) -> PredictedTable | TransferredTable | None:
        if self.table.prior is not None:
            from edgenas.latency_tables.prediction.transfer import transferred

            return transferred(self._measured, self.table.prior, self.validation.statistic)
        if not self.predict:
            return None
        from edgenas.latency_tables.prediction.predict import predicted

        return predicted(self._measured, self.validation.statistic)

    @cached_property
    def error_share(self) -> float:
        """Relative half-width of a prediction's 95 % interval: see ``Validation.error_share``."""
        return self.validation.error_share()

    @property
    def fixed_ms(self) -> float:
        """Time that every network takes in addition to its blocks, ms; may be negative."""
        return self.validation.chosen.calibration.fixed_ms

    def ms(self, block: BlockSpec) -> float:
        """Return the time that a block adds to a network, ms; InputError where it was not measured in the way in use
        and is not predicted."""
        if block.kind == "skip":
            return 0.0
        learned, statistic = self._predicted, self.validation.statistic
        ms = self._measured.ms(block, statistic) if learned is None else learned.ms(block)
        return self.validation.chosen.calibration.of(block, ms)

    def upper_ms(self, block: BlockSpec) -> float:
        """Return the upper 95 % bound of a block's contribution to a network, ms: the upper end of a two-sided 90 %
        interval."""
        if block.kind == "skip":
            return 0.0
        learned, statistic = self._predicted, self.validation.statistic
        if learned is None:
            _, high = self._measured.interval(block, statistic, TWO_SIDED)
        else:
            _, high = learned.interval(block)  # of confidence prediction.CONFIDENCE, which is TWO_SIDED too
        return self.validation.chosen.calibration.of(block, high)

    def missing(self, blocks: Iterable[BlockSpec]) -> tuple[BlockSpec, ...]:
        """Return those of ``blocks`` without a time: not measured in the way in use, and (with ``predict``) not
        predictable either."""
        return self._measured.missing(blocks) if self._predicted is None else self._predicted.missing(blocks)

    def predicted(self, blocks: Iterable[BlockSpec]) -> tuple[BlockSpec, ...]:
        """Return those of ``blocks`` that were not measured in the way in use."""
        return self.table.missing(blocks, self.validation.way)

    def total_ms(self, architecture: Architecture) -> float:
        """Return the predicted time of a network, ms."""
        return self.fixed_ms + sum(self.ms(block) for block in architecture.blocks)

    def interval(self, total_ms: float) -> tuple[float, float]:
        """Return the 95 % interval, ms, of the measured time of a network that is predicted to take ``total_ms``."""
        return total_ms * (1 - self.error_share), total_ms * (1 + self.error_share)
