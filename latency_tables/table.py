"""Latency tables: the measurements of one setting, and their statistics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

from edgenas.base.counted import counted
from edgenas.base.errors import InputError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.chains import chain, ends
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.records import (
    PART,
    BlockFailure,
    HeldOut,
    Measurement,
    Piece,
    Prior,
    VoidedRounds,
    piece_text,
)
from edgenas.latency_tables.setting import Setting
from edgenas.latency_tables.statistics import estimates
from edgenas.latency_tables.store.frames import blocks_frame

if TYPE_CHECKING:
    import pandas as pd

#: Way to estimate a block's time: 'alone'; 'chained', the chain A·b·B minus A and B (``edgenas.blocks.chains``); 'mean'
#: of both
BlockEstimate = Literal["alone", "chained", "mean"]
WAYS: tuple[BlockEstimate, ...] = get_args(BlockEstimate)


@dataclass(frozen=True, repr=False)
class LatencyTable:
    """Measurements of one setting, keyed by piece; InputError where a key is given twice.

    Statistics use only the measurements of purpose 'table', without the rounds that ``voids`` mark. For a piece that
    has only void rounds (``drifted``) they use those: a machine that drifts all the time still has times. ``failures``
    are pieces that could not be measured. ``validations`` are the networks held out to validate the table; their times
    are among the measurements (``edgenas.latency_tables.validation.latest``). ``prior`` are the times of another table,
    from which blocks are predicted that were not measured; None where they are not.
    """

    setting: Setting
    measurements: tuple[Measurement, ...]
    voids: tuple[VoidedRounds, ...] = ()
    failures: tuple[BlockFailure, ...] = ()
    validations: tuple[HeldOut, ...] = ()
    prior: Prior | None = None

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
            f"<LatencyTable of {counted(len(self.blocks), 'block')}: {s.version or s.runtime}, {s.precision}, "
            f"{counted(s.threads, 'thread')}, {counted(len(self.validations), 'validation')}>"
        )

    @cached_property
    def _measured(self) -> dict[Piece, list[Measurement]]:
        """Measurements of purpose 'table' by piece. They keep their samples in compact form: ``processes`` makes arrays
        of one piece when it is called, since arrays of all samples take several times the memory.
        """
        found: dict[Piece, list[Measurement]] = {}
        for m in self.measurements:
            if m.purpose == "table":
                found.setdefault(m.piece, []).append(m)
        return found

    @cached_property
    def _spoiled(self) -> Mapping[str, set[int]]:
        return void_rounds(self.voids)

    @cached_property
    def drifted(self) -> frozenset[Piece]:
        """Pieces that were measured only while the device drifted."""
        left = self._measured.items() if self._spoiled else ()
        return frozenset(piece for piece, ms in left if not any(valid_rounds(m, self._spoiled) for m in ms))

    @cached_property
    def _cache(self) -> dict[Any, Any]:
        return {}

    @cached_property
    def blocks(self) -> tuple[BlockSpec, ...]:
        """Blocks measured alone, in order of first measurement."""
        return tuple(piece[0] for piece in self._measured if len(piece) == 1)

    @cached_property
    def left_to_cpu(self) -> tuple[BlockSpec, ...]:
        """Blocks without a time, since the table's delegate did not take them whole, in order of the first attempt."""
        pieces = dict.fromkeys(failure.piece for failure in self.failures if failure.stage == PART)
        return tuple(piece[0] for piece in pieces if len(piece) == 1 and piece not in self._measured)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """Pieces measured, blocks and chains, in order of first measurement."""
        return tuple(self._measured)

    def __contains__(self, piece: object) -> bool:
        """Return whether a piece was measured."""
        return piece in self._measured

    def processes(self, what: BlockSpec | Piece) -> list[list[estimates.Times]]:
        """Return milliseconds per run of a block or piece: process -> round -> samples; InputError when it was not
        measured."""
        piece = (what,) if isinstance(what, BlockSpec) else what
        if piece not in self._measured:
            chained = " --chains" if len(piece) > 1 else ""
            raise InputError(
                f"block {piece_text(piece)} is not in this table ({self.setting.runtime}, {len(self.blocks)} blocks); "
                f"measure it: edgenas profile --block {piece[min(1, len(piece) - 1)]}{chained}"
            )
        last, times = self._cache.get("processes", (None, []))
        if last != piece:
            spoiled = {} if piece in self.drifted else self._spoiled
            every = [valid_rounds(m, spoiled) for m in self._measured[piece]]
            times = [rounds for rounds in every if rounds]
            self._cache["processes"] = piece, times
        return list(times)

    def ms(self, block: BlockSpec, statistic: str = estimates.DEFAULT, way: BlockEstimate = "alone") -> float:
        """Return the time of a block, ms per run; 0 for a skip. InputError when the block was not measured."""
        if block.kind == "skip":
            return 0.0
        key = ("ms", block, statistic, way)
        if key not in self._cache:
            self._cache[key] = sum(weight * self.piece_ms(piece, statistic) for piece, weight in terms(block, way))
        return float(self._cache[key])

    def piece_ms(self, piece: Piece, statistic: str = estimates.DEFAULT) -> float:
        """Return the time of a piece measured as one model, ms per run."""
        return estimates.estimate(self.processes(piece), statistic)

    def interval(
        self,
        block: BlockSpec,
        statistic: str = estimates.DEFAULT,
        confidence: float = 0.95,
        way: BlockEstimate = "alone",
    ) -> tuple[float, float]:
        """Return the interval of a block's time, ms (see ``estimates.interval``). The terms of a chain count as
        independent: their half-widths add up as the root of the sum of squares."""
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
        """Return the spread of a block's time between fresh processes, as a share: see ``estimates.spread``."""
        return 0.0 if block.kind == "skip" else estimates.spread(self.processes(block))

    def total_ms(
        self, architecture: Architecture, statistic: str = estimates.DEFAULT, way: BlockEstimate = "alone"
    ) -> float:
        """Return the sum of times over the blocks of a network, ms."""
        return sum(self.ms(block, statistic, way) for block in architecture.blocks)

    def missing(self, blocks: Iterable[BlockSpec], way: BlockEstimate = "alone") -> tuple[BlockSpec, ...]:
        """Return those of ``blocks`` that no process has measured in this way, each once, in order; skips are never
        missing."""
        return tuple(
            dict.fromkeys(
                b for b in blocks if b.kind != "skip" and any(piece not in self._measured for piece, _ in terms(b, way))
            )
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row per block: its text and fields, macs and params, statistics and interval in ms, counts."""
        return blocks_frame([self._row(block) for block in self.blocks], COLUMNS)

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


#: columns of ``to_frame``, also of a table without blocks
COLUMNS = [
    "block",
    *(each.name for each in fields(BlockSpec)),
    *("precision", "macs", "params"),
    *(f"{name}_ms" for name in estimates.STATISTICS),
    *("min_low_ms", "min_high_ms", "unstable", "spread", "processes", "rounds", "samples"),
]


def terms(block: BlockSpec, way: BlockEstimate) -> list[tuple[Piece, float]]:
    """Return the pieces that an estimate of a block's time adds up, each with its weight."""
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
    """Return the numbers of the void rounds of each batch."""
    found: dict[str, set[int]] = {}
    for void in voids:
        found.setdefault(void.batch, set()).update(range(void.first, void.last + 1))
    return found


def valid_rounds(measurement: Measurement, spoiled: Mapping[str, set[int]]) -> list[estimates.Times]:
    """Return milliseconds per run, one array for each round that is not in ``spoiled`` (batch -> void rounds)."""
    left_out = spoiled.get(measurement.batch, set()) if measurement.batch else set()
    return [times for number, times in enumerate(measurement.rounds_ms()) if number not in left_out]
