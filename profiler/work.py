"""What a campaign still has to measure: blocks cut into batches, given out to whoever asks, taken back when lost."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from blocks.counts import weight_bytes
from blocks.spec import BlockSpec
from profiler.plan import Plan

BATCH_BYTES = 64 << 20  # of model files: what a small board can hold twice
BATCH_S = 60.0  # of measuring, estimated: what is lost when the power goes
_SLOW_MACS_PER_S = 1e9  # what the estimate takes the device for: one core of a small board at float32


@dataclass(frozen=True, slots=True)
class Progress:
    """Told after every batch: (block, process) pairs measured and wanted, failures, and seconds left as it looks; which
    ``device`` measured the batch, and how warm it was then."""

    done: int
    total: int
    failed: int
    eta_s: float
    device: str = ""
    temperature_c: float | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A batch of blocks for one fresh process."""

    process: int
    blocks: tuple[BlockSpec, ...]


class Work:
    """Batches in order: process after process, in the order of the blocks. Safe to use from several threads.

    ``lacking`` are the blocks to measure in each process; a block that failed is left out of what is given out later.
    """

    def __init__(
        self, lacking: Sequence[Sequence[BlockSpec]], plan: Plan, most: int, progress: Callable[[Progress], None]
    ) -> None:
        self._queue = deque(
            Item(process, tuple(batch))
            for process, blocks in enumerate(lacking)
            for batch in batches(blocks, plan, most)
        )
        self._plan, self._progress = plan, progress
        self._out = 0
        self._broken: set[BlockSpec] = set()
        self._changed = threading.Condition()
        self._total = sum(len(blocks) for blocks in lacking)
        self._estimated_s = sum(self._seconds(item) for item in self._queue)
        self._begin, self._worked_s = time.monotonic(), 0.0
        self.measured = self._failed = 0

    def take(self, first: Callable[[Item], bool] = lambda item: False) -> Item | None:
        """The next batch, or a later one for which ``first`` holds; waits while what others have may come back. None
        when everything is done."""
        with self._changed:
            while True:
                item = self._next(first)
                if item is not None or not self._out:
                    break
                self._changed.wait(0.5)
            self._out += item is not None
            return item

    def done(
        self, item: Item, measured: int, failed: Sequence[BlockSpec], device: str, temperature_c: float | None
    ) -> None:
        """``item`` is measured and on the disk, but for the blocks that ``failed``; by whom, see Progress."""
        with self._changed:
            self._out -= 1
            self._broken.update(failed)
            self.measured += measured
            self._failed += len(failed)
            self._worked_s += self._seconds(item)
            pace = (time.monotonic() - self._begin) / self._worked_s
            left_s = max(0.0, pace * (self._estimated_s - self._worked_s))
            self._progress(Progress(self.measured, self._total, self._failed, left_s, device, temperature_c))
            self._changed.notify_all()

    def give_back(self, item: Item) -> None:
        """``item`` was not measured; the next who asks gets it."""
        with self._changed:
            self._out -= 1
            self._queue.appendleft(item)
            self._changed.notify_all()

    @property
    def left(self) -> int:
        """How many batches nobody has taken."""
        with self._changed:
            return len(self._queue)

    def _next(self, first: Callable[[Item], bool]) -> Item | None:
        self._queue = deque(item for item in map(self._whole, self._queue) if item.blocks)
        item = next(filter(first, self._queue), self._queue[0] if self._queue else None)
        if item is not None:
            self._queue.remove(item)
        return item

    def _whole(self, item: Item) -> Item:
        """``item`` less the blocks that failed since it was cut."""
        return Item(item.process, tuple(block for block in item.blocks if block not in self._broken))

    def _seconds(self, item: Item) -> float:
        return sum(estimate_s(block, self._plan) for block in item.blocks)


def estimate_s(block: BlockSpec, plan: Plan) -> float:
    """Seconds that measuring a block once takes on a slow device: warm-up and rounds."""
    once_s = max(block.macs / _SLOW_MACS_PER_S, plan.min_sample_us / 1e6)
    turn_s = max(once_s, min(plan.samples * once_s, plan.max_round_ms / 1e3))
    warmup_s = max(plan.warmup_ms / 1e3, plan.warmup_runs * once_s)
    return min(warmup_s, max(plan.warmup_limit_ms / 1e3, once_s)) + plan.rounds * turn_s


def batches(blocks: Sequence[BlockSpec], plan: Plan, most: int) -> Iterator[list[BlockSpec]]:
    """Cut into runs of at most ``most`` blocks that stay within BATCH_BYTES and BATCH_S; one is always allowed."""
    batch: list[BlockSpec] = []
    seconds, size = 0.0, 0
    for block in blocks:
        block_s, block_bytes = estimate_s(block, plan), weight_bytes(block)
        full = seconds + block_s > BATCH_S or size + block_bytes > BATCH_BYTES or len(batch) == most
        if batch and full:
            yield batch
            batch, seconds, size = [], 0.0, 0
        batch.append(block)
        seconds += block_s
        size += block_bytes
    if batch:
        yield batch
