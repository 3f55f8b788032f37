"""Comparison of two campaigns over the same blocks: the whole table, the scatter, and block by block.

Every number is a ratio: time in the second table over time in the first. Three tests keep one cause to one finding:

    factor    Is the whole table faster or slower? The median ratio, with the order statistics that enclose it with
              95 % confidence. It is a finding when its distance from 1 exceeds the half-widths of half of the blocks'
              intervals: a difference within the blocks' own uncertainty is no contradiction.
    scatter   Are more blocks outside their 95 % intervals around the factor than chance puts there (1 in 20)? Then
              the intervals are too narrow, or many blocks have changed.
    blocks    Which blocks deviate from the factor? Benjamini and Hochberg's procedure (JRSS B 57, 1995) over all
              blocks: at most 4 % of the blocks that it names are named by chance, and for campaigns that agree it
              names none in 96 % of pairs.

The interval of a block's ratio combines those of both tables, the wider side of each, as independent: half-widths of
logarithms add up as the root of their squares. The probability of a ratio further from the factor follows an
exponential tail that is 0.05 at the end of the interval. Such a tail is heavier than a normal one, since an interval
from a few processes is itself uncertain.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgenas.base.counted import counted
from edgenas.base.errors import InputError
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.statistics.estimates import DEFAULT
from edgenas.latency_tables.table import LatencyTable

CONFIDENCE = 0.95
NAMED_BY_CHANCE = 0.04  #: false discovery rate: largest share of the named blocks that are named by chance
SCATTER_BY_CHANCE = 0.01  #: significance level of the scatter


@dataclass(frozen=True, slots=True)
class BlockPair:
    """A block that both tables hold.

    low, high     95 % interval of the block's ratio
    probability   probability that chance takes the ratio at least as far from the common factor; ``low``, ``high`` and
                  ``probability`` are None where a table gives no interval or one of width 0
    off           whether the block is faster or slower than the common factor explains
    """

    block: BlockSpec
    first_ms: float
    second_ms: float
    low: float | None = None
    high: float | None = None
    probability: float | None = None
    off: bool = False

    @property
    def ratio(self) -> float:
        """Time in the second table over time in the first."""
        return self.second_ms / self.first_ms

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "block": str(self.block),
            "first_ms": self.first_ms,
            "second_ms": self.second_ms,
            "ratio": self.ratio,
            "low": self.low,
            "high": self.high,
            "probability": self.probability,
            "off": self.off,
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Result of comparing two tables.

    cells       the blocks of both tables, in the first table's order
    factor      median ratio, with its 95 % interval ``low`` .. ``high``
    shifted     whether the factor is a finding
    judged      number of blocks with an interval
    outside     number of those outside their intervals around the factor
    scattered   whether ``outside`` is more than chance explains
    only_first, only_second   blocks that only one of the tables holds
    """

    cells: tuple[BlockPair, ...]
    factor: float
    low: float
    high: float
    shifted: bool
    judged: int
    outside: int
    scattered: bool
    only_first: tuple[BlockSpec, ...]
    only_second: tuple[BlockSpec, ...]

    @property
    def off(self) -> tuple[BlockPair, ...]:
        """Blocks that deviate from the factor, the largest deviation first."""
        return tuple(sorted((c for c in self.cells if c.off), key=lambda c: -abs(math.log(c.ratio / self.factor))))

    @property
    def agree(self) -> bool:
        """Return whether there is no finding: no shift, no scatter and no deviating block."""
        return not (self.shifted or self.scattered or self.off)

    def findings(self) -> list[str]:
        """Return one line for each finding."""
        found = []
        if self.shifted:
            found.append(f"everything together is {_times(self.factor)} ({self.low:.4g} .. {self.high:.4g})")
        if self.scattered:
            chance = (1 - CONFIDENCE) * self.judged
            found.append(f"{self.outside} of {self.judged} blocks are outside their intervals, {chance:.3g} by chance")
        if self.off:
            found.append(
                f"{len(self.off)} of {counted(self.judged, 'block')} off by themselves, most of all {self.off[0].block}"
            )
        return found


def compare(first: LatencyTable, second: LatencyTable, statistic: str = DEFAULT) -> Comparison:
    """Compare two tables over the blocks that both hold; InputError where they share none."""
    shared = [block for block in first.blocks if not second.missing([block])]
    if not shared:
        raise InputError("the tables have no block in common: profile the same space for both")
    log_ratio, half = np.empty(len(shared)), np.empty(len(shared))
    for i, block in enumerate(shared):
        (a, a_half), (b, b_half) = (_log_ms(table, block, statistic) for table in (first, second))
        log_ratio[i], half[i] = b - a, math.hypot(a_half, b_half) if a_half > 0 and b_half > 0 else math.inf
    factor, low, high = _median(log_ratio)
    cells = [BlockPair(b, first.ms(b, statistic), second.ms(b, statistic)) for b in shared]
    known = np.flatnonzero(np.isfinite(half))
    away = np.abs(log_ratio - factor)[known] / half[known]
    probability = (1 - CONFIDENCE) ** away
    for i, p, off in zip(known.tolist(), probability.tolist(), _named(probability).tolist(), strict=True):
        low_i, high_i = (math.exp(log_ratio[i] + side * half[i]) for side in (-1, 1))
        cells[i] = replace(cells[i], low=low_i, high=high_i, probability=p, off=off)
    outside = int((away > 1).sum())
    return Comparison(
        tuple(cells),
        math.exp(factor),
        math.exp(low),
        math.exp(high),
        shifted=bool(len(known) and low * high > 0 and abs(factor) > np.median(half[known])),
        judged=len(known),
        outside=outside,
        scattered=_by_chance(outside, len(known)) < SCATTER_BY_CHANCE,
        only_first=_only_first(first, second),
        only_second=_only_first(second, first),
    )


def _only_first(first: LatencyTable, second: LatencyTable) -> tuple[BlockSpec, ...]:
    """Return the blocks of ``first`` that ``second`` lacks."""
    return tuple(second.missing(first.blocks))


def _log_ms(table: LatencyTable, block: BlockSpec, statistic: str) -> tuple[float, float]:
    """Return the logarithm of the estimate in ms and the wider half-width of its interval; 0 where the interval is
    unusable."""
    ms = table.ms(block, statistic)
    low, high = table.interval(block, statistic, CONFIDENCE)
    if not 0 < low <= ms <= high < math.inf:
        return math.log(ms), 0.0
    return math.log(ms), max(math.log(high / ms), math.log(ms / low))


def _median(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the median and the order statistics that enclose it with 95 % confidence; the extremes where the values
    are too few."""
    from scipy.stats import binom

    rank = max(int(binom.ppf((1 - CONFIDENCE) / 2, len(values), 0.5)) - 1, 0)
    ordered = np.sort(values)
    return float(np.median(values)), float(ordered[rank]), float(ordered[-1 - rank])


def _named(probability: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return a mask of the blocks that Benjamini and Hochberg's procedure selects: all p-values up to the largest p(k)
    <= k / n x NAMED_BY_CHANCE.
    """
    order = np.sort(probability)
    below = np.flatnonzero(order <= NAMED_BY_CHANCE * np.arange(1, len(order) + 1) / max(len(order), 1))
    return probability <= (order[below[-1]] if len(below) else -1.0)


def _by_chance(outside: int, judged: int) -> float:
    """Return the probability that at least ``outside`` of ``judged`` blocks are outside a 95 % interval by chance."""
    from scipy.stats import binom

    return float(binom.sf(outside - 1, judged, 1 - CONFIDENCE))


def _times(factor: float) -> str:
    return f"{100 * abs(factor - 1):.3g} % {'slower' if factor > 1 else 'faster'}"
