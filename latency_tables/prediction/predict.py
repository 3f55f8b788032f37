"""Prediction of the times of blocks that were not measured, from those that were, with intervals and a flag.

Each kind of block is learned by itself, with the model that has the smallest error on whole layers left out of the same
table (``models.MODELS``). Nothing is carried over between kernel sizes, strides, activations or options: a block with a
part that no measured block of its kind has cannot be predicted, and stays missing.

    >>> table = predicted(read_table(path))                        # doctest: +SKIP
    >>> table.ms(block), table.interval(block), table.is_predicted(block)
    (0.412, (0.371, 0.447), True)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np

from edgenas.base.errors import InputError
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.prediction.intervals import Calibrated, calibrated
from edgenas.latency_tables.prediction.models import MODELS, Model
from edgenas.latency_tables.prediction.terms import amount_names, design, layer_of, work_amounts
from edgenas.latency_tables.statistics.estimates import DEFAULT

CONFIDENCE = 0.90
LEAST_BLOCKS = 10  #: fewest measured blocks of a kind; an interval of 90 % needs 9
LEAST_LAYERS = 3  #: fewest layers of a kind, so that layers left out can be predicted from others


class MeasuredTimes(Protocol):
    """A table of measured times that predictions start from, such as ``edgenas.latency_tables.table.LatencyTable``."""

    @property
    def blocks(self) -> tuple[BlockSpec, ...]: ...
    def ms(self, block: BlockSpec, statistic: str) -> float: ...
    def interval(self, block: BlockSpec, statistic: str, confidence: float) -> tuple[float, float]: ...


@dataclass(frozen=True, slots=True)
class PredictedTime:
    """Time of a block, ms per run, with its interval of confidence CONFIDENCE; ``predicted`` is false where the block
    was measured."""

    ms: float
    low_ms: float
    high_ms: float
    predicted: bool


@dataclass(frozen=True, eq=False)
class LearnedKind:
    """Model of the blocks of one kind: the names of its amounts of work, and the fit."""

    amounts: tuple[str, ...]
    fit: Calibrated


@dataclass(frozen=True, eq=False)
class PredictedTable:
    """A table that also predicts blocks similar to those it holds, with one ``statistic``. ``kinds`` are the kinds of
    blocks that could be learned."""

    table: MeasuredTimes
    statistic: str
    kinds: Mapping[str, LearnedKind]
    _known: dict[BlockSpec, PredictedTime] = field(default_factory=dict, repr=False)

    def ms(self, block: BlockSpec) -> float:
        """Return the time of a block, ms per run: measured where it was, else predicted; 0 for a skip. InputError where
        it is neither measured nor predictable."""
        return self._estimate(block).ms

    def interval(self, block: BlockSpec) -> tuple[float, float]:
        """Return the interval of confidence CONFIDENCE, ms: of the measurement where there is one, else of the
        prediction."""
        found = self._estimate(block)
        return found.low_ms, found.high_ms

    def is_predicted(self, block: BlockSpec) -> bool:
        """Return whether the block was not measured."""
        return block.kind != "skip" and block not in self._measured

    def missing(self, blocks: Iterable[BlockSpec]) -> tuple[BlockSpec, ...]:
        """Return those of ``blocks`` that were not measured and cannot be predicted, each once, in order."""
        return tuple(b for b in dict.fromkeys(blocks) if self.is_predicted(b) and self._why_not(b) is not None)

    def predictions(self, blocks: Iterable[BlockSpec]) -> dict[BlockSpec, PredictedTime]:
        """Return predictions of those of ``blocks`` that were not measured and can be predicted. One call for many
        blocks is faster than a call for each."""
        wanted = [b for b in dict.fromkeys(blocks) if self.is_predicted(b)]
        new = [b for b in wanted if b not in self._known and self._why_not(b) is None]
        for kind, learned in self.kinds.items():
            self._known.update(_estimates(learned, [block for block in new if block.kind == kind]))
        return {block: self._known[block] for block in wanted if block in self._known}

    @cached_property
    def _measured(self) -> frozenset[BlockSpec]:
        return frozenset(self.table.blocks)

    def _why_not(self, block: BlockSpec) -> str | None:
        """Return why ``block`` cannot be predicted; None where it can."""
        learned = self.kinds.get(block.kind)
        if learned is None:
            return (
                f"too few blocks of kind {block.kind} are measured: it takes {LEAST_BLOCKS} in {LEAST_LAYERS} layers "
                f"(input size, widths and stride)"
            )
        new = sorted(set(work_amounts(block)) - set(learned.amounts))
        if new:
            return f"no measured block of kind {block.kind} has its {new[0].rpartition(' ')[0]}"
        return None

    def _estimate(self, block: BlockSpec) -> PredictedTime:
        """Return the time of one block, measured or predicted; InputError where there is neither."""
        if block.kind == "skip":
            return PredictedTime(0.0, 0.0, 0.0, False)
        if not self.is_predicted(block):
            return PredictedTime(
                self.table.ms(block, self.statistic),
                *self.table.interval(block, self.statistic, CONFIDENCE),
                predicted=False,
            )
        found = self.predictions([block])
        if not found:
            raise InputError(
                f"block {block} is not in the table and cannot be predicted: {self._why_not(block)}; measure it: "
                f"edgenas profile --block {block}"
            )
        return found[block]


def predicted(table: MeasuredTimes, statistic: str = DEFAULT, models: Mapping[str, Model] = MODELS) -> PredictedTable:
    """Learn the blocks of ``table``, kind by kind; kinds with too few blocks are left out. InputError where every kind
    has too few."""
    kinds: dict[str, LearnedKind] = {}
    by_kind: dict[str, list[BlockSpec]] = {}
    for block in table.blocks:
        by_kind.setdefault(block.kind, []).append(block)
    for name, blocks in by_kind.items():
        layers = [layer_of(block) for block in blocks]
        if len(blocks) >= LEAST_BLOCKS and len(set(layers)) >= LEAST_LAYERS:
            amounts = amount_names(blocks)
            log_ms = np.log([table.ms(block, statistic) for block in blocks])
            kinds[name] = LearnedKind(amounts, calibrated(models, design(blocks, amounts), log_ms, layers))
    if not kinds:
        counts = ", ".join(f"{len(blocks)} of kind {kind}" for kind, blocks in by_kind.items()) or "none"
        raise InputError(
            f"nothing can be predicted from so few blocks ({counts}): it takes {LEAST_BLOCKS} of a kind in "
            f"{LEAST_LAYERS} layers; measure more (edgenas profile)"
        )
    return PredictedTable(table, statistic, kinds)


def _estimates(learned: LearnedKind, blocks: Sequence[BlockSpec]) -> dict[BlockSpec, PredictedTime]:
    """Return predictions of ``blocks``, all of the learned kind."""
    if not blocks:
        return {}
    rows = design(blocks, learned.amounts)
    centre = np.exp(learned.fit.predict(rows))
    low, high = (np.exp(end) for end in learned.fit.interval(rows, CONFIDENCE))
    return {
        block: PredictedTime(float(ms), float(least), float(most), True)
        for block, ms, least, most in zip(blocks, centre, low, high, strict=True)
    }
