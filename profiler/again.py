"""Measuring again what a table holds already: so many more fresh processes for each block, whatever it knows of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from blocks.spec import BlockSpec
from latency_tables.lines import Record
from latency_tables.records import Piece
from latency_tables.table import LatencyTable
from profiler.enough import choose_sentinels, cut, pieces_of
from profiler.goals import Known, new_voids
from profiler.plan import Plan
from profiler.work import Item

SENTINELS = 3


@dataclass(frozen=True, slots=True)
class Again:
    """``wanted`` are the numbers of the fresh processes that are to measure each piece."""

    wanted: tuple[tuple[Piece, tuple[int, ...]], ...]
    batch_blocks: int = 64

    @classmethod
    def of(cls, table: LatencyTable, blocks: Sequence[BlockSpec], processes: int, chains: bool = False) -> Again:
        """``processes`` more for each of ``blocks`` than ``table`` has; with ``chains`` also inside one."""
        done: dict[Piece, int] = {}
        for m in table.measurements:
            if m.purpose == "table":
                done[m.piece] = max(done.get(m.piece, 0), m.process + 1)
        pieces = pieces_of(blocks, chains)
        return cls(tuple((p, tuple(range(done.get(p, 0), done.get(p, 0) + processes))) for p in pieces))

    def next(self, known: Known, plan: Plan, failed: Collection[Piece]) -> tuple[Sequence[Record], Sequence[Item]]:
        """See ``Goal.next``."""
        done = {(m.piece, m.process) for m in known.table.measurements if m.purpose == "table"}
        most = max((numbers[-1] + 1 for _, numbers in self.wanted), default=0)
        passes: list[list[Piece]] = [[] for _ in range(most)]
        for piece, numbers in self.wanted:
            for number in numbers:
                if (piece, number) not in done:
                    passes[number].append(piece)
        sentinels = choose_sentinels(known.table, [piece for piece, _ in self.wanted], SENTINELS)
        return new_voids(known.table, sentinels), list(cut(passes, sentinels, plan, self.batch_blocks, failed))
