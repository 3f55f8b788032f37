"""How long profiling a space takes: an estimate from its number of blocks, and the pace that a table recorded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from edgenas.blocks.size import ImageSize, axes

if TYPE_CHECKING:
    from edgenas.latency_tables.table import LatencyTable

PROCESSES = 3  #: fresh processes of each block, at least; up to ten where they disagree
#: seconds a block with these processes at 224 pixels, LiteRT on one thread of a computer with two cores (30 Nov 2026)
BLOCK_S = 2.3
LEAST_S = 0.25  #: the same for the small blocks of the demo: what loading and warming up take, however small a block is
PAUSE_S = 30.0  #: longest time between two batches of a campaign that goes on


def typical_s(blocks: int, in_size: ImageSize) -> float:
    """Estimate the seconds that profiling so many blocks takes on a computer, at the pace of known campaigns: in
    proportion to the number of pixels, and not less than the start of a process takes."""
    high, wide = axes(in_size)
    return blocks * max(LEAST_S, BLOCK_S * high * wide / 224**2)


def pace_s(table: LatencyTable) -> float | None:
    """Return the seconds that one block took in one process, by the host times that the table recorded before and after
    each batch; None where it has none. Time between two batches counts up to PAUSE_S: the campaign was stopped then."""
    spans: dict[str, set[tuple[datetime, datetime]]] = {}
    blocks = 0
    for one in table.measurements:
        begin, end = one.before.get("time"), one.after.get("time")
        if one.purpose == "table" and isinstance(begin, str) and isinstance(end, str):
            spans.setdefault(one.device, set()).add((datetime.fromisoformat(begin), datetime.fromisoformat(end)))
            blocks += len(one.piece)
    seconds = sum(_busy_s(sorted(each)) for each in spans.values())
    return seconds / blocks if seconds > 0 else None


def _busy_s(batches: Sequence[tuple[datetime, datetime]]) -> float:
    """Return the seconds of the batches of one device, and between them."""
    within = sum((end - begin).total_seconds() for begin, end in batches)
    between = ((later[0] - batch[1]).total_seconds() for batch, later in pairwise(batches))
    return within + sum(min(max(0.0, pause_s), PAUSE_S) for pause_s in between)
