"""Choice of the blocks to measure: those that reduce the uncertainty of the networks of a space most.

Greedy A-optimal design (Krause, Singh and Guestrin, JMLR 9, 2008, compare such criteria; Pukelsheim, Optimal
Design of Experiments, 2006, chapter 6): the next block is the one that reduces the mean variance of log(time) over
networks of the space most. This variance depends on what is measured, and not on the results, so that the choice is
made before.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgenas.latency_tables.prediction.ratio_kernel import START, Features, Floats, Ints

_NOISE = 1e-4  # variance of the logarithm of a measured time
_AT_ONCE = 512  # blocks whose covariance with all others is computed at once, to bound memory


class NetworkVariance:
    """The variance of networks, given as ``counts`` (networks, blocks), as blocks are measured one after another;
    ``ms`` are expected times of the blocks."""

    def __init__(self, features: Features, counts: Floats, ms: Floats) -> None:
        parts = counts * ms
        self._features, self._share = features, parts / parts.sum(axis=1)[:, None]
        every = np.arange(len(ms))
        pieces = [every[i : i + _AT_ONCE] for i in range(0, len(ms), _AT_ONCE)]
        self._with_networks = np.hstack([self._share @ features.covariance(every, piece, START) for piece in pieces])
        self._variances = features.variances(START)
        self._rows: list[Floats] = []
        self.variances = (self._with_networks * self._share).sum(axis=1)  #: of log(time) of each network
        self.measured: list[int] = []

    @property
    def half_width(self) -> float:
        """Mean over the networks of the half-width of a 90 % interval, as a share of the time."""
        return float(1.645 * np.sqrt(np.maximum(self.variances, 0.0)).mean())

    def gains(self) -> Floats:
        """Return for each block the reduction of the mean variance of networks if it is measured next."""
        gains = np.square(self._with_networks).mean(axis=0) / (np.maximum(self._variances, 0.0) + _NOISE)
        gains[self.measured] = -1.0
        return np.asarray(gains, dtype=np.float64)

    def measure(self, block: int) -> None:
        """Count the block number ``block`` as measured."""
        every = np.arange(len(self._variances))
        column = self._features.covariance(every, np.array([block]), START)[:, 0]
        for row in self._rows:
            column = column - row * row[block]
        scaled = column / np.sqrt(max(column[block], 0.0) + _NOISE)
        networks = self._share @ scaled
        self._with_networks = self._with_networks - np.outer(networks, scaled)
        self._variances = self._variances - scaled**2
        self.variances = self.variances - networks**2
        self._rows.append(scaled)
        self.measured.append(block)


def chosen(design: NetworkVariance, kinds: Ints, count: int) -> list[int]:
    """Measure blocks of ``design`` until ``count`` are measured, and return their numbers. First one of each kind,
    where there is none yet; then any. ``kinds`` (blocks,) are the numbers of their kinds."""
    limit = min(count, len(kinds))
    while len(design.measured) < limit:
        gains = design.gains()
        uncovered = ~np.isin(kinds, kinds[design.measured])
        allowed = uncovered if uncovered.any() else np.ones(len(kinds), dtype=bool)
        design.measure(int(np.argmax(np.where(allowed, gains, -2.0))))
    return list(design.measured)


def needed(design: NetworkVariance, kinds: Ints, half_width: float, most: int) -> int | None:
    """Return the number of measured blocks at which the mean half-width of networks is at most ``half_width``; None
    where ``most`` blocks are too few."""
    while design.half_width > half_width:
        if len(design.measured) >= min(most, len(kinds)):
            return None
        chosen(design, kinds, len(design.measured) + 1)
    return len(design.measured)


def counts_of(networks: Sequence[Sequence[object]], blocks: Sequence[object]) -> Floats:
    """Return how often each of ``blocks`` is in each network: (networks, blocks). Blocks of networks that are not among
    ``blocks``, such as skips, are left out."""
    index = {block: number for number, block in enumerate(blocks)}
    counts = np.zeros((len(networks), len(blocks)))
    for row, network in zip(counts, networks, strict=True):
        for block in network:
            if block in index:
                row[index[block]] += 1
    return counts
