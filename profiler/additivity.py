"""Whole networks timed beside the blocks they are sums of: what proves, on this device, that sums can be trusted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from edgenas.latency_tables.records import HeldOut, Piece
from edgenas.latency_tables.store.lines import Record
from edgenas.profiler.goals import Known
from edgenas.profiler.plan import Plan
from edgenas.profiler.stopping import pieces_of
from edgenas.profiler.work import BATCH_S, Item, estimate_s

_PIECES = 200  # a batch: they all lie in the device's memory at once


@dataclass(frozen=True, slots=True)
class NetworksGoal:
    """The networks of ``held_out``, each in as many fresh processes as it says, interleaved with their blocks, with
    ``chains`` also inside one. Goes on where it was stopped: the same ``held_out`` asks for what is lacking."""

    held_out: HeldOut
    chains: bool

    def next(self, known: Known, plan: Plan, failed: Collection[Piece]) -> tuple[Sequence[Record], Sequence[Item]]:
        """See ``edgenas.profiler.goals.Goal.next``."""
        done: dict[str, set[Piece]] = {}
        for m in known.table.measurements:
            if m.purpose == "validation":
                done.setdefault(m.batch, set()).add(m.piece)
        items = []
        for process in range(self.held_out.target):
            for number, group in enumerate(self._groups(plan)):
                batch = f"{self.held_out.id}/{number}/{process}"
                left = [p for p in group if p not in failed and p not in done.get(batch, set())]
                if left:
                    items.append(Item(process, tuple(left), "validation", (), batch))
        return ([] if self.held_out in known.validations else [self.held_out]), items

    def _groups(self, plan: Plan) -> list[list[Piece]]:
        """Networks with their blocks, as many a process as fit; a block comes once a group."""
        groups: list[dict[Piece, None]] = []
        seconds = 0.0
        for network in self.held_out.networks:
            own = dict.fromkeys((network, *pieces_of(network, self.chains)))
            group = groups[-1] if groups else {}
            added_s = sum(estimate_s(piece, plan) for piece in own if piece not in group)
            if not groups or seconds + added_s > BATCH_S or len({**group, **own}) > _PIECES:
                groups.append({})
                seconds, added_s = 0.0, sum(estimate_s(piece, plan) for piece in own)
            groups[-1].update(own)
            seconds += added_s
        return [list(group) for group in groups]
