"""Really training each candidate, a few seconds each, in worker processes.

    with TrainingAccuracy(digits(), SEARCH_RECIPE, seed=0, workers=2) as accuracy:
        for index, percent in accuracy.evaluate(candidates): ...

Torch is imported in the workers, and here only by ``train``.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from edgenas.base.errors import EdgenasError, InputError, MissingExtraError, OutcomeError
from edgenas.blocks.architecture import Architecture
from edgenas.search.accuracy.workers import WorkersAccuracy
from edgenas.search.problem import Candidate
from edgenas.training.data import Carried, ImageData, TrainRecipe

if TYPE_CHECKING:
    from edgenas.training.loop import TrainingProgress
    from edgenas.training.network import Trained

__all__ = ["ImageData", "TrainRecipe", "TrainingAccuracy", "train"]


def train(
    architecture: Architecture,
    data: ImageData,
    recipe: TrainRecipe,
    seed: int,
    progress: TrainingProgress | None = None,
    *,
    device: str = "cpu",
    checkpoint: Path | None = None,
) -> Trained:
    """One network trained from its first weights; see ``edgenas.training.network.train``."""
    from edgenas.training import network

    return network.train(architecture, data, recipe, seed, progress, device=device, checkpoint=checkpoint)


class TrainingAccuracy:
    """Accuracy in percent on ``data``'s validation images after training with ``recipe`` from ``seed``.

    ``workers`` processes (``edgenas.search.accuracy.workers``) train one candidate each on one thread; 0 trains in this
    process. The accuracies do not depend on their number.
    """

    def __init__(
        self, data: ImageData, recipe: TrainRecipe, seed: int = 0, workers: int = 2, device: str = "cpu"
    ) -> None:
        if workers < 0:
            raise InputError(f"workers={workers} must be 0 (train in this process) or more")
        self._data = data
        self._recipe = recipe
        self._seed = seed
        self._device = device
        alone = _Alone(data, recipe, seed, 0, device) if workers else None
        self._side_by_side = None if alone is None else WorkersAccuracy(alone, workers)

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
        if self._side_by_side is not None:
            self._side_by_side.close()

    def evaluate(self, candidates: Sequence[Candidate]) -> Iterator[tuple[int, float]]:
        """Train each; OutcomeError naming the network when a training fails or a worker dies."""
        if importlib.util.find_spec("torch") is None:
            raise MissingExtraError("torch", "train", "training candidates")
        if self._side_by_side is not None:
            yield from self._side_by_side.evaluate(candidates)
            return
        for index, candidate in enumerate(candidates):
            yield index, self._trained(candidate.architecture)

    def _trained(self, architecture: Architecture) -> float:
        try:
            return train(architecture, self._data, self._recipe, self._seed, device=self._device).accuracy
        except Exception as error:  # whatever torch raises is that candidate's failure, told with its name
            why = str(error) if isinstance(error, EdgenasError) else f"{type(error).__name__}: {error}"
            raise OutcomeError(f"network {architecture.name} could not be trained: {why}") from error


class _Alone(TrainingAccuracy):
    """In worker processes of this machine, which map images that lie in a file, and copy no other."""

    def __reduce__(self) -> tuple[Callable[..., _Alone], tuple[Carried, TrainRecipe, int, str]]:
        return _alone, (Carried.of(self._data), self._recipe, self._seed, self._device)


def _alone(data: Carried, recipe: TrainRecipe, seed: int, device: str) -> _Alone:
    return _Alone(data.data(), recipe, seed, 0, device)
