"""The stopping rule: which blocks need another fresh process; and the cutting of pieces into batches with sentinels."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from edgenas.base.counted import counted
from edgenas.base.errors import InputError
from edgenas.blocks.chains import chain, ends
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.records import Piece
from edgenas.latency_tables.statistics import estimates
from edgenas.latency_tables.table import LatencyTable
from edgenas.profiler.plan import Plan
from edgenas.profiler.work import Item, batches


@dataclass(frozen=True, slots=True)
class StoppingRule:
    """Rule that decides when a block is known well enough.

    processes   fewest fresh processes for every block
    most        most fresh processes; a block that is not known after them is ``unstable``
    within      largest half-width of the 95 % interval of ``statistic``, as a share of the statistic
    statistic   'median' by default: on a machine with other load, moments as quiet as a minimum are rare
    sentinels   number of blocks measured again in every batch, to detect drift; 0 for none
    """

    processes: int = 3
    most: int = 10
    within: float = 0.02
    statistic: str = estimates.DEFAULT
    sentinels: int = 3

    def __post_init__(self) -> None:
        if not 1 <= self.processes <= self.most:
            raise InputError(
                f"{counted(self.processes, 'process')} at least and {self.most} at most: name 1 <= least <= most"
            )
        if not 0 < self.within < 1:
            raise InputError(f"an interval within {self.within:g} is not a share between 0 and 1, such as 0.02")
        estimates.check_statistic(self.statistic)

    @classmethod
    def exactly(cls, processes: int) -> StoppingRule:
        """Return the rule of a fixed number of processes, for any width of the interval, without sentinels."""
        return cls(processes, processes, sentinels=0)

    def known(self, table: LatencyTable, piece: Piece) -> bool:
        """Return whether ``piece`` has been measured often enough, void rounds left out."""
        if piece not in table or piece in table.drifted:
            return False
        times = table.processes(piece)
        return len(times) >= self.processes and estimates.settled(times, self.statistic, self.within)

    def unstable(self, table: LatencyTable, pieces: Sequence[Piece]) -> tuple[Piece, ...]:
        """Return those of ``pieces`` that were measured and do not meet the rule."""
        return tuple(p for p in pieces if p in table and not self.known(table, p))

    def passes(self, table: LatencyTable, pieces: Sequence[Piece]) -> list[list[Piece]]:
        """Return the pieces that each fresh process is to measure next: first the minimum number of processes for every
        piece, then one more process for pieces that do not meet the rule yet; empty when all meet it or were measured
        ``most`` times."""
        done: dict[Piece, set[int]] = {piece: set() for piece in pieces}
        for m in table.measurements:
            if m.purpose == "table" and m.piece in done:
                done[m.piece].add(m.process)
        least = [[p for p in pieces if process not in done[p]] for process in range(self.processes)]
        if any(least):
            return least
        more: list[list[Piece]] = [[] for _ in range(self.most)]
        for piece in pieces:
            if len(done[piece]) < self.most and not self.known(table, piece):
                more[next(n for n in count() if n not in done[piece])].append(piece)
        return more if any(more) else []


def pieces_of(blocks: Sequence[BlockSpec], chains: bool) -> tuple[Piece, ...]:
    """Return the pieces to measure for ``blocks``: each block alone, and with ``chains`` also each in its chain and the
    ends of the chains alone. Each piece is returned once; skips never."""
    wanted = [block for block in blocks if block.kind != "skip"]
    pieces: list[Piece] = [(block,) for block in wanted]
    if chains:
        pieces += [(end,) for block in wanted for end in ends(block) if end is not None]
        pieces += [chain(block) for block in wanted]
    return tuple(dict.fromkeys(pieces))


def choose_sentinels(table: LatencyTable, pieces: Sequence[Piece], how_many: int) -> tuple[Piece, ...]:
    """Return the sentinels that the table has already, or else ``how_many`` blocks spread over the range of MACs."""
    there = tuple(dict.fromkeys(m.piece for m in table.measurements if m.purpose == "sentinel"))
    if there or not how_many:
        return there[:how_many]
    alone = sorted({piece for piece in pieces if len(piece) == 1}, key=lambda piece: (piece[0].macs, str(piece[0])))
    places = [int((i + 0.5) * len(alone) / how_many) for i in range(how_many)] if alone else []
    return tuple(dict.fromkeys(alone[place] for place in places))


def cut(
    passes: Sequence[Sequence[Piece]],
    sentinels: Sequence[Piece],
    plan: Plan,
    most: int,
    failed: Collection[Piece],
    least: int | None = None,
) -> Iterator[Item]:
    """Yield batches of at most ``most`` pieces, process after process, without pieces that have ``failed``. Batches
    from process ``least`` on are marked ``again``: their pieces do not meet the stopping rule yet."""
    beside = tuple(piece for piece in sentinels if piece not in failed)
    for process, pieces in enumerate(passes):
        for batch in batches([piece for piece in pieces if piece not in failed], plan, most):
            again = least is not None and process >= least
            yield Item(process, tuple(batch), "table", tuple(p for p in beside if p not in batch), again=again)


def even_batches(processes: int, blocks: int, most: int, devices: int) -> int:
    """Return the number of blocks per batch with which each device of a pool gets the same number of batches.

    It is computed from all blocks, not from the missing ones: a continued campaign then cuts the same batches as
    before, and collects the results that devices have kept.
    """
    if devices == 1:
        return most
    even = math.ceil(processes * math.ceil(blocks / most) / devices) * devices
    return max(1, math.ceil(processes * blocks / max(even, 1)))
