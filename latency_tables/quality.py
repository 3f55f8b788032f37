"""Check of a table before a search: does the latency of a block grow with its work?

Where the overhead of a call exceeds its work (a slow interpreter, an active profiler, a device that waits), all blocks
take about the same time, and their sum counts the overhead once per block instead of once per network. A search over
such a table minimises only the number of blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from edgenas.base.counted import counted
from edgenas.base.errors import OutcomeError
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.imported import ImportedTable

LEAST_BLOCKS = 20
LEAST_RANGE = 3.0  #: smallest range of MACs: 95th over 5th percentile
FLAT = 0.2  #: overhead dominates where latency grows slower than MACs to this power: x2.2 for 50 times the work
WORK = 0.5  #: latency follows work where it grows at least as MACs to this power: x7.1 for 50 times the work
WIDE = 50.0  #: ratio of MACs in messages
MOST_BLOCKS = 1000  #: most blocks used, spread evenly over the MACs: all pairs of them are compared


class CheckedTable(Protocol):
    """The part of a table, measured or imported, that the check uses."""

    @property
    def blocks(self) -> Sequence[BlockSpec]: ...

    def ms(self, block: BlockSpec, statistic: Any) -> float: ...


@dataclass(frozen=True, slots=True)
class Growth:
    """Growth of latency with MACs: as MACs to the power ``slope``, with its 95 % interval ``low`` .. ``high``; all
    three are None where the blocks are too few or too similar.

    blocks       number of blocks with a latency above 0
    macs_range   range of their MACs: 95th over 5th percentile
    assumed      what was assumed about the blocks, whose MACs may therefore be others; '' where they are known
    """

    blocks: int
    macs_range: float
    slope: float | None = None
    low: float | None = None
    high: float | None = None
    assumed: str = ""

    @property
    def dominated(self) -> bool | None:
        """Return True where overhead dominates even at the upper end of the slope's interval, False where latency
        follows work even at its lower end, and None where neither can be told."""
        if self.high is not None and self.high < FLAT:
            return True
        return False if self.low is not None and self.low >= WORK and not self.assumed else None

    @property
    def doubt(self) -> str:
        """The reason why it cannot be told whether overhead dominates; '' where it can."""
        if self.dominated is not None:
            return ""
        if self.low is None:
            return f"it takes at least {LEAST_BLOCKS} blocks and a range of MACs of {LEAST_RANGE:g}"
        if self.assumed:
            return f"{self.assumed}; import it again with the space that it was made for: --space"
        return (
            f"overhead dominates where latency grows less than {WIDE**FLAT:.2g} times, and it follows work from "
            f"{WIDE**WORK:.2g} times on"
        )

    def __str__(self) -> str:
        seen = f"{counted(self.blocks, 'block')}, MACs over a range of {self.macs_range:.3g}"
        if self.slope is None or self.low is None or self.high is None:
            return f"cannot tell whether overhead dominates ({seen}): {self.doubt}"
        times, least, most = (WIDE**power for power in (self.slope, self.low, self.high))
        grows = f"{times:.2g} times slower for {WIDE:g} times the MACs ({least:.2g} .. {most:.2g}; {seen})"
        if self.doubt:
            return f"cannot tell whether overhead dominates: {grows}; {self.doubt}"
        return f"overhead dominates: only {grows}" if self.dominated else f"latency follows work: {grows}"

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "overhead_dominated": self.dominated,
            "slope": self.slope,
            "slope_low": self.low,
            "slope_high": self.high,
            "blocks": self.blocks,
            "macs_range": self.macs_range,
            "doubt": self.doubt,
        }


def growth(table: CheckedTable, statistic: str) -> Growth:
    """Estimate the slope of log ms over log MACs: the median over all pairs of blocks (Theil and Sen, with Sen's
    interval; P. K. Sen, JASA 63, 1968). A few blocks that are fast or slow for their MACs do not move it."""
    pairs = [(block.macs, table.ms(block, statistic)) for block in table.blocks if block.kind != "skip"]
    points = np.array(sorted((macs, ms) for macs, ms in pairs if macs > 0 and ms > 0), dtype=np.float64).reshape(-1, 2)
    assumed = table.source.assumed if isinstance(table, ImportedTable) else ""
    if not len(points):
        return Growth(0, 1.0, assumed=assumed)
    low_macs, high_macs = np.percentile(points[:, 0], [5, 95])
    seen = len(points), float(high_macs / low_macs)
    if seen[0] < LEAST_BLOCKS or seen[1] < LEAST_RANGE:
        return Growth(*seen, assumed=assumed)
    from scipy.stats import theilslopes

    macs, ms = np.log(points[np.linspace(0, len(points) - 1, min(len(points), MOST_BLOCKS)).astype(int)]).T
    slope = theilslopes(ms, macs, 0.95)
    return Growth(*seen, float(slope.slope), float(slope.low_slope), float(slope.high_slope), assumed)


def check_growth(table: CheckedTable, statistic: str, name: str) -> Growth:
    """Return the ``growth`` of a table; OutcomeError, which calls the table ``name``, where overhead dominates."""
    found = growth(table, statistic)
    if found.dominated:
        raise OutcomeError(
            f"{name}: {found}. Its sums count the cost of a call once per block, so a search would count blocks; "
            f"measure with a runtime that costs less per call or at a larger input size (--in-size), or search by MACs "
            f"(--budget-macs)"
        )
    return found
