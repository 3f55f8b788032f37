"""Judging in worker processes of this machine with any judge; each process judges one candidate at a time.

with WorkersAccuracy(CallableAccuracy("my_module:judge"), workers=4) as accuracy:
    for index, percent in accuracy.evaluate(candidates): ...
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection
from types import TracebackType

from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.process import exit_with_parent
from edgenas.search.accuracy.judging import Failed, ForwardedAccuracy, accuracy_or_raise, judge_one
from edgenas.search.problem import Accuracy, Candidate


class WorkersAccuracy(ForwardedAccuracy):
    """The judge ``accuracy``, run in ``workers`` processes; its results must not depend on the order of candidates.

    The processes start at the first ``evaluate`` and run until ``close`` or the end of the ``with`` block; they end at
    once when this process ends, also when it is killed. Each gets a copy of ``accuracy``, which must be picklable.
    """

    def __init__(self, accuracy: Accuracy, workers: int) -> None:
        if workers < 1:
            raise InputError(f"workers={workers} must be 1 or more")
        super().__init__(accuracy)
        self._workers = workers
        self._pool: _Pool | None = None

    def __enter__(self) -> WorkersAccuracy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the workers, also in the middle of a candidate."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def evaluate(self, candidates: Sequence[Candidate]) -> Iterator[tuple[int, float]]:
        """Judge all candidates; OutcomeError that names the network when judging fails or a worker dies."""
        if self._pool is None:
            self._pool = _Pool(self._workers, self._accuracy)
        finished = False
        try:
            for index, answer in self._pool.map(candidates):
                yield index, accuracy_or_raise(answer)
            finished = True
        finally:
            if not finished:  # after a failure or an interrupt, or when the caller stops iterating: end running work
                self.close()


class _Pool:
    """Worker processes that hold the judge. This process has the only writing end of a pipe: when it closes, they
    exit."""

    def __init__(self, workers: int, accuracy: Accuracy) -> None:
        context = multiprocessing.get_context("spawn")
        alive, self._alive = context.Pipe(duplex=False)
        self._executor = ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=(alive, accuracy))
        self._reader = alive

    def map(self, candidates: Sequence[Candidate]) -> Iterator[tuple[int, float | Failed]]:
        """Yield (index, accuracy or failure) as each becomes known."""
        waiting = set(range(len(candidates)))
        try:
            futures: dict[Future[float | Failed], int] = {
                self._executor.submit(_judge_in_worker, candidate): i for i, candidate in enumerate(candidates)
            }
            for future in as_completed(futures):
                answer = future.result()
                waiting.remove(futures[future])
                yield futures[future], answer
        except BrokenProcessPool as error:
            raise OutcomeError(
                f"a worker process died (out of memory, or killed) with {len(waiting)} of {len(candidates)} "
                f"networks to go, {candidates[min(waiting)].architecture.name} the first of them; try fewer workers"
            ) from error

    def close(self) -> None:
        self._alive.close()
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._reader.close()


#: in a worker process, its judge; set once, by ``_start_worker``
_worker_accuracy: list[Accuracy] = []


def _start_worker(alive: Connection, accuracy: Accuracy) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, whose closed pipe ends this process
    threading.Thread(target=exit_with_parent, args=(alive,), daemon=True).start()
    _worker_accuracy.append(accuracy)


def _judge_in_worker(candidate: Candidate) -> float | Failed:
    return judge_one(_worker_accuracy[0], candidate)
