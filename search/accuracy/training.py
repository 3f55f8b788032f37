"""A judge that trains each candidate, a few seconds each, in worker processes.

    with TrainingAccuracy(digits(), SEARCH_RECIPE, seed=0, workers=2) as accuracy:
        for index, percent in accuracy.evaluate(candidates): ...

Torch is imported in the workers, and in this process only by ``train``.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from edgenas.base.errors import EdgenasError, InputError, MissingExtraError, OutcomeError
from edgenas.base.listener import SILENT, Listener
from edgenas.blocks.architecture import Architecture
from edgenas.search.accuracy.workers import WorkersAccuracy
from edgenas.search.problem import Candidate
from edgenas.training.data import Carried, ImageData, TrainRecipe
from edgenas.training.sizes import at_size, identity, sized

if TYPE_CHECKING:
    from edgenas.training.network import Trained

__all__ = ["ImageData", "TrainRecipe", "TrainingAccuracy", "train"]


def train(
    architecture: Architecture,
    data: ImageData,
    recipe: TrainRecipe,
    seed: int,
    listener: Listener = SILENT,
    *,
    device: str = "cpu",
    checkpoint: Path | None = None,
) -> Trained:
    """Train one network from its initial weights; see ``edgenas.training.network.train``."""
    from edgenas.training import network

    return network.train(architecture, data, recipe, seed, listener, device=device, checkpoint=checkpoint)


class TrainingAccuracy:
    """A judge by the accuracy in percent on ``data``'s validation images after training with ``recipe`` and ``seed``.

    ``data`` may be the same images at several sizes: each network is trained and judged at its own.

    Each of ``workers`` processes (``edgenas.search.accuracy.workers``) trains one candidate at a time on one thread;
    with 0, this process trains. The accuracies do not depend on the number of processes.
    """

    def __init__(
        self,
        data: ImageData | Sequence[ImageData],
        recipe: TrainRecipe,
        seed: int = 0,
        workers: int = 2,
        device: str = "cpu",
    ) -> None:
        if workers < 0:
            raise InputError(f"workers={workers} must be 0 (train in this process) or more")
        self._data = sized(data)
        self._recipe = recipe
        self._seed = seed
        self._device = device
        single = _InWorker(data, recipe, seed, 0, device) if workers else None
        self._in_workers = None if single is None else WorkersAccuracy(single, workers)

    @property
    def name(self) -> str:
        recipe = self._recipe
        where = "" if self._device == "cpu" else f":{self._device}"
        return f"training:{identity(self._data)}:recipe-{recipe.digest}:seed{self._seed}{where}"

    def __enter__(self) -> TrainingAccuracy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the workers, also in the middle of a training."""
        if self._in_workers is not None:
            self._in_workers.close()

    def evaluate(self, candidates: Sequence[Candidate]) -> Iterator[tuple[int, float]]:
        """Train all candidates; OutcomeError that names the network when a training fails or a worker dies."""
        if importlib.util.find_spec("torch") is None:
            raise MissingExtraError("torch", "train", "training candidates")
        if self._in_workers is not None:
            yield from self._in_workers.evaluate(candidates)
            return
        for index, candidate in enumerate(candidates):
            yield index, self._trained(candidate.architecture)

    def _trained(self, architecture: Architecture) -> float:
        try:
            return train(
                architecture, at_size(self._data, architecture.in_size), self._recipe, self._seed, device=self._device
            ).accuracy
        except Exception as error:  # any exception of torch becomes an error that names the candidate
            why = str(error) if isinstance(error, EdgenasError) else f"{type(error).__name__}: {error}"
            raise OutcomeError(f"network {architecture.name} could not be trained: {why}") from error


class _InWorker(TrainingAccuracy):
    """The judge in a worker process of this machine, which maps images of files into memory instead of copying them."""

    def __reduce__(self) -> tuple[Callable[..., _InWorker], tuple[list[Carried], TrainRecipe, int, str]]:
        return _in_worker, (list(map(Carried.of, self._data)), self._recipe, self._seed, self._device)


def _in_worker(data: list[Carried], recipe: TrainRecipe, seed: int, device: str) -> _InWorker:
    return _InWorker([each.data() for each in data], recipe, seed, 0, device)
