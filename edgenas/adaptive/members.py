"""Weights of the networks of a menu, each with its own batch norm statistics, and the accuracy of its judge.

supernet    slices of the supernet that judged the search; statistics as when it was judged
alone       each network trained by itself; a training that was stopped continues
pretrained  each network trained from weights that others published
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from edgenas.base.errors import InputError
from edgenas.base.listener import SILENT, Listener
from edgenas.training.sizes import at_size

if TYPE_CHECKING:
    from edgenas.blocks.architecture import Architecture
    from edgenas.blocks.torch_modules import NetworkModule
    from edgenas.search.accuracy.image_task import ImageTask
    from edgenas.search.accuracy.supernet import SupernetAccuracy
    from edgenas.search.accuracy.supernet_torch import MemberJudge
    from edgenas.search.published import PublishedMember
    from edgenas.search.space import Choice, Space
    from edgenas.training.data import ImageData, TrainRecipe

T = TypeVar("T")
WEIGHTS = ("supernet", "alone", "pretrained")


@dataclass(frozen=True, eq=False)
class Member:
    """A network of a menu with its weights; ``judged`` is its accuracy on the validation images, in percent, by
    torch."""

    choice: Choice
    module: NetworkModule
    judged: float


class MemberSource(Protocol):
    """A source of weights; ``name`` is one of WEIGHTS, ``data`` holds the images at each size."""

    @property
    def name(self) -> str: ...

    @property
    def data(self) -> tuple[ImageData, ...]: ...

    def members(self, space: Space, choices: Sequence[Choice]) -> Iterator[Member]:
        """Yield the networks in order, each as soon as it is ready."""
        ...


class SupernetMembers:
    """Members of the supernet that judged a search."""

    name = "supernet"

    def __init__(self, accuracy: SupernetAccuracy, data: tuple[ImageData, ...]) -> None:
        self.accuracy = accuracy
        self.data = data
        self._judge: MemberJudge | None = None

    def judge(self, choices: Sequence[Choice]) -> list[float]:
        """Return the accuracies of members, in percent, each with its own statistics and at its own size."""
        return [self._with(lambda judge, choice: judge.accuracy(choice), choice) for choice in choices]

    def members(self, space: Space, choices: Sequence[Choice]) -> Iterator[Member]:
        """See ``MemberSource.members``."""
        for choice in choices:
            yield self._with(
                lambda judge, choice: Member(choice, judge.member(choice).cpu(), judge.accuracy(choice)), choice
            )

    def _with(self, job: Callable[[MemberJudge, Choice], T], choice: Choice) -> T:
        """Return the result of a job of the judge, with the threads of the supernet."""
        from edgenas.training.arithmetic import repeatable
        from edgenas.training.network import threads

        if self._judge is None:
            self._judge = self.accuracy.full_size()
        with threads(self.accuracy.threads), repeatable():
            return job(self._judge, choice)


@dataclass
class TrainedMembers:
    """Networks that are trained one by one. ``folder`` keeps the checkpoints of their trainings."""

    data: tuple[ImageData, ...]
    recipe: TrainRecipe
    seed: int
    folder: Path
    device: str = "cpu"
    published: PublishedMember | None = None
    listener: Listener = SILENT

    @property
    def name(self) -> str:
        """Name of the source."""
        return "alone" if self.published is None else "pretrained"

    def members(self, space: Space, choices: Sequence[Choice]) -> Iterator[Member]:
        """See ``MemberSource.members``."""
        for number, choice in enumerate(choices, 1):
            network = space.architecture(choice)
            self.listener.progress(number - 1, len(choices), space.key(choice), name="networks trained")
            yield self._trained(choice, network)
        self.listener.progress(len(choices), len(choices), name="networks trained")

    def _trained(self, choice: Choice, network: Architecture) -> Member:
        from edgenas.training.network import identity, train

        data, quiet = at_size(self.data, network.in_size), self.listener.quiet()
        if self.published is not None:
            trained, _ = self.published.train(
                network, data, self.recipe, self.seed, quiet, device=self.device, folder=self.folder
            )
        else:
            which = hashlib.sha256(identity(network, data, self.recipe, self.seed).encode()).hexdigest()[:8]
            checkpoint = self.folder / f"net-{which}.checkpoint.npz"
            trained = train(network, data, self.recipe, self.seed, quiet, device=self.device, checkpoint=checkpoint)
        return Member(choice, trained.module, trained.accuracy)


def supernet_members(
    task: ImageTask, space: Space, seed: int, judged_by: str, search: Path, listener: Listener = SILENT
) -> SupernetMembers:
    """Return the source of a search whose judge was the supernet ``judged_by``.

    InputError where the images, the seed or the recipe are not those of that supernet, or its checkpoint is missing.
    """
    from edgenas.search.accuracy.supernet import SupernetAccuracy
    from edgenas.training.feed import device_named

    if not task.checkpoint.is_file():
        raise InputError(
            f"{search} was judged by a supernet, and its weights {task.checkpoint} are missing; type the search again, "
            "or train the networks of the menu one by one: --weights alone"
        )
    data = task.read(space, listener)
    accuracy = SupernetAccuracy(
        space,
        data,
        task.supernet_recipe(),
        seed,
        checkpoint=task.checkpoint,
        device=str(device_named(task.device)),
        threads=max(1, task.workers),
        listener=listener,
    )
    if accuracy.name != judged_by:
        raise InputError(
            f"{search} was judged by {judged_by}, these images and settings are {accuracy.name}; give the --images, "
            "--seed and --set supernet.OPTION of the search"
        )
    return SupernetMembers(accuracy, data)


def digits_members(space: Space, seed: int, folder: Path, listener: Listener = SILENT) -> TrainedMembers:
    """Return the source of networks that are trained on scikit-learn's digits, as the demo trains its winner."""
    from edgenas.training.digits import FULL_RECIPE, digits

    data = tuple(digits(size) for size in reversed(space.sizes))
    return TrainedMembers(data, FULL_RECIPE, seed, folder, listener=listener)
