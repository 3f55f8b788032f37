"""Training of all networks of a space at once, and judging of its members. This module imports torch.

Every step trains the largest member on the labels, and the smallest and some random members on the output of the
largest (sandwich rule and in-place distillation: Yu and Huang, arXiv 1903.05134; BigNAS, arXiv 2003.11142, section
3.2).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from edgenas.base.errors import MissingExtraError
from edgenas.base.listener import SILENT, Listener
from edgenas.blocks.size import axes
from edgenas.blocks.torch_modules import NetworkModule
from edgenas.search.accuracy.shared_weights import SharedNetwork
from edgenas.search.cost import macs_cost
from edgenas.search.space import Choice, Space, State
from edgenas.training.arithmetic import Arithmetic
from edgenas.training.checkpoints import Checkpoint
from edgenas.training.data import ImageData, SupernetRecipe
from edgenas.training.feed import Feed
from edgenas.training.loop import Fit, Gradients
from edgenas.training.network import accuracy_percent
from edgenas.training.sizes import sized

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional as F
except ImportError as error:
    raise MissingExtraError("torch", "train", "training a supernet") from error

MACS = macs_cost()


def trained_supernet(
    space: Space,
    data: ImageData,
    recipe: SupernetRecipe,
    seed: int,
    device: torch.device,
    checkpoint: Checkpoint | None = None,
    listener: Listener = SILENT,
) -> SharedNetwork:
    """Train a supernet, and return the shared weights of all members; OutcomeError when the loss is not finite."""
    with torch.random.fork_rng(devices=[]):
        network = SharedNetwork(space, seed).to(device)
    feed = Feed(data, data.train_images, data.train_labels, recipe.training.shrink, device)
    step, name = gradients(network, recipe, seed, Arithmetic.of(device)), f"a supernet of {space.name}"
    Fit(name, network, feed, recipe.training, seed, step, checkpoint, listener).run()
    return network.eval()


def gradients(network: SharedNetwork, recipe: SupernetRecipe, seed: int, arithmetic: Arithmetic) -> Gradients:
    """Return the function that computes the gradients of one step by the sandwich rule, without waiting for the
    device."""
    space = network.space
    ends = [extreme(space, max), extreme(space, min)]

    def step(images: Tensor, labels: Tensor, number: int) -> Tensor:
        rng = random.Random(f"{seed}/{number}")
        members = [*ends, *(drawn(space, rng) for _ in range(recipe.drawn))]
        target: Tensor | None = None
        first: Tensor | None = None
        for member in members:
            with arithmetic.autocast(images.device):
                logits = network(at_size_of(member, images, space, recipe.training.shrink), member).float()
            if target is None:
                loss = F.cross_entropy(logits, labels, label_smoothing=recipe.training.label_smoothing)
                target, first = logits.detach().softmax(1), loss.detach()
            else:
                loss = F.cross_entropy(logits, target)
            torch.autograd.backward(loss / len(members))
        assert first is not None
        return first

    return step


def at_size_of(member: Choice, images: Tensor, space: Space, shrink: int) -> Tensor:
    """Return images (n, c, h, w), which have the largest size of ``space``, at the size of a member."""
    size = [side // shrink for side in axes(space.size_of(member))]
    if len(space.sizes) == 1 or images.shape[2:] == tuple(size):
        return images
    return F.interpolate(images, size, mode="bilinear", antialias=True)


class MemberJudge:
    """Judging of members of ``network``: first the member's own batch norm statistics, then the validation images; both
    at the size of the member, one of those of ``data``."""

    def __init__(
        self,
        network: SharedNetwork,
        data: ImageData | Sequence[ImageData],
        recipe: SupernetRecipe,
        device: torch.device,
    ) -> None:
        shrink, self.network = recipe.training.shrink, network
        found = sized(data)
        self._calibration = {d.in_size: Feed(d, d.train_images, d.train_labels, shrink, device) for d in found}
        self._validation = {d.in_size: Feed(d, d.validation_images, d.validation_labels, shrink, device) for d in found}
        order = np.random.default_rng(0).permutation(len(found[0].train_images))[: recipe.calibration_images]
        self._batches = [order[i : i + recipe.training.batch] for i in range(0, len(order), recipe.training.batch)]

    def member(self, choice: Choice) -> NetworkModule:
        """Return the member as a separate network, with statistics from ``calibration_images`` training images."""
        module = self.network.member(choice)
        norms = [layer for layer in module.modules() if isinstance(layer, nn.BatchNorm2d)]
        for norm in norms:
            norm.momentum = None  # the plain mean over batches
        module.train()
        with torch.inference_mode():
            for rows in self._batches:
                module(self._calibration[self.network.space.size_of(choice)].batch(rows)[0])
        for norm in norms:
            norm.momentum = 0.1
        return module.eval()

    def accuracy(self, choice: Choice) -> float:
        """Accuracy of the member on the validation images, in percent."""
        return accuracy_percent(self.member(choice), self._validation[self.network.space.size_of(choice)])


def drawn(space: Space, rng: random.Random) -> Choice:
    """Draw a member layer by layer, with equal probability for the possible options of each layer.

    A stage that may end early often does; a draw with equal probability for all networks would almost always have the
    full depth.
    """
    state, choice = space.start, []
    for i in range(len(space.layers)):
        edge = rng.choice(space.open_edges(i, state))
        choice.append(edge.option)
        state = edge.target
    return tuple(choice)


def extreme(space: Space, better: Callable[..., tuple[float, Choice]]) -> Choice:
    """Return the member with most (``max``) or fewest (``min``) MACs."""

    @cache
    def rest(i: int, state: State) -> tuple[float, Choice]:
        if i == len(space.layers):
            return 0, ()
        completions = []
        for edge in space.open_edges(i, state):
            macs, choice = rest(i + 1, edge.target)
            completions.append((MACS.together(edge.blocks) + macs, (edge.option, *choice)))
        return better(completions)

    return rest(0, space.start)[1]
