"""Goals of campaigns: choose the next batches from the contents of the table, until no batch is left."""

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
    """Contents of a table's file so far."""

    table: LatencyTable
    validations: tuple[HeldOut, ...]


class Goal(Protocol):
    """Goal of a campaign, which chooses the batches to measure."""

    def next(self, known: Known, plan: Plan, failed: Collection[Piece]) -> tuple[Sequence[Record], Sequence[Item]]:
        """Return the records to append before the next measurement, and the next batches; no batches end the campaign.
        Pieces that have ``failed`` in this campaign are not requested again."""
        ...


@dataclass(frozen=True, slots=True)
class BlocksGoal:
    """Goal of measuring each block until the stopping rule ``enough`` is met, without rounds voided by drift.

    chains         whether blocks are measured inside chains too
    batch_blocks   most blocks of a batch
    devices        number of devices that share the work
    """

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
    """Return the rounds that drifted by the sentinels, device by device, and that are not void yet."""
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
