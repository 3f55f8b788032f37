"""Simulated times with known true values, for benchmarks and tests of intervals and of drift.

Shapes and sizes follow what blocks show on quiet boards, laptops and shared servers: a fresh process moves a block for
good, clocks and neighbours slow rounds in a row, the first sample of a round is slow for its cold cache, and the rest
is noise that only ever adds time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgenas.latency_tables.statistics.drift import SentinelBatch

TICK_MS = 1e3 / 24e6  # the 24 MHz counter of many Arm boards
SENTINELS_MS = (0.05, 0.3, 2.0)
ROUNDS, SAMPLES = 10, 8  # of a process, as in a plan
KINDS = ("step", "excursion", "ramp")
_COLD, _COLD_SPREAD = 0.25, 0.3  # median by which a first sample is slower, and sigma of its logarithm
_RUN = 3.0  # mean rounds that a clock or a neighbour stays as it is

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Level:
    """Noise of a machine, as shares of the time; ``bursts`` and ``spikes`` are shares of rounds and of samples.

    process   standard deviation between fresh processes
    sample    median of what noise adds to a sample, lognormal
    spikes    samples that take 1.5 to 5 times as long
    clock     by how much half of the rounds are slower
    bursts    rounds that a neighbour slows by 10 to 60 %
    drift     amplitude of a sine over 2 to 12 processes, of random phase
    """

    name: str
    process: float
    sample: float
    spikes: float
    clock: float
    bursts: float
    drift: float


LEVELS = (
    Level("quiet", process=0.003, sample=0.002, spikes=0.001, clock=0.0, bursts=0.002, drift=0.003),
    Level("laptop", process=0.006, sample=0.010, spikes=0.010, clock=0.03, bursts=0.020, drift=0.006),
    Level("server", process=0.010, sample=0.030, spikes=0.030, clock=0.04, bursts=0.080, drift=0.010),
)


def campaigns(level: Level, rng: np.random.Generator, count: int, processes: int = 10, ms: float = 0.05) -> Values:
    """Return simulated campaigns of one block: (count, processes, ROUNDS, SAMPLES), ms."""
    rounds = (count, processes, ROUNDS)
    times = np.exp(rng.normal(0, level.process, (count, processes, 1)))
    when = np.arange(processes)[:, None] + np.arange(ROUNDS) / ROUNDS
    period = np.exp(rng.uniform(np.log(2), np.log(12), (count, 1, 1)))
    times = times * (1 + level.drift * np.sin(2 * np.pi * (when / period + rng.random((count, 1, 1)))))
    times *= 1 + level.clock * _runs(rng, rounds, 0.5)
    times *= 1 + _runs(rng, rounds, level.bursts) * rng.uniform(0.1, 0.6, (count, processes, 1))
    return _sampled(times[..., None] * ms, level, rng)


def sentinels(
    level: Level, rng: np.random.Generator, batches: int, process: float, shift: Values | None = None
) -> list[SentinelBatch]:
    """Return the sentinels of a campaign of ``batches``, with the noise of the level's samples, ``process`` between
    processes and ``shift`` (batches * ROUNDS) as shares of the time of each round.
    """
    moved = np.zeros(batches * ROUNDS) if shift is None else shift
    own = np.exp(rng.normal(0, process, (batches, len(SENTINELS_MS), 1))) * np.array(SENTINELS_MS)[:, None]
    times = _sampled((own * (1 + moved.reshape(batches, 1, ROUNDS)))[..., None], level, rng)
    return [
        SentinelBatch(b, {f"{ms:g} ms": list(times[b, k]) for k, ms in enumerate(SENTINELS_MS)}) for b in range(batches)
    ]


def drift(kind: str, rng: np.random.Generator, batches: int, share: float) -> Values:
    """Return a shift for each round, up or down, at a random place: a step to the end, an excursion that returns, or a
    ramp that keeps its last value; the latter two last one batch or longer.
    """
    count = batches * ROUNDS
    shift, by = np.zeros(count), share * rng.choice([-1, 1])
    length = int(rng.integers(ROUNDS, count - 2 * ROUNDS + 1))
    begin = int(rng.integers(0, count - length + 1))
    if kind == "step":
        shift[int(rng.integers(ROUNDS, count - ROUNDS + 1)) :] = by
    elif kind == "excursion":
        shift[begin : begin + length] = by
    else:
        shift[begin:] = by * np.minimum(np.arange(1, count - begin + 1) / length, 1)
    return shift


def _sampled(times: Values, level: Level, rng: np.random.Generator) -> Values:
    """Return the samples (..., SAMPLES) of times (..., 1), with noise, in ticks of the clock."""
    shape = (*times.shape[:-1], SAMPLES)
    found = times * (1 + level.sample * rng.lognormal(0, 0.8, shape))
    found[..., 0] *= 1 + rng.lognormal(np.log(_COLD), _COLD_SPREAD, shape[:-1])
    found *= 1 + (rng.random(shape) < level.spikes) * rng.uniform(0.5, 4, shape)
    return np.asarray(np.maximum(np.round(found / TICK_MS), 1) * TICK_MS, dtype=np.float64)


def _runs(rng: np.random.Generator, shape: tuple[int, ...], share: float) -> NDArray[np.bool_]:
    """Return whether each round is in a state that holds for ``share`` of rounds, _RUN in a row on average."""
    state, found = rng.random(shape[:-1]) < share, np.empty(shape, dtype=np.bool_)
    for i in range(shape[-1]):
        found[..., i] = state
        chance = rng.random(shape[:-1])
        state = np.where(state, chance >= 1 / _RUN, chance < share / (1 - share) / _RUN)
    return found
