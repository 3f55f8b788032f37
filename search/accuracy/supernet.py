"""A judge that trains a supernet once: every member of the space is judged with the shared weights.

    accuracy = SupernetAccuracy(space, data, SUPERNET_RECIPE, seed=0, checkpoint=Path("supernet.npz"))
    for index, percent in accuracy.evaluate(candidates): ...

The first ``evaluate`` trains, or continues an interrupted training. Accuracies of members are lower than after a
separate training; ``edgenas.search.accuracy.trust`` measures how well they rank networks. Torch is imported at the
first ``evaluate``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.listener import SILENT, Listener
from edgenas.search.problem import Candidate
from edgenas.search.space import Space
from edgenas.training.data import ImageData, SupernetRecipe, TrainRecipe
from edgenas.training.sizes import at_size, identity, sized

if TYPE_CHECKING:
    from edgenas.search.accuracy.supernet_torch import MemberJudge
    from edgenas.search.published import PublishedMember

SUPERNET_RECIPE = SupernetRecipe(TrainRecipe(epochs=36, flip=True))


class SupernetAccuracy:
    """A judge by the accuracy in percent on ``data``'s validation images, with the weights of a supernet of ``space``.

    ``data`` may be the same images at several sizes, for a space that chooses the size: members are trained and judged
    at their own.

    checkpoint  file of the training's state; without one the training is lost with this object
    device      'cpu', 'cuda' or 'auto'
    threads     CPU threads; sums of another number of them are rounded otherwise
    published   published weights that the supernet begins from; its member then is the teacher
    listener    follows the training
    """

    def __init__(
        self,
        space: Space,
        data: ImageData | Sequence[ImageData],
        recipe: SupernetRecipe = SUPERNET_RECIPE,
        seed: int = 0,
        *,
        checkpoint: Path | None = None,
        device: str = "cpu",
        threads: int = 1,
        published: PublishedMember | None = None,
        listener: Listener = SILENT,
    ) -> None:
        self._space, self._data, self._recipe, self._seed = space, sized(data), recipe, seed
        self._checkpoint, self._device, self._threads, self._listener = checkpoint, device, threads, listener
        self._published = published
        self._judge: MemberJudge | None = None

    @cached_property
    def _space_digest(self) -> str:
        """Digest of the space's blocks: a space of whole stages has tens of thousands of options."""
        blocks = "\n".join(
            f"{i} {' '.join(map(str, edge.blocks))}" for i, edges in enumerate(self._space.edges) for edge in edges
        )
        return hashlib.sha256(f"{self._space.name}\n{blocks}".encode()).hexdigest()[:8]

    @property
    def name(self) -> str:
        where = "" if self._device == "cpu" else f":{self._device}"
        begun = "" if self._published is None else f":from-{self._published.identity}"
        return (
            f"supernet:{self._space_digest}:{identity(self._data)}:recipe-{self._recipe.digest}:seed{self._seed}"
            f"{begun}{where}"
        )

    def evaluate(self, candidates: Sequence[Candidate]) -> Iterator[tuple[int, float]]:
        """Judge all candidates, after the training; InputError when space and images do not fit, OutcomeError when the
        training diverges."""
        from edgenas.training.arithmetic import repeatable
        from edgenas.training.network import threads

        judge = self._ready()
        for index, candidate in enumerate(candidates):
            with threads(self._threads), repeatable():
                accuracy = judge.accuracy(candidate.choice)
            yield index, accuracy

    def full_size(self) -> MemberJudge:
        """Return the judge of members at the full size of the images, also where the recipe shrinks them in the
        training; it is the judge of ``evaluate`` where the recipe does not."""
        from edgenas.search.accuracy.supernet_torch import MemberJudge
        from edgenas.training.feed import device_named

        judge, recipe = self._ready(), self._recipe
        if recipe.training.shrink == 1:
            return judge
        whole = replace(recipe, training=replace(recipe.training, shrink=1))
        return MemberJudge(judge.network, self._data, whole, device_named(self._device))

    @property
    def threads(self) -> int:
        """CPU threads of torch."""
        return self._threads

    def _ready(self) -> MemberJudge:
        """Return the judge of members, after the training."""
        from edgenas.training.arithmetic import repeatable
        from edgenas.training.network import threads

        with threads(self._threads), repeatable():
            if self._judge is None:
                self._judge = self._trained()
        return self._judge

    def _trained(self) -> MemberJudge:
        from edgenas.search.accuracy.supernet_torch import MemberJudge, extreme, trained_supernet
        from edgenas.training.checkpoints import Checkpoint
        from edgenas.training.feed import device_named
        from edgenas.training.network import check_fit

        space, largest = self._space, extreme(self._space, max)
        for size in space.sizes:
            check_fit(
                space.architecture(space.at_size(largest, size)), at_size(self._data, size), self._recipe.training
            )
        device = device_named(self._device)
        kept = None if self._checkpoint is None else Checkpoint(self._checkpoint, self.name)
        if self._published is not None:
            from edgenas.search.accuracy.published_supernet import published_supernet

            network = published_supernet(
                space, self._published, self._data[-1], self._recipe, self._seed, device, kept, self._listener
            )
        else:
            network = trained_supernet(space, self._data[-1], self._recipe, self._seed, device, kept, self._listener)
        return MemberJudge(network, self._data, self._recipe, device)
