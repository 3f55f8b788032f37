"""Times of blocks from times of whole networks, for runtimes in which a block alone means little.

The prior is another table, or what the blocks compute (``work_ms``); ``ratios`` gives the posterior of the blocks'
ratios to it. Where many blocks always occur together, only their sum is known: each of them has a wide interval, and
sums over networks of the space have narrow ones. The error of these is measured by cross-validation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edgenas.blocks.counts import bytes_moved
from edgenas.blocks.ops import lower
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.prediction.predict import CONFIDENCE
from edgenas.latency_tables.prediction.ratio_kernel import START, Features, Floats
from edgenas.latency_tables.prediction.ratios import ROUNDS, Observations, posterior

FOLDS = 10
NOISE = 0.01  #: standard deviation of the logarithm of a network's time, where none is given
LEAST_NOISE = 0.003
MORE_NOISE = (0.0, 0.02, 0.05, 0.1, 0.2)  #: further noise that times of whole networks may have
_MACS_A_S, _BYTES_A_S, _CALL_S = 1e10, 5e9, 5e-6  # of a phone's core; the fit needs only their proportions


@dataclass(frozen=True, eq=False)
class BlockTimes:
    """Time of each block, ms, with its interval of confidence CONFIDENCE."""

    ms: Floats
    low_ms: Floats
    high_ms: Floats


def work_ms(blocks: Sequence[BlockSpec]) -> Floats:
    """Return times from what blocks compute, ms: multiply-accumulates, bytes moved and calls, added up."""
    return np.array(
        [1e3 * (b.macs / _MACS_A_S + bytes_moved(b) / _BYTES_A_S + _CALL_S * len(lower(b))) for b in blocks]
    )


def fitted_ms(features: Features, prior_ms: Floats, observed: Observations) -> Floats:
    """Return the times of all blocks, ms: the median of each, times the number with which their sums predict the
    observed networks without bias. The sum of medians is not the median of a sum."""
    return _unbiased(prior_ms, posterior(features, prior_ms, observed).blocks()[0], observed)


def fitted(features: Features, prior_ms: Floats, observed: Observations) -> BlockTimes:
    """Return the times of all blocks, and their intervals.

    An interval spans that of the fit around the prior and that around the most probable times: networks of one space
    cannot tell some blocks apart, such as the head, which all of them have, from a constant of all other blocks, and
    near its maximum the posterior does not show how far that reaches.
    """
    ends = []
    for rounds in (0, ROUNDS):
        found = posterior(features, prior_ms, observed, rounds)
        mean, sd = found.blocks()
        middle = _unbiased(prior_ms, mean, observed)
        half = found.quantile(CONFIDENCE) * sd
        ends.append((middle * np.exp(-half), middle * np.exp(half)))
    (low, high), (other_low, other_high) = ends
    return BlockTimes(middle, np.minimum(low, other_low), np.maximum(high, other_high))


def _unbiased(prior_ms: Floats, ratios: Floats, observed: Observations) -> Floats:
    middle = prior_ms * np.exp(ratios)
    factor = np.exp(np.mean(np.log(observed.ms / (observed.counts @ middle))))
    return np.asarray(middle * factor, dtype=np.float64)


def cross_validated(
    fit: Callable[[Observations], Floats], observed: Observations, folds: int = FOLDS, seed: int = 0
) -> Floats:
    """Return for each network the sum of its blocks, ms, by ``fit`` (observations -> ms of blocks) to the others. There
    are ``folds`` parts, drawn with ``seed``."""
    order = np.random.default_rng(seed).permutation(len(observed.ms))
    found = np.empty(len(order))
    for part in np.array_split(order, min(folds, len(order))):
        found[part] = observed.counts[part] @ fit(observed.without(part))
    return found


def networks_to_measure(features: Features, prior_ms: Floats, counts: Floats, count: int) -> list[int]:
    """Return the numbers of the ``count`` networks among ``counts`` (networks, blocks) whose times reduce the variance
    of all of them most: the design of ``choice``, with networks in the place of blocks."""
    parts = counts * prior_ms
    share = parts / parts.sum(axis=1)[:, None]
    used = np.flatnonzero(counts.any(axis=0))
    left = share[:, used] @ features.covariance(used, used, START) @ share[:, used].T
    chosen: list[int] = []
    for _ in range(min(count, len(counts))):
        gains = np.square(left).sum(axis=0) / (np.maximum(np.diag(left), 0.0) + NOISE**2)
        gains[chosen] = -1.0
        best = int(np.argmax(gains))
        left = left - np.outer(left[:, best], left[best]) / (left[best, best] + NOISE**2)
        chosen.append(best)
    return chosen


def noise_of(ms: Floats, sd_ms: Sequence[float | None], count: Sequence[int | None]) -> Floats:
    """Return the standard deviation of the logarithm of each time: from the spread of its runs where it is known."""
    known = [
        NOISE if sd is None else max(LEAST_NOISE, sd / np.sqrt(n or 1) / t)
        for t, sd, n in zip(ms, sd_ms, count, strict=True)
    ]
    return np.array(known, dtype=np.float64)
