"""What a campaign still has to measure: pieces cut into batches, given out to whoever asks, taken back when lost."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from edgenas.blocks.counts import weight_bytes
from edgenas.latency_tables.records import Piece, Purpose
from edgenas.profiler.plan import Plan

BATCH_BYTES = 64 << 20  # of model files: what a small board can hold twice
BATCH_S = 60.0  # of measuring, estimated: what is lost when the power goes
_SLOW_MACS_PER_S = 1e9  # what the estimate takes the device for: one core of a small board at float32


@dataclass(frozen=True, slots=True)
class CampaignProgress:
    """Told after every batch: (piece, process) pairs measured and wanted, failures, and seconds left as it looks; which
    ``device`` measured the batch, and how warm it was then; pieces that are ``unstable`` so far."""

    done: int
    total: int
    failed: int
    eta_s: float
    device: str = ""
    temperature_c: float | None = None
    unstable: int = 0

    @property
    def note(self) -> str:
        """Who, how warm, how many unstable."""
        heat = None if self.temperature_c is None else f"{self.temperature_c:.0f} °C"
        unstable = f"{self.unstable} unstable" if self.unstable else None
        return ", ".join(part for part in (self.device, heat, unstable) if part)


@dataclass(frozen=True, slots=True)
class Item:
    """A batch for one fresh process: what to measure, and ``sentinels`` beside it; ``batch`` names it, or is '' for a
    name made from what it is. ``again``: each was measured as often as all are, and is not known yet."""

    process: int
    pieces: tuple[Piece, ...]
    purpose: Purpose = "table"
    sentinels: tuple[Piece, ...] = ()
    batch: str = ""
    again: bool = False


#: Asked for what is to be measured next, given what has failed in this campaign; nothing ends it.
WorkProvider = Callable[[Collection[Piece]], Sequence[Item]]


class WorkQueue:
    """Batches in order. Safe to use from several threads.

    ``more`` is asked whenever all batches are done; a piece that failed is left out of what is given out later.
    """

    def __init__(self, more: WorkProvider, plan: Plan, progress: Callable[[CampaignProgress], None]) -> None:
        self._queue: deque[Item] = deque()
        self._more, self._plan, self._progress = more, plan, progress
        self._out = 0
        self._finished = False
        self._broken: set[Piece] = set()
        self._changed = threading.Condition()
        self._total, self._estimated_s = 0, 0.0
        self._begin, self._worked_s = time.monotonic(), 0.0
        self.measured = self._failed = self._unstable = 0

    def take(self, first: Callable[[Item], bool] = lambda item: False) -> Item | None:
        """The next batch, or a later one for which ``first`` holds; waits while what others have may come back. None
        when everything is done."""
        with self._changed:
            while True:
                item = self._next(first)
                if item is not None or self._finished:
                    break
                if self._out:
                    self._changed.wait(0.5)
                else:
                    self._refill()
            self._out += item is not None
            return item

    def done(
        self, item: Item, measured: int, failed: Collection[Piece], device: str, temperature_c: float | None
    ) -> None:
        """``item`` is measured and on the disk, but for the pieces that ``failed``; by whom, see Progress."""
        with self._changed:
            self._out -= 1
            self._broken.update(failed)
            self.measured += measured
            self._failed += len(failed)
            self._worked_s += self._seconds(item)
            pace = (time.monotonic() - self._begin) / self._worked_s
            left_s = max(0.0, pace * (self._estimated_s - self._worked_s))
            told = CampaignProgress(
                self.measured, self._total, self._failed, left_s, device, temperature_c, self._unstable
            )
            self._progress(told)
            self._changed.notify_all()

    def give_back(self, item: Item) -> None:
        """``item`` was not measured; the next who asks gets it."""
        with self._changed:
            self._out -= 1
            self._queue.appendleft(item)
            self._changed.notify_all()

    @property
    def finished(self) -> bool:
        """Nothing is left to be measured."""
        with self._changed:
            return self._finished

    def _refill(self) -> None:
        items = self._more(self._broken)
        self._queue.extend(items)
        self._total += sum(len(item.pieces) for item in items)
        self._estimated_s += sum(self._seconds(item) for item in items)
        self._finished = not items
        if items:  # what is unstable in the end, the table says
            self._unstable = len({piece for item in items if item.again for piece in item.pieces})

    def _next(self, first: Callable[[Item], bool]) -> Item | None:
        self._queue = deque(item for item in map(self._whole, self._queue) if item.pieces)
        item = next(filter(first, self._queue), self._queue[0] if self._queue else None)
        if item is not None:
            self._queue.remove(item)
        return item

    def _whole(self, item: Item) -> Item:
        """``item`` less the pieces that failed since it was cut."""
        return replace(item, pieces=tuple(piece for piece in item.pieces if piece not in self._broken))

    def _seconds(self, item: Item) -> float:
        return sum(estimate_s(piece, self._plan) for piece in (*item.pieces, *item.sentinels))


def estimate_s(piece: Piece, plan: Plan) -> float:
    """Seconds that measuring a piece once takes on a slow device: warm-up and rounds."""
    once_s = max(sum(block.macs for block in piece) / _SLOW_MACS_PER_S, plan.min_sample_us / 1e6)
    turn_s = max(once_s, min(plan.samples * once_s, plan.max_round_ms / 1e3))
    warmup_s = max(plan.warmup_ms / 1e3, plan.warmup_runs * once_s)
    return min(warmup_s, max(plan.warmup_limit_ms / 1e3, once_s)) + plan.rounds * turn_s


def batches(pieces: Sequence[Piece], plan: Plan, most: int) -> Iterator[list[Piece]]:
    """Cut into runs of at most ``most`` pieces that stay within BATCH_BYTES and BATCH_S; one is always allowed."""
    batch: list[Piece] = []
    seconds, size = 0.0, 0
    for piece in pieces:
        piece_s, piece_bytes = estimate_s(piece, plan), sum(map(weight_bytes, piece))
        full = seconds + piece_s > BATCH_S or size + piece_bytes > BATCH_BYTES or len(batch) == most
        if batch and full:
            yield batch
            batch, seconds, size = [], 0.0, 0
        batch.append(piece)
        seconds += piece_s
        size += piece_bytes
    if batch:
        yield batch
