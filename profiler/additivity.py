"""Goal of a validation: time whole networks beside their blocks, to test whether sums of blocks hold on a device."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from edgenas.latency_tables.records import HeldOut, Piece
from edgenas.latency_tables.store.lines import Record
from edgenas.profiler.goals import Known
from edgenas.profiler.plan import Plan
from edgenas.profiler.stopping import pieces_of
from edgenas.profiler.work import BATCH_S, Item, estimate_s

_PIECES = 200  # most pieces of a batch: all of them are in the device's memory at once


@dataclass(frozen=True, slots=True)
class NetworksGoal:
    """The networks of ``held_out``, each measured in ``held_out.target`` fresh processes, interleaved with their
    blocks; with ``chains``, blocks are measured inside chains too. A stopped campaign is continued with the same
    ``held_out``: only missing measurements are requested."""

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
                missing = [p for p in group if p not in failed and p not in done.get(batch, set())]
                if missing:
                    items.append(Item(process, tuple(missing), "validation", (), batch))
        return ([] if self.held_out in known.validations else [self.held_out]), items

    def _groups(self, plan: Plan) -> list[list[Piece]]:
        """Return groups of networks with their blocks, as many networks per process as fit; each block once per
        group."""
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
