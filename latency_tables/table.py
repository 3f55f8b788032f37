"""LatencyTable: what was measured in one setting, and the statistics it gives of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

from edgenas.base.errors import InputError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.chains import chain, ends
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.records import BlockFailure, HeldOut, Measurement, Piece, VoidedRounds, piece_text
from edgenas.latency_tables.setting import Setting
from edgenas.latency_tables.statistics import estimates

if TYPE_CHECKING:
    import pandas as pd

#: How a block's time is estimated: 'alone'; 'chained', A·b·B less A and B (``edgenas.blocks.chains``); the 'mean' of
#: both
BlockEstimate = Literal["alone", "chained", "mean"]
WAYS: tuple[BlockEstimate, ...] = get_args(BlockEstimate)


@dataclass(frozen=True, repr=False)
class LatencyTable:
    """Measurements of one setting, keyed by what was measured; InputError where a key is given twice.

    Statistics are of the measurements for the table alone, without the rounds that ``voids`` mark. Of a piece that has
    only such rounds (``drifted``) they are of these: a machine that never held still has times all the same.
    ``failures`` could not be measured. ``validations`` are the networks that were held out to validate the table, whose
    times are among the measurements (``edgenas.latency_tables.validation.latest``).
    """

    setting: Setting
    measurements: tuple[Measurement, ...]
    voids: tuple[VoidedRounds, ...] = ()
    failures: tuple[BlockFailure, ...] = ()
    validations: tuple[HeldOut, ...] = ()

    def __post_init__(self) -> None:
        seen = set()
        for m in self.measurements:
            if m.key in seen:
                raise InputError(
                    f"{piece_text(m.piece)} is measured twice as process {m.process}; a table holds it once"
                )
            seen.add(m.key)

    def __repr__(self) -> str:
        s = self.setting
        return (
            f"<LatencyTable of {len(self.blocks)} blocks: {s.version or s.runtime}, {s.precision}, "
            f"{count_of(s.threads, 'thread')}, {count_of(len(self.validations), 'validation')}>"
        )

    @cached_property
    def _found(self) -> tuple[dict[Piece, list[list[estimates.Times]]], frozenset[Piece]]:
        """Piece -> process -> round -> ms, and the pieces whose rounds are all void."""
        spoiled = void_rounds(self.voids)
        every: dict[Piece, list[list[estimates.Times]]] = {}
        valid: dict[Piece, list[list[estimates.Times]]] = {}
        for m in self.measurements:
            if m.purpose == "table":
                every.setdefault(m.piece, []).append(m.rounds_ms())
                rounds = valid_rounds(m, spoiled)
                if rounds:
                    valid.setdefault(m.piece, []).append(rounds)
        return {piece: valid.get(piece, times) for piece, times in every.items()}, frozenset(every.keys() - valid)

    @property
    def _times(self) -> dict[Piece, list[list[estimates.Times]]]:
        return self._found[0]

    @property
    def drifted(self) -> frozenset[Piece]:
        """What was measured, but only while the device drifted."""
        return self._found[1]

    @cached_property
    def _cache(self) -> dict[tuple[Any, ...], Any]:
        return {}

    @cached_property
    def blocks(self) -> tuple[BlockSpec, ...]:
        """Every block measured alone, in order of first measurement."""
        return tuple(piece[0] for piece in self._times if len(piece) == 1)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """Everything measured, chains as well, in order of first measurement."""
        return tuple(self._times)

    def __contains__(self, piece: object) -> bool:
        """Whether a piece was measured."""
        return piece in self._times

    def processes(self, what: BlockSpec | Piece) -> list[list[estimates.Times]]:
        """Milliseconds a run: process -> round -> samples; InputError when it was not measured."""
        piece = (what,) if isinstance(what, BlockSpec) else what
        if piece not in self._times:
            chained = " --chains" if len(piece) > 1 else ""
            raise InputError(
                f"block {piece_text(piece)} is not in this table ({self.setting.runtime}, {len(self.blocks)} blocks); "
                f"measure it: edgenas profile --block {piece[min(1, len(piece) - 1)]}{chained}"
            )
        return self._times[piece]

    def ms(self, block: BlockSpec, statistic: str = estimates.DEFAULT, way: BlockEstimate = "alone") -> float:
        """Milliseconds a run; 0 for a skip, which is nothing. InputError when the block was not measured."""
        if block.kind == "skip":
            return 0.0
        key = ("ms", block, statistic, way)
        if key not in self._cache:
            self._cache[key] = sum(weight * self.piece_ms(piece, statistic) for piece, weight in terms(block, way))
        return float(self._cache[key])

    def piece_ms(self, piece: Piece, statistic: str = estimates.DEFAULT) -> float:
        """Milliseconds a run of what was measured as one model."""
        return estimates.estimate(self.processes(piece), statistic)

    def interval(
        self,
        block: BlockSpec,
        statistic: str = estimates.DEFAULT,
        confidence: float = 0.95,
        way: BlockEstimate = "alone",
    ) -> tuple[float, float]:
        """Milliseconds: see ``estimates.interval`` for which interval it is. The terms of a chain are independent:
        their half-widths add up as the root of their squares."""
        if block.kind == "skip":
            return 0.0, 0.0
        key = ("interval", block, statistic, confidence, way)
        if key not in self._cache:
            below = above = 0.0
            for piece, weight in terms(block, way):
                ms = self.piece_ms(piece, statistic)
                low, high = estimates.interval(self.processes(piece), statistic, confidence)
                if weight < 0:
                    low, high = 2 * ms - high, 2 * ms - low
                below += (weight * (ms - low)) ** 2
                above += (weight * (high - ms)) ** 2
            ms = self.ms(block, statistic, way)
            self._cache[key] = (ms - below**0.5, ms + above**0.5)
        low, high = self._cache[key]
        return float(low), float(high)

    def spread(self, block: BlockSpec) -> float:
        """How far apart fresh processes found the block, as a share: ``estimates.spread``."""
        return 0.0 if block.kind == "skip" else estimates.spread(self.processes(block))

    def total_ms(
        self, architecture: Architecture, statistic: str = estimates.DEFAULT, way: BlockEstimate = "alone"
    ) -> float:
        """Sum over the blocks of a network."""
        return sum(self.ms(block, statistic, way) for block in architecture.blocks)

    def missing(self, blocks: Iterable[BlockSpec], way: BlockEstimate = "alone") -> tuple[BlockSpec, ...]:
        """Those of ``blocks`` that no process has measured this way, each once, in order; skips are never missing."""
        return tuple(
            dict.fromkeys(
                b for b in blocks if b.kind != "skip" and any(piece not in self._times for piece, _ in terms(b, way))
            )
        )

    def to_frame(self) -> pd.DataFrame:
        """A row a block: its text and fields, macs and params, statistics and interval in ms, counts."""
        import pandas as pd

        return pd.DataFrame([self._row(block) for block in self.blocks])

    def _row(self, block: BlockSpec) -> dict[str, Any]:
        processes = self.processes(block)
        low, high = self.interval(block, "min")
        values = {f"{name}_ms": self.ms(block, name) for name in estimates.STATISTICS}
        return {
            "block": str(block),
            **block.as_dict(),
            "precision": self.setting.precision,
            "macs": block.macs,
            "params": block.params,
            **values,
            "min_low_ms": low,
            "min_high_ms": high,
            "unstable": (block,) in self.drifted or not estimates.settled(processes, "median"),
            "spread": self.spread(block),
            "processes": len(processes),
            "rounds": sum(len(rounds) for rounds in processes),
            "samples": sum(len(samples) for rounds in processes for samples in rounds),
        }


def count_of(number: int, noun: str) -> str:
    """'1 thread', '2 threads'."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def terms(block: BlockSpec, way: BlockEstimate) -> list[tuple[Piece, float]]:
    """What was measured for this estimate, each with the weight it counts with."""
    if way not in WAYS:
        raise InputError(f"a block's time is not estimated {way!r}; the ways are {', '.join(WAYS)}")
    alone: list[tuple[Piece, float]] = [((block,), 1.0)]
    chained: list[tuple[Piece, float]] = [
        (chain(block), 1.0),
        *(((end,), -1.0) for end in ends(block) if end is not None),
    ]
    if way == "alone":
        return alone
    return chained if way == "chained" else [(piece, weight / 2) for piece, weight in (*alone, *chained)]


def void_rounds(voids: Iterable[VoidedRounds]) -> Mapping[str, set[int]]:
    """Batch -> its rounds that drift has spoiled."""
    found: dict[str, set[int]] = {}
    for void in voids:
        found.setdefault(void.batch, set()).update(range(void.first, void.last + 1))
    return found


def valid_rounds(measurement: Measurement, spoiled: Mapping[str, set[int]]) -> list[estimates.Times]:
    """Milliseconds a run, an array for each round that is not spoiled."""
    left_out = spoiled.get(measurement.batch, set()) if measurement.batch else set()
    return [times for number, times in enumerate(measurement.rounds_ms()) if number not in left_out]
