"""Records of a latency table: measurements, failures, rounds voided by drift, networks held out for validation, and the
times of another table.

Raw samples are stored in whole nanoseconds. Statistics are computed from them in milliseconds, and never stored
instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, Literal, get_args

from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.samples import Rounds
from edgenas.latency_tables.setting import Fact
from edgenas.latency_tables.statistics import estimates
from edgenas.latency_tables.store.fields import whole

SAMPLE_LIMIT_NS = 10**13  # largest accepted sample, ns: 2.8 hours

#: Blocks timed together as one model: a block alone, a chain of a few blocks, or a whole network.
Piece = tuple[BlockSpec, ...]
#: 'table': for the table's cell; 'sentinel': in every batch, to detect drift; 'validation': beside whole networks
Purpose = Literal["table", "sentinel", "validation"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
PART = "part"  #: stage of a failure: a delegate took only a part of the piece, and would have left the rest to the CPU


@dataclass(frozen=True, slots=True)
class Measurement:
    """The samples of one piece in one fresh process of the runner.

    samples_ns      round -> samples, ns, each the time of ``loops`` consecutive runs
    checksum        sum and absolute sum of the outputs for the seeded input: equal models give equal checksums; None
                    where the runtime is a tool that does not show its outputs
    before, after   state of the device before and after the batch: clock, temperature, load, host time
    batch           name of the process: measurements with the same name were interleaved; '' where it is not known
    init_ns         ns that loading, compilation and the first run took; 0 where they were not timed
    """

    piece: Piece
    process: int
    samples_ns: Sequence[Sequence[int]]
    loops: int
    checksum: tuple[float, float] | None
    before: Mapping[str, Fact]
    after: Mapping[str, Fact]
    purpose: Purpose = "table"
    batch: str = ""
    init_ns: int = 0

    @property
    def key(self) -> tuple[Piece, int, str, str]:
        """Key that a table holds at most once: for a cell one per process, for other purposes one per batch."""
        return self.piece, self.process, self.purpose, "" if self.purpose == "table" else self.batch

    @property
    def device(self) -> str:
        """Name of the device that measured the piece; '' where it was not recorded."""
        return str(self.before.get("device", ""))

    @property
    def samples(self) -> int:
        """Number of samples in all rounds."""
        return self._rounds.samples

    def rounds_ms(self) -> list[estimates.Times]:
        """Return milliseconds per run, one array for each round."""
        return self._rounds.each_ms(self.loops)

    def minima_ms(self) -> estimates.Times:
        """Return the smallest milliseconds per run of each round."""
        return self._rounds.minima_ms(self.loops)

    @property
    def _rounds(self) -> Rounds:
        return self.samples_ns if isinstance(self.samples_ns, Rounds) else Rounds(self.samples_ns)


@dataclass(frozen=True, slots=True)
class VoidedRounds:
    """Rounds ``first`` .. ``last`` (from 0, both included) of a batch, voided by drift. ``share`` is the deviation of
    the sentinels: 0.03 for 3 % slower. The rounds stay in the file and are left out of every statistic."""

    batch: str
    first: int
    last: int
    share: float


@dataclass(frozen=True, slots=True)
class BlockFailure:
    """A piece that could not be measured: the stage that failed, and the error message."""

    piece: Piece
    process: int
    stage: str
    message: str


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The networks of one validation: whole networks of ``space``, given as their blocks, timed beside their blocks.

    Their measurements have the purpose 'validation' and a batch that begins with ``id`` and '/'. ``target`` is the
    planned number of fresh processes for each network.
    """

    id: str
    space: str
    created: str
    target: int
    networks: tuple[Piece, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """Times of another table, from which the blocks of this one are predicted that were not measured.

    file      name of that table's file; ``sha256`` is the digest of its bytes
    device    device that it was measured on, in words
    ms        block -> its time there, ms, above 0
    """

    file: str
    sha256: str
    device: str
    ms: Mapping[BlockSpec, float]


def piece_text(piece: Piece) -> str:
    """Return the text of a piece: that of its block, or those of several blocks joined by '+'."""
    return "+".join(map(str, piece))


def check_samples(value: Any) -> Rounds:
    """Return rounds of samples, ns, from their JSON value; ValueError unless there is at least one round, no round is
    empty and every sample is a whole number within 1 .. SAMPLE_LIMIT_NS."""
    if not isinstance(value, list) or not value or not all(isinstance(r, list) and r for r in value):
        raise ValueError("samples_ns is not a list of rounds, each a list of at least one sample")
    flat = list(chain.from_iterable(value))
    whole_only = set(map(type, flat)) == {int}
    most = max(flat) if whole_only else 0
    if not whole_only or min(flat) < 1 or most > SAMPLE_LIMIT_NS:
        for ns in flat:  # names the first that breaks a rule
            whole(ns, "samples_ns", 1, SAMPLE_LIMIT_NS)
    return Rounds.within(value, flat, most)


def time_of(facts: Mapping[str, Fact]) -> float | None:
    """Return the time at which a device's facts, ``Measurement.before`` or ``after``, were read: seconds since 1970;
    None where they have no time.
    """
    try:
        return datetime.fromisoformat(str(facts.get("time", ""))).timestamp()
    except ValueError:
        return None
