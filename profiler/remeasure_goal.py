"""Measuring again what a table holds already: so many more fresh processes for each block, whatever it knows of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.records import Piece
from edgenas.latency_tables.store.lines import Record
from edgenas.latency_tables.table import LatencyTable
from edgenas.profiler.goals import Known, new_voids
from edgenas.profiler.plan import Plan
from edgenas.profiler.stopping import choose_sentinels, cut, pieces_of
from edgenas.profiler.work import Item

SENTINELS = 3
MOST_TRIES = 3


@dataclass(frozen=True, slots=True)
class RemeasureGoal:
    """For each piece, how many processes are to have measured it, rounds that drift has spoiled left out, and the
    number of the first that is new. Batches in ``old`` stay as they are: other blocks stand on them."""

    wanted: tuple[tuple[Piece, int, int], ...]
    processes: int
    old: frozenset[str | None] = frozenset()
    batch_blocks: int = 64

    @classmethod
    def of(
        cls, table: LatencyTable, blocks: Sequence[BlockSpec], processes: int, chains: bool = False
    ) -> RemeasureGoal:
        """``processes`` more for each of ``blocks`` than ``table`` has; with ``chains`` also inside one."""
        first = _next_numbers(table)
        wanted = [(p, _known(table, p) + processes, first.get(p, 0)) for p in pieces_of(blocks, chains)]
        return cls(tuple(wanted), processes, frozenset(m.batch for m in table.measurements))

    def next(self, known: Known, plan: Plan, failed: Collection[Piece]) -> tuple[Sequence[Record], Sequence[Item]]:
        """See ``Goal.next``. What drift keeps spoiling is given up after MOST_TRIES times as many processes."""
        sentinels = choose_sentinels(known.table, [piece for piece, *_ in self.wanted], SENTINELS)
        voids = [void for void in new_voids(known.table, sentinels) if void.batch not in self.old]
        table = replace(known.table, voids=(*known.table.voids, *voids))
        numbers, passes = _next_numbers(table), dict[int, list[Piece]]()
        for piece, count, first in self.wanted:
            begin = numbers.get(piece, 0)
            end = min(begin + count - _known(table, piece), first + MOST_TRIES * self.processes)
            for number in range(begin, end):
                passes.setdefault(number, []).append(piece)
        by_number = [passes.get(number, []) for number in range(max(passes, default=-1) + 1)]
        return voids, list(cut(by_number, sentinels, plan, self.batch_blocks, failed))


def _known(table: LatencyTable, piece: Piece) -> int:
    return len(table.processes(piece)) if piece in table else 0


def _next_numbers(table: LatencyTable) -> dict[Piece, int]:
    """Piece -> the number of its next process."""
    found: dict[Piece, int] = {}
    for m in table.measurements:
        if m.purpose == "table":
            found[m.piece] = max(found.get(m.piece, 0), m.process + 1)
    return found
