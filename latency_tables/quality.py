"""Is a table worth searching: does a block's latency depend on what it computes?

Where every call costs more than its work does (a slow interpreter, a profiler left on, a device that waits), all blocks
take about as long, and their sum counts that cost once a block instead of once a network. A search over such a table
minimises the number of blocks and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from edgenas.base.errors import OutcomeError
from edgenas.blocks.spec import BlockSpec

LEAST_BLOCKS = 20
LEAST_RANGE = 3.0  #: of MACs, largest over smallest without the outer twentieths
FLAT = 0.2  #: latency grows as MACs to this power: 2.2 times slower for 50 times the work
WIDE = 50.0
MOST_BLOCKS = 1000  #: looked at, evenly by MACs: pairs of blocks are compared


class CheckedTable(Protocol):
    """What is asked of a table, measured or imported."""

    @property
    def blocks(self) -> Sequence[BlockSpec]: ...

    def ms(self, block: BlockSpec, statistic: Any) -> float: ...


@dataclass(frozen=True, slots=True)
class Growth:
    """How latency grows with MACs: as MACs to the power ``slope``, with a 95 % interval; None where too few blocks, or
    too much alike, do not tell.

    blocks       with a latency above 0
    macs_range   their largest MACs over their smallest, without the outer twentieths
    """

    blocks: int
    macs_range: float
    slope: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def dominated(self) -> bool | None:
        """Whether overhead dominates, even where the slope is the largest it may be; None: cannot tell."""
        return None if self.high is None else self.high < FLAT

    def __str__(self) -> str:
        seen = f"{self.blocks} blocks, MACs over a range of {self.macs_range:.3g}"
        if self.slope is None or self.low is None or self.high is None:
            return f"cannot tell whether overhead dominates ({seen}: it takes {LEAST_BLOCKS} and {LEAST_RANGE:g})"
        times, least, most = (WIDE**power for power in (self.slope, self.low, self.high))
        grows = f"{times:.2g} times slower for {WIDE:g} times the MACs ({least:.2g} .. {most:.2g}; {seen})"
        return f"overhead dominates: only {grows}" if self.dominated else f"latency follows work: {grows}"

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "overhead_dominated": self.dominated,
            "slope": self.slope,
            "slope_low": self.low,
            "slope_high": self.high,
            "blocks": self.blocks,
            "macs_range": self.macs_range,
        }


def growth(table: CheckedTable, statistic: str) -> Growth:
    """The median slope of log ms over log MACs between any two blocks (Theil and Sen, with Sen's interval; P. K. Sen,
    JASA 63, 1968): a few blocks that are fast or slow for their MACs do not move it."""
    pairs = [(block.macs, table.ms(block, statistic)) for block in table.blocks if block.kind != "skip"]
    kept = np.array(sorted((macs, ms) for macs, ms in pairs if macs > 0 and ms > 0), dtype=np.float64).reshape(-1, 2)
    if not len(kept):
        return Growth(0, 1.0)
    low_macs, high_macs = np.percentile(kept[:, 0], [5, 95])
    seen = len(kept), float(high_macs / low_macs)
    if seen[0] < LEAST_BLOCKS or seen[1] < LEAST_RANGE:
        return Growth(*seen)
    from scipy.stats import theilslopes

    macs, ms = np.log(kept[np.linspace(0, len(kept) - 1, min(len(kept), MOST_BLOCKS)).astype(int)]).T
    slope = theilslopes(ms, macs, 0.95)
    return Growth(*seen, float(slope.slope), float(slope.low_slope), float(slope.high_slope))


def check_growth(table: CheckedTable, statistic: str, name: str) -> Growth:
    """``growth``; OutcomeError for a table, called ``name``, that overhead dominates."""
    found = growth(table, statistic)
    if found.dominated:
        raise OutcomeError(
            f"{name}: {found}. Its sums count the cost of a call once a block, so a search over it would count blocks; "
            f"measure with a runtime that costs less a call or at a larger input size (--in-size), or search by MACs "
            f"(--budget-macs)"
        )
    return found
