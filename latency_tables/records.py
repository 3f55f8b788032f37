"""What a table is made of: measurements, failures, rounds spoiled by drift, and networks held out to validate it.

Times are kept as they came, in whole nanoseconds; statistics are computed in milliseconds and never stored instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.setting import Fact
from edgenas.latency_tables.statistics import estimates
from edgenas.latency_tables.store.fields import whole

SAMPLE_LIMIT_NS = 10**13  # nothing measured here runs for hours

#: What is timed as one model: a block alone, a chain of a few, or a whole network.
Piece = tuple[BlockSpec, ...]
#: 'table' a cell; 'sentinel' measured in every batch to see drift; 'validation' beside whole networks
Purpose = Literal["table", "sentinel", "validation"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One piece in one fresh process of the runner.

    samples_ns   round -> samples, each the time of ``loops`` consecutive runs
    checksum     sum and absolute sum of the outputs for the seeded input: equal models give equal ones; None where
                 the runtime is a tool that does not show its outputs
    before       state of the device before and after the batch: clock, temperature, load, host time
    batch        names the process: what has the same was measured interleaved; '' where it is not known
    """

    piece: Piece
    process: int
    samples_ns: tuple[tuple[int, ...], ...]
    loops: int
    checksum: tuple[float, float] | None
    before: Mapping[str, Fact]
    after: Mapping[str, Fact]
    purpose: Purpose = "table"
    batch: str = ""

    @property
    def key(self) -> tuple[Piece, int, str, str]:
        """What a table holds at most once: a cell once a process, anything else once a batch."""
        return self.piece, self.process, self.purpose, "" if self.purpose == "table" else self.batch

    @property
    def device(self) -> str:
        """Name of the device that measured it, '' where it was not noted."""
        return str(self.before.get("device", ""))

    def rounds_ms(self) -> list[estimates.Times]:
        """Milliseconds a run, an array for each round."""
        return estimates.rounds_ms(self.samples_ns, self.loops)


@dataclass(frozen=True, slots=True)
class VoidedRounds:
    """Rounds ``first`` .. ``last`` (from 0, both included) of a batch, spoiled by drift; ``share`` is by how much the
    sentinels were off, .03 for 3 % slower. They are kept in the file and left out of every statistic."""

    batch: str
    first: int
    last: int
    share: float


@dataclass(frozen=True, slots=True)
class BlockFailure:
    """A piece that could not be measured: where it went wrong and what was said."""

    piece: Piece
    process: int
    stage: str
    message: str


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A validation: whole networks of ``space``, given as their blocks, timed beside their blocks.

    Its measurements have the purpose 'validation' and a batch that begins with ``id`` and '/'; ``target`` is how many
    fresh processes were to measure each network.
    """

    id: str
    space: str
    created: str
    target: int
    networks: tuple[Piece, ...]


def piece_text(piece: Piece) -> str:
    """One block's text, or several joined by '+'."""
    return "+".join(map(str, piece))


def check_samples(value: Any) -> tuple[tuple[int, ...], ...]:
    """Rounds of samples in ns out of JSON; ValueError unless there is at least one round, no round is empty and every
    sample is a whole number above 0."""
    if not isinstance(value, list) or not value or not all(isinstance(r, list) and r for r in value):
        raise ValueError("samples_ns is not a list of rounds, each a list of at least one sample")
    return tuple(tuple(whole(ns, "samples_ns", 1, SAMPLE_LIMIT_NS) for ns in samples) for samples in value)
