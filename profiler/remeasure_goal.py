"""Goal of measuring blocks of a table again: a given number of additional fresh processes for each block."""

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

SENTINELS = 3  #: number of sentinels in each batch
MOST_TRIES = 3  #: most processes tried, as a multiple of the requested number, where drift keeps voiding them


@dataclass(frozen=True, slots=True)
class RemeasureGoal:
    """Goal of measuring each piece in additional fresh processes.

    wanted      (piece, total number of processes with valid rounds, number of the first new process)
    processes   number of additional processes
    old         batches whose rounds are not voided anew, since other blocks depend on them
    """

    wanted: tuple[tuple[Piece, int, int], ...]
    processes: int
    old: frozenset[str | None] = frozenset()
    batch_blocks: int = 64

    @classmethod
    def of(
        cls, table: LatencyTable, blocks: Sequence[BlockSpec], processes: int, chains: bool = False
    ) -> RemeasureGoal:
        """Return the goal of ``processes`` more for each of ``blocks`` than ``table`` has; with ``chains`` also inside
        chains."""
        first = _next_numbers(table)
        wanted = [(p, _known(table, p) + processes, first.get(p, 0)) for p in pieces_of(blocks, chains)]
        return cls(tuple(wanted), processes, frozenset(m.batch for m in table.measurements))

    def next(self, known: Known, plan: Plan, failed: Collection[Piece]) -> tuple[Sequence[Record], Sequence[Item]]:
        """See ``Goal.next``. A piece whose rounds drift keeps voiding is given up after MOST_TRIES x ``processes`` new
        processes."""
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
    """Return the number of processes that measured ``piece``, void rounds left out."""
    return len(table.processes(piece)) if piece in table else 0


def _next_numbers(table: LatencyTable) -> dict[Piece, int]:
    """Return the number of each piece's next process."""
    found: dict[Piece, int] = {}
    for m in table.measurements:
        if m.purpose == "table":
            found[m.piece] = max(found.get(m.piece, 0), m.process + 1)
    return found
