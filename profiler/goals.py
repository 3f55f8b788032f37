"""What a campaign is for: asked what to measure next, given what the table holds, until the answer is nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.records import HeldOut, Piece, VoidedRounds, piece_text
from edgenas.latency_tables.statistics.drift import SentinelBatch, drifted
from edgenas.latency_tables.statistics.estimates import Times
from edgenas.latency_tables.store.lines import Record
from edgenas.latency_tables.table import LatencyTable, void_rounds
from edgenas.profiler.plan import Plan
from edgenas.profiler.stopping import StoppingRule, choose_sentinels, cut, even_batches, pieces_of
from edgenas.profiler.work import Item


@dataclass(frozen=True, slots=True)
class Known:
    """What a table's file holds so far."""

    table: LatencyTable
    validations: tuple[HeldOut, ...]


class Goal(Protocol):
    """A purpose of measuring."""

    def next(self, known: Known, plan: Plan, failed: Collection[Piece]) -> tuple[Sequence[Record], Sequence[Item]]:
        """Records to append before anything else is measured, and the batches to measure next; no batch ends the
        campaign. What has ``failed`` in this campaign is not asked for again."""
        ...


@dataclass(frozen=True, slots=True)
class BlocksGoal:
    """Every block known well enough, drift left out. ``devices`` share the work."""

    blocks: tuple[BlockSpec, ...]
    enough: StoppingRule
    chains: bool
    batch_blocks: int
    devices: int

    def next(self, known: Known, plan: Plan, failed: Collection[Piece]) -> tuple[Sequence[Record], Sequence[Item]]:
        """See ``Goal.next``."""
        pieces = pieces_of(self.blocks, self.chains)
        sentinels = choose_sentinels(known.table, pieces, self.enough.sentinels)
        table, voids = known.table, new_voids(known.table, sentinels)
        if voids:
            table = replace(table, voids=(*table.voids, *voids))
        most = even_batches(self.enough.processes, len(pieces), self.batch_blocks, self.devices)
        left = [piece for piece in pieces if piece not in failed]
        passes = self.enough.passes(table, left)
        return voids, list(cut(passes, sentinels, plan, most, failed, self.enough.processes))


def new_voids(table: LatencyTable, sentinels: Sequence[Piece]) -> list[VoidedRounds]:
    """Rounds that the sentinels say were off, each device on its own, and that are not void yet."""
    series: dict[str, dict[str, dict[str, list[Times]]]] = {}  # device -> batch -> sentinel -> rounds
    for m in table.measurements:
        if m.piece in sentinels and m.batch and m.purpose != "validation":
            series.setdefault(m.device, {}).setdefault(m.batch, {})[piece_text(m.piece)] = m.rounds_ms()
    known = void_rounds(table.voids)
    found = []
    for batches in series.values():
        whole = [SentinelBatch(name, times) for name, times in batches.items() if len(times) == len(sentinels)]
        for stretch in drifted(whole):
            if not set(range(stretch.first, stretch.last + 1)) <= known.get(str(stretch.batch), set()):
                found.append(VoidedRounds(str(stretch.batch), stretch.first, stretch.last, stretch.share))
    return found
