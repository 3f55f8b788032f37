"""Goal of timing whole networks, without their blocks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from edgenas.latency_tables.records import Piece
from edgenas.latency_tables.store.lines import Record
from edgenas.profiler.goals import Known
from edgenas.profiler.plan import Plan
from edgenas.profiler.stopping import StoppingRule, cut
from edgenas.profiler.work import Item

_AT_ONCE = 8  # most networks of a batch: all of them are in the device's memory at once


@dataclass(frozen=True, slots=True)
class WholeGoal:
    """Each of ``networks``, given as its blocks without skips, measured until the stopping rule ``enough`` is met."""

    networks: tuple[Piece, ...]
    enough: StoppingRule

    def next(self, known: Known, plan: Plan, failed: Collection[Piece]) -> tuple[Sequence[Record], Sequence[Item]]:
        """See ``edgenas.profiler.goals.Goal.next``."""
        passes = self.enough.passes(known.table, [network for network in self.networks if network not in failed])
        return [], list(cut(passes, (), plan, _AT_ONCE, failed, self.enough.processes))
