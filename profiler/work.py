"""The work queue of a campaign: pieces are cut into batches, given to devices, and taken back from lost devices."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from edgenas.base.listener import Listener
from edgenas.blocks.counts import weight_bytes
from edgenas.latency_tables.records import Piece, Purpose
from edgenas.profiler.plan import Plan

BATCH_BYTES = 64 << 20  # most bytes of model files in a batch: a small board can hold twice as many
BATCH_S = 60.0  # longest estimated duration of a batch, s: the most that a power cut loses
_SLOW_MACS_PER_S = 1e9  # MACs per second that the estimate assumes: one core of a small board in float32


@dataclass(frozen=True, slots=True)
class CampaignProgress:
    """State of a campaign after a batch.

    done, total     (piece, process) pairs measured, and requested so far
    failed          number of failures
    eta_s           seconds until the campaign ends, estimated from the measurements so far
    device          name of the device that measured the batch
    temperature_c   temperature of the device after the batch, °C; None where it gives none
    unstable        number of pieces that do not meet the stopping rule yet
    """

    done: int
    total: int
    failed: int
    eta_s: float
    device: str = ""
    temperature_c: float | None = None
    unstable: int = 0

    @property
    def note(self) -> str:
        """Device, temperature and number of unstable pieces, as one text."""
        heat = None if self.temperature_c is None else f"{self.temperature_c:.0f} °C"
        unstable = f"{self.unstable} unstable" if self.unstable else None
        return ", ".join(part for part in (self.device, heat, unstable) if part)


@dataclass(frozen=True, slots=True)
class Item:
    """A batch for one fresh process.

    pieces      pieces to measure
    sentinels   pieces measured with them to detect drift
    batch       name of the batch; '' for a name made from its content
    again       whether its pieces had the minimum number of processes and do not meet the stopping rule yet
    """

    process: int
    pieces: tuple[Piece, ...]
    purpose: Purpose = "table"
    sentinels: tuple[Piece, ...] = ()
    batch: str = ""
    again: bool = False


#: Function from the pieces that failed in this campaign to the next batches; no batches end the campaign.
WorkProvider = Callable[[Collection[Piece]], Sequence[Item]]


class WorkQueue:
    """A queue of batches in order, safe to use from several threads.

    ``more`` is called whenever all batches are done; a piece that failed is left out of later batches.
    """

    def __init__(self, more: WorkProvider, plan: Plan, listener: Listener) -> None:
        self._queue: deque[Item] = deque()
        self._more, self._plan, self._listener = more, plan, listener
        self._out = 0
        self._finished = False
        self._broken: set[Piece] = set()
        self._changed = threading.Condition()
        self._total, self._estimated_s = 0, 0.0
        self._begin, self._worked_s = time.monotonic(), 0.0
        self.measured = self._failed = self._unstable = 0

    def take(self, first: Callable[[Item], bool] = lambda item: False) -> Item | None:
        """Return the next batch, or first a later one for which ``first`` is true; wait while batches of other devices
        may come back. None when all work is done."""
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
        """Record that ``item`` is measured and on the disk, except for the pieces that ``failed``, and report progress;
        ``device`` and ``temperature_c`` are those of ``CampaignProgress``."""
        with self._changed:
            self._out -= 1
            self._broken.update(failed)
            self.measured += measured
            self._failed += len(failed)
            self._worked_s += self._seconds(item)
            pace = (time.monotonic() - self._begin) / self._worked_s
            left_s = max(0.0, pace * (self._estimated_s - self._worked_s))
            state = CampaignProgress(
                self.measured, self._total, self._failed, left_s, device, temperature_c, self._unstable
            )
            self._listener.progress(state.done, state.total, state.note, detail=state)
            self._changed.notify_all()

    def give_back(self, item: Item) -> None:
        """Put ``item``, which was not measured, back at the front of the queue."""
        with self._changed:
            self._out -= 1
            self._queue.appendleft(item)
            self._changed.notify_all()

    @property
    def finished(self) -> bool:
        """Return whether no batch is left to measure."""
        with self._changed:
            return self._finished

    def _refill(self) -> None:
        items = self._more(self._broken)
        self._queue.extend(items)
        self._total += sum(len(item.pieces) for item in items)
        self._estimated_s += sum(self._seconds(item) for item in items)
        self._finished = not items
        if items:  # the last number is kept at the end; the table has the final one
            self._unstable = len({piece for item in items if item.again for piece in item.pieces})

    def _next(self, first: Callable[[Item], bool]) -> Item | None:
        self._queue = deque(item for item in map(self._whole, self._queue) if item.pieces)
        item = next(filter(first, self._queue), self._queue[0] if self._queue else None)
        if item is not None:
            self._queue.remove(item)
        return item

    def _whole(self, item: Item) -> Item:
        """Return ``item`` without the pieces that failed since it was cut."""
        return replace(item, pieces=tuple(piece for piece in item.pieces if piece not in self._broken))

    def _seconds(self, item: Item) -> float:
        return sum(estimate_s(piece, self._plan) for piece in (*item.pieces, *item.sentinels))


def estimate_s(piece: Piece, plan: Plan) -> float:
    """Estimate the seconds that one measurement of a piece takes on a slow device: warm-up and rounds."""
    once_s = max(sum(block.macs for block in piece) / _SLOW_MACS_PER_S, plan.min_sample_us / 1e6)
    turn_s = max(once_s, min(plan.samples * once_s, plan.max_round_ms / 1e3))
    warmup_s = max(plan.warmup_ms / 1e3, plan.warmup_runs * once_s)
    return min(warmup_s, max(plan.warmup_limit_ms / 1e3, once_s)) + plan.rounds * turn_s


def batches(pieces: Sequence[Piece], plan: Plan, most: int) -> Iterator[list[Piece]]:
    """Cut pieces into batches of at most ``most`` pieces within BATCH_BYTES and BATCH_S; a single piece is always
    allowed."""
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
