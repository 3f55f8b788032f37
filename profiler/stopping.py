"""Measuring until it is known: which blocks want another fresh process, and which batches drift has spoiled."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

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
    """When a block counts as known.

    processes   fresh processes that measure every block at least
    most        fresh processes at most; a block that is not known then is ``unstable``
    within      half the width of the 95 % interval of ``statistic``, as a share of it, that is narrow enough
    statistic   the median by default: beside neighbours, moments as quiet as a minimum come rarely
    sentinels   blocks measured again in every batch, to see drift; 0 for none
    """

    processes: int = 3
    most: int = 10
    within: float = 0.02
    statistic: str = estimates.DEFAULT
    sentinels: int = 3

    def __post_init__(self) -> None:
        if not 1 <= self.processes <= self.most:
            raise InputError(f"{self.processes} processes at least and {self.most} at most: name 1 <= least <= most")
        if not 0 < self.within < 1:
            raise InputError(f"an interval within {self.within:g} is not a share between 0 and 1, such as 0.02")
        estimates.check_statistic(self.statistic)

    @classmethod
    def exactly(cls, processes: int) -> StoppingRule:
        """So many processes, whatever they find, and no sentinels."""
        return cls(processes, processes, sentinels=0)

    def known(self, table: LatencyTable, piece: Piece) -> bool:
        """Whether ``piece`` has been measured often enough, rounds that drift has spoiled left out."""
        if piece not in table or piece in table.drifted:
            return False
        times = table.processes(piece)
        return len(times) >= self.processes and estimates.settled(times, self.statistic, self.within)

    def unstable(self, table: LatencyTable, pieces: Sequence[Piece]) -> tuple[Piece, ...]:
        """Those of ``pieces`` that were measured, and are not known to within ``within``."""
        return tuple(p for p in pieces if p in table and not self.known(table, p))

    def passes(self, table: LatencyTable, pieces: Sequence[Piece]) -> list[list[Piece]]:
        """What each fresh process is to measure next: first what every piece needs at least, then one more process for
        what is not yet known; empty when all are known or measured ``most`` times."""
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
    """What is measured for ``blocks``: each alone, and with ``chains`` in a chain, with the ends of the chains alone;
    each once, skips never."""
    wanted = [block for block in blocks if block.kind != "skip"]
    pieces: list[Piece] = [(block,) for block in wanted]
    if chains:
        pieces += [(end,) for block in wanted for end in ends(block) if end is not None]
        pieces += [chain(block) for block in wanted]
    return tuple(dict.fromkeys(pieces))


def choose_sentinels(table: LatencyTable, pieces: Sequence[Piece], how_many: int) -> tuple[Piece, ...]:
    """Those the table has already, or else blocks spread over the range of MACs."""
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
    """Batches of at most ``most`` pieces, process after process, less what has ``failed``; from process ``least`` on
    they are of what is not known yet."""
    beside = tuple(piece for piece in sentinels if piece not in failed)
    for process, pieces in enumerate(passes):
        for batch in batches([piece for piece in pieces if piece not in failed], plan, most):
            again = least is not None and process >= least
            yield Item(process, tuple(batch), "table", tuple(p for p in beside if p not in batch), again=again)


def even_batches(processes: int, blocks: int, most: int, devices: int) -> int:
    """Blocks a batch, so that each device of a pool gets as many batches as the others. Of all blocks, not of those
    that lack: a campaign that goes on cuts as it did before, and finds what devices have kept."""
    if devices == 1:
        return most
    even = math.ceil(processes * math.ceil(blocks / most) / devices) * devices
    return max(1, math.ceil(processes * blocks / max(even, 1)))
