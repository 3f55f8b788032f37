"""Few-shot transfer: the times of all blocks on a device, from a few of them measured there and a table of another
device (or runtime, or number of threads).

The measured blocks show the ratios of both devices, and ``ratios`` predicts the ratios of the other blocks. Measured
blocks keep their measured times.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from edgenas.base.errors import InputError
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.prediction.choice import counts_of
from edgenas.latency_tables.prediction.predict import CONFIDENCE
from edgenas.latency_tables.prediction.ratio_kernel import Features, Floats
from edgenas.latency_tables.prediction.ratios import Observations, Ratios, posterior
from edgenas.latency_tables.records import Prior

LEAST_SD = 0.003  #: smallest standard deviation of the logarithm of a measured time
_INTERVAL_SD = 3.29  # width of a 90 % interval in standard deviations


class MeasuredBlocks(Protocol):
    """A table of measured times, such as ``edgenas.latency_tables.estimated.EstimatedTable``."""

    @property
    def blocks(self) -> tuple[BlockSpec, ...]: ...
    def ms(self, block: BlockSpec, statistic: str) -> float: ...
    def interval(self, block: BlockSpec, statistic: str, confidence: float) -> tuple[float, float]: ...


@dataclass(frozen=True, eq=False)
class TransferredTable:
    """A table of measured blocks that predicts all other blocks of ``prior``, with one ``statistic``."""

    table: MeasuredBlocks
    prior: Prior
    statistic: str

    @cached_property
    def blocks(self) -> tuple[BlockSpec, ...]:
        """All blocks of the prior, in its order."""
        return tuple(self.prior.ms)

    @cached_property
    def measured(self) -> tuple[BlockSpec, ...]:
        """Blocks of the prior that were measured."""
        known = set(self.table.blocks)
        return tuple(block for block in self.blocks if block in known)

    @cached_property
    def ratios(self) -> Ratios:
        """Posterior of the ratios of this table's times to the prior's, of ``blocks`` in order."""
        prior_ms = np.array([self.prior.ms[block] for block in self.blocks])
        index = {block: number for number, block in enumerate(self.blocks)}
        numbers = np.array([index[block] for block in self.measured], dtype=np.int64)
        ms = np.array([max(self._own_ms(block), 1e-9) for block in self.measured])
        ends = [self.table.interval(block, self.statistic, CONFIDENCE) for block in self.measured]
        sd = np.array([max(LEAST_SD, (high - low) / _INTERVAL_SD / t) for (low, high), t in zip(ends, ms, strict=True)])
        observed = Observations.of_blocks(numbers, len(self.blocks), ms, sd)
        return posterior(Features.of(self.blocks, prior_ms), prior_ms, observed)

    def ms(self, block: BlockSpec) -> float:
        """Return the time of a block, ms per run: measured where it was, else predicted; 0 for a skip. InputError for
        a block that neither this table nor the prior has."""
        if block.kind == "skip":
            return 0.0
        return self._predictions[block][0] if self.is_predicted(block) else self._own_ms(block)

    def interval(self, block: BlockSpec) -> tuple[float, float]:
        """Return the interval of confidence CONFIDENCE, ms: of the measurement where there is one, else of the
        prediction."""
        if block.kind == "skip":
            return 0.0, 0.0
        if not self.is_predicted(block):
            return self.table.interval(block, self.statistic, CONFIDENCE)
        _, low, high = self._predictions[block]
        return low, high

    def is_predicted(self, block: BlockSpec) -> bool:
        """Return whether the block was not measured; InputError where it cannot be predicted either."""
        if block in self._known:
            return False
        if block not in self.prior.ms:
            raise InputError(
                f"block {block} is neither measured nor in the table {self.prior.file} that this one was transferred "
                f"from; measure it: edgenas profile --block {block}"
            )
        return True

    def missing(self, blocks: Iterable[BlockSpec]) -> tuple[BlockSpec, ...]:
        """Return those of ``blocks`` that are neither measured nor predicted, each once, in order."""
        have = self._known | self.prior.ms.keys()
        return tuple(b for b in dict.fromkeys(blocks) if b.kind != "skip" and b not in have)

    def networks(self, networks: Sequence[Sequence[BlockSpec]]) -> tuple[Floats, Floats, Floats]:
        """Return the predicted sums of the blocks of networks, ms, and their intervals of confidence CONFIDENCE: three
        arrays. All blocks are of the prior."""
        log_ms, sd = self.ratios.networks(counts_of(networks, self.blocks))
        half = self.ratios.quantile(CONFIDENCE) * sd
        return np.exp(log_ms), np.exp(log_ms - half), np.exp(log_ms + half)

    @cached_property
    def _known(self) -> frozenset[BlockSpec]:
        return frozenset(self.table.blocks)

    @cached_property
    def _predictions(self) -> dict[BlockSpec, tuple[float, float, float]]:
        """Block -> (ms, low, high)."""
        mean, sd = self.ratios.blocks()
        half, ms = self.ratios.quantile(CONFIDENCE) * sd, self.ratios.prior_ms * np.exp(mean)
        rows = zip(self.blocks, ms, ms * np.exp(-half), ms * np.exp(half), strict=True)
        return {block: (float(middle), float(low), float(high)) for block, middle, low, high in rows}

    def _own_ms(self, block: BlockSpec) -> float:
        return self.table.ms(block, self.statistic)


def transferred(table: MeasuredBlocks, prior: Prior, statistic: str) -> TransferredTable:
    """Return ``table`` with the blocks predicted that it lacks; InputError where it has none of the prior's blocks."""
    found = TransferredTable(table, prior, statistic)
    if not found.measured:
        raise InputError(
            f"none of the {len(prior.ms)} blocks of {prior.file} is measured in this way, so nothing can be "
            "transferred; measure some: edgenas profile SPACE --from TABLE --blocks 20"
        )
    return found
