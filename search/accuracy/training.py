"""Really training each candidate, a few seconds each, in worker processes.

    with TrainingAccuracy(digits(), SEARCH_RECIPE, seed=0, workers=2) as accuracy:
        for index, percent in accuracy.evaluate(candidates): ...

Torch is imported in the workers, and here only by ``train``.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from blocks.architecture import Architecture
from blocks.errors import EdgenasError, InputError, MissingExtraError, OutcomeError
from search.accuracy.training_data import Carried, ImageData, TrainRecipe
from search.problem import Candidate

if TYPE_CHECKING:
    from search.accuracy.fitting import Progress
    from search.accuracy.training_torch import Trained

__all__ = ["ImageData", "TrainRecipe", "TrainingAccuracy", "train"]


def train(
    architecture: Architecture,
    data: ImageData,
    recipe: TrainRecipe,
    seed: int,
    progress: Progress | None = None,
    *,
    device: str = "cpu",
    checkpoint: Path | None = None,
) -> Trained:
    """One network trained from its first weights; see ``search.accuracy.training_torch.train``."""
    from search.accuracy import training_torch

    return training_torch.train(architecture, data, recipe, seed, progress, device=device, checkpoint=checkpoint)


Task = tuple[ImageData, TrainRecipe, int, str]  #: what every network is trained with: the seed, the device


@dataclass(frozen=True, slots=True)
class _Failed:
    """What a training raised, as text: some exceptions do not survive the way between processes."""

    message: str


class TrainingAccuracy:
    """Accuracy in percent on ``data``'s validation images after training with ``recipe`` from ``seed``.

    ``workers`` processes train one candidate each on one thread; 0 trains in this process. The accuracies do not
    depend on their number. The processes start at the first ``evaluate`` and stay until ``close`` or the end of the
    ``with``, and end at once when this process does, in whatever way.
    """

    def __init__(
        self, data: ImageData, recipe: TrainRecipe, seed: int = 0, workers: int = 2, device: str = "cpu"
    ) -> None:
        if workers < 0:
            raise InputError(f"workers={workers} must be 0 (train in this process) or more")
        self._data = data
        self._recipe = recipe
        self._seed = seed
        self._workers = workers
        self._device = device
        self._pool: _Pool | None = None

    @property
    def _task(self) -> Task:
        return self._data, self._recipe, self._seed, self._device

    @property
    def name(self) -> str:
        data, recipe = self._data, self._recipe
        where = "" if self._device == "cpu" else f":{self._device}"
        return f"training:{data.name}:{data.digest}:recipe-{recipe.digest}:seed{self._seed}{where}"

    def __enter__(self) -> TrainingAccuracy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the workers, also in the middle of a training."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def evaluate(self, candidates: Sequence[Candidate]) -> Iterator[tuple[int, float]]:
        """Train each; OutcomeError naming the network when a training fails or a worker dies."""
        if importlib.util.find_spec("torch") is None:
            raise MissingExtraError("torch", "train", "training candidates")
        if not self._workers:
            for index, candidate in enumerate(candidates):
                yield index, _percent(_judge(candidate.architecture, *self._task), candidate)
            return
        if self._pool is None:
            self._pool = _Pool(self._workers, self._task)
        finished = False
        try:
            for index, answer in self._pool.map([c.architecture for c in candidates]):
                yield index, _percent(answer, candidates[index])
            finished = True
        finally:
            if not finished:  # failed, interrupted, or the caller wants no more: stop what is under way
                self.close()


class _Pool:
    """Worker processes that hold the data. The one writing end of a pipe lies here: when it closes, they exit."""

    def __init__(self, workers: int, task: Task) -> None:
        context = multiprocessing.get_context("spawn")
        alive, self._alive = context.Pipe(duplex=False)
        self._executor = ProcessPoolExecutor(
            workers, context, initializer=_start_worker, initargs=(alive, Carried.of(task[0]), task[1:])
        )
        self._reader = alive

    def map(self, architectures: Sequence[Architecture]) -> Iterator[tuple[int, float | _Failed]]:
        """(index, accuracy) as each is known."""
        waiting = set(range(len(architectures)))
        try:
            futures: dict[Future[float | _Failed], int] = {
                self._executor.submit(_judge_in_worker, architecture): i for i, architecture in enumerate(architectures)
            }
            for future in as_completed(futures):
                answer = future.result()
                waiting.remove(futures[future])
                yield futures[future], answer
        except BrokenProcessPool as error:
            raise OutcomeError(
                f"a training process died (out of memory, or killed) with {len(waiting)} of {len(architectures)} "
                f"networks to go, {architectures[min(waiting)].name} the first of them; try fewer workers"
            ) from error

    def close(self) -> None:
        self._alive.close()
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._reader.close()


#: in a worker process, what it trains with; set once, by ``_start_worker``
_worker_task: list[Task] = []


def _start_worker(alive: Connection, data: Carried, task: tuple[TrainRecipe, int, str]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, whose end of the pipe ends us
    threading.Thread(target=exit_with_parent, args=(alive,), daemon=True).start()
    _worker_task.append((data.data(), *task))


def exit_with_parent(alive: Connection) -> None:
    wait([alive])  # readable when the other end is closed
    os._exit(1)


def _judge_in_worker(architecture: Architecture) -> float | _Failed:
    return _judge(architecture, *_worker_task[0])


def _judge(architecture: Architecture, data: ImageData, recipe: TrainRecipe, seed: int, device: str) -> float | _Failed:
    try:
        return train(architecture, data, recipe, seed, device=device).accuracy
    except EdgenasError as error:
        return _Failed(str(error))
    except Exception as error:  # whatever torch raises is that candidate's failure, told with its name
        return _Failed(f"{type(error).__name__}: {error}")


def _percent(answer: float | _Failed, candidate: Candidate) -> float:
    if isinstance(answer, _Failed):
        raise OutcomeError(f"network {candidate.architecture.name} could not be trained: {answer.message}")
    return answer
