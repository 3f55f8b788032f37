"""Detection of drift: rounds of a campaign in which the device was faster or slower than usual, from the sentinels.

A fresh process shifts each sentinel a little, by an amount of its own, for that process only. A drift shifts all
sentinels together, and may begin within a batch. The value of a round is therefore the mean over sentinels of the
logarithm of the round's minimum (which spikes do not affect), and its noise has two parts: one per batch, one per
round. Changes are detected by circular binary segmentation, which detects a temporary excursion as well as a step
(Olshen, Venkatraman, Lucito and Wigler, Biostatistics 5, 2004), with generalised least squares for the noise of the
batches (Fuller and Battese, J. Amer. Statist. Assoc. 68, 1973).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edgenas.base.errors import InputError
from edgenas.latency_tables.statistics.estimates import Times

OFF = 0.01  #: smallest relative deviation from the reference level that counts as drift
_SHORTEST = 3  # fewest rounds of a stretch: one or two rounds are noise, and do not affect a minimum
_ALARM = 0.005  # nominal share of campaigns without drift in which a change between batches is detected
_PRIOR_SD, _PRIOR_FREEDOM = 0.007, 4  # prior sd of a fresh process, and the number of observations that it counts as
_MANY = 20  # batches from which on differences of neighbours estimate the shift of all sentinels by a process
_TAILS = 1.3  # minima of rounds have a longer tail than a normal distribution with their quartiles
_FLOOR_SD = 0.0005  # smallest sd of a round: below this is the clock's resolution

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SentinelBatch:
    """One fresh process: name of each sentinel -> its rounds of samples, ms."""

    id: Hashable
    sentinels: Mapping[str, Sequence[Times]]


@dataclass(frozen=True, slots=True)
class SlowStretch:
    """Rounds ``first`` .. ``last`` (from 0, both included) of a batch that drift voids: slower than the reference by
    ``share``, or faster where it is negative."""

    batch: Hashable
    first: int
    last: int
    share: float


def drifted(batches: Sequence[SentinelBatch]) -> list[SlowStretch]:
    """Return the stretches that deviate from the reference level by OFF or more, in order of time.

    The reference is the level of most rounds; among equals, the fastest. With one or two batches only changes within a
    batch are detected, since nothing shows which of two processes was the usual one. InputError where the batches share
    no sentinel.
    """
    if not batches:
        return []
    by_batch = _logs(batches)
    sizes = [logs.shape[1] for logs in by_batch]
    values = np.concatenate([logs.mean(axis=0) for logs in by_batch])
    noise = _Noise(np.repeat(np.arange(len(sizes)), sizes), *_variances(by_batch))
    pieces = _segments(values, noise)
    levels = [float(np.median(values[begin:end])) for begin, end in pieces]
    reference = _reference(pieces, levels)
    starts = np.cumsum([0, *sizes])
    found = []
    for (begin, end), level in zip(pieces, levels, strict=True):
        share = math.expm1(level - reference)
        if abs(share) < OFF:
            continue
        for k, batch in enumerate(batches):
            first, last = max(begin, starts[k]), min(end, starts[k + 1]) - 1
            if first <= last:
                found.append(SlowStretch(batch.id, int(first - starts[k]), int(last - starts[k]), share))
    return found


def _logs(batches: Sequence[SentinelBatch]) -> list[Values]:
    """Return for each batch the logarithms of the rounds' minima (sentinels, rounds), minus each sentinel's median, for
    the sentinels that every batch has."""
    names = [name for name in batches[0].sentinels if all(batch.sentinels.get(name) for batch in batches)]
    if not names:
        raise InputError(
            f"the {len(batches)} batches from {batches[0].id!r} to {batches[-1].id!r} have no sentinel in common; "
            "drift shows only where every batch measures the same one: measure them again as one campaign"
        )
    rows = []
    for batch in batches:
        rounds = min(len(batch.sentinels[name]) for name in names)
        rows.append(np.log([[float(t.min()) for t in batch.sentinels[name][:rounds]] for name in names]))
    middles = np.median(np.concatenate(rows, axis=1), axis=1, keepdims=True)
    return [row - middles for row in rows]


def _variances(by_batch: Sequence[Values]) -> tuple[float, float]:
    """Return the variances (of a batch, of a round) of the mean over sentinels.

    The variance of a round comes from differences of neighbouring rounds. That of a batch comes from the deviations of
    sentinels from their mean, which no drift changes, and with many batches also from differences of neighbours.
    """
    steps = np.concatenate([np.diff(logs.mean(axis=0)) for logs in by_batch])
    of_round = max(_TAILS * _robust_sd(steps) / math.sqrt(2), _FLOOR_SD) ** 2
    count, sentinels = len(by_batch), len(by_batch[0])
    if count < 3:
        return 1.0, of_round  # too few batches: the level of a batch is unconstrained
    means = np.array([np.median(logs, axis=1) for logs in by_batch])  # (batch, sentinel)
    deviations = means - means.mean(axis=1, keepdims=True)
    deviations -= np.median(deviations, axis=0)
    freedom = (count - 1) * (sentinels - 1)
    squares = _PRIOR_FREEDOM * _PRIOR_SD**2 + float((deviations**2).sum())
    of_batch = squares / (_PRIOR_FREEDOM + freedom) / sentinels
    if count >= _MANY:
        of_batch = max(of_batch, _robust_sd(np.diff(means.mean(axis=1))) ** 2 / 2)
    return of_batch, of_round


def _robust_sd(values: Values) -> float:
    """Return 1.4826 times the median absolute deviation: the sd of a normal distribution, robust to outliers."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values)))) if len(values) else 0.0


def _reference(pieces: Sequence[tuple[int, int]], levels: Sequence[float]) -> float:
    """Return the level of most rounds, within half of OFF; among equals, the fastest."""

    def rounds(level: float) -> int:
        near = zip(pieces, levels, strict=True)
        return sum(end - begin for (begin, end), other in near if abs(other - level) <= OFF / 2)

    return min(levels, key=lambda level: (-rounds(level), level))


@dataclass(frozen=True, slots=True)
class _Noise:
    """Variances of two independent parts of the noise: one shared by the rounds of a batch, one of each round."""

    batch_of: NDArray[np.intp]  # round -> number of its batch, ascending
    of_batch: float
    of_round: float

    def part(self, begin: int, end: int) -> _Noise:
        """Return the noise of rounds ``begin`` .. ``end`` - 1."""
        return _Noise(self.batch_of[begin:end], self.of_batch, self.of_round)


def _segments(values: Values, noise: _Noise) -> list[tuple[int, int]]:
    """Return (begin, end) of each stretch of one level, in order."""
    batches = int(noise.batch_of[-1] - noise.batch_of[0]) + 1
    limit = 2 * math.log(max(batches * (batches - 1) / 2, 1) / _ALARM)  # Bonferroni over pairs of batch boundaries
    todo, done = [(0, len(values))], []
    while todo:
        begin, end = todo.pop()
        gain, first, last = _strongest(values[begin:end], noise.part(begin, end))
        if gain < limit:
            done.append((begin, end))
            continue
        ends = sorted({begin, begin + first, begin + last, end})
        todo += pairwise(ends)
    return sorted(done)


def _strongest(values: Values, noise: _Noise) -> tuple[float, int, int]:
    """Return (gain, begin, end) of the stretch whose level differs most from the rest. The gain is twice the gain in
    log-likelihood, minus twice the logarithm of the number of a batch's rounds for each end within a batch: such an end
    has that many more possible places (a prior on places: Zhang and Siegmund, Biometrics 63, 2007)."""
    count = len(values)
    if count < 2 * _SHORTEST:
        return 0.0, 0, count
    _, begins, of, sizes = np.unique(noise.batch_of, return_index=True, return_inverse=True, return_counts=True)
    shrink = noise.of_batch / (
        noise.of_round + sizes * noise.of_batch
    )  # of each batch: V^-1 = (1 - shrink J) / of_round
    unit = 1 - (shrink * sizes)[of]
    level = (unit @ values) / unit.sum()
    weighted = values - level
    weighted -= (shrink * np.bincount(of, weighted))[of]
    sums, units = (np.concatenate([[0.0], np.cumsum(v)]) for v in (weighted, unit))
    whole = np.concatenate([[0.0], np.cumsum(shrink * sizes**2)])  # sum of shrink * rounds^2 over batches
    ends = np.arange(1, count + 1)
    of_end = of  # batch of the last round of a stretch that ends before ``ends``
    tail = whole[of_end] + shrink[of_end] * (ends - begins[of_end]) ** 2
    within = 2 * np.log(sizes)[of]
    price = np.append(np.where(begins[of] == np.arange(count), 0.0, within), 0.0)  # penalty of an end before each round
    best = (0.0, 0, count)
    for begin in range(count - _SHORTEST + 1):
        batch = of[begin]
        after = begins[batch] + sizes[batch]  # where the first batch ends
        head = shrink[batch] * (after - begin) ** 2 - whole[batch + 1]
        stop = ends[begin + _SHORTEST - 1 :]
        overlap = np.where(stop <= after, shrink[batch] * (stop - begin) ** 2, tail[stop - 1] + head)
        inside = units[stop] - units[begin]
        information = (stop - begin) - overlap - inside**2 / units[-1]
        rest = count - (stop - begin)
        usable = (rest >= _SHORTEST) & (information > 1e-9)
        squares = (sums[stop] - sums[begin]) ** 2 / np.maximum(information, 1e-9) / noise.of_round
        gain = np.where(usable, squares - price[begin] - price[stop], 0.0)
        k = int(gain.argmax())
        if gain[k] > best[0]:
            best = (float(gain[k]), begin, int(stop[k]))
    return best
