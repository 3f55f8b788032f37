"""Training of one network on targets of any kind, with a given loss. This module imports torch."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

from edgenas.base.errors import InputError, MissingExtraError
from edgenas.base.listener import SILENT, Listener
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.size import axes
from edgenas.blocks.torch_modules import NetworkModule
from edgenas.training.arithmetic import Arithmetic, repeatable
from edgenas.training.checkpoints import Checkpoint
from edgenas.training.data import TrainRecipe
from edgenas.training.feed import Feed, device_named
from edgenas.training.loop import Fit, Gradients
from edgenas.training.losses import Loss, value_of
from edgenas.training.network import JUDGED_AT_ONCE, fresh_network, threads
from edgenas.training.targets import TargetData

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingExtraError("torch", "train", "training a network") from error


@dataclass(frozen=True, eq=False)
class TargetTraining:
    """A network trained on targets.

    module           the network in evaluation mode, on the CPU
    losses           training loss of every step
    validation_loss  mean loss of the validation pictures, after the training
    seconds          wall time in seconds
    """

    module: NetworkModule
    losses: tuple[float, ...]
    validation_loss: float
    seconds: float


def train_on_targets(
    architecture: Architecture,
    data: TargetData,
    loss: Loss,
    recipe: TrainRecipe,
    seed: int,
    listener: Listener = SILENT,
    *,
    device: str = "cpu",
    cpu_threads: int = 1,
    checkpoint: Path | None = None,
) -> TargetTraining:
    """Train ``architecture`` from its initial weights on ``data`` with ``loss``, as ``training.network.train`` does on
    classes.

    With the file ``checkpoint``, an interrupted training continues from there to the same result. InputError when the
    network and the pictures do not fit, when the loss returns no number, or when the file is of another training;
    OutcomeError when the loss is not finite.
    """
    check_fit(architecture, data, recipe)
    start, where = time.perf_counter(), device_named(device)
    how = Arithmetic.of(where)
    with threads(cpu_threads), repeatable(), torch.random.fork_rng(devices=[]):
        network = fresh_network(architecture, seed, how.channels_last).to(where)
        feed, judged = (
            Feed(data, images, targets, recipe.shrink, where, how.memory_format)
            for images, targets in (
                (data.train_images, data.train_targets),
                (data.validation_images, data.validation_targets),
            )
        )
        state = (
            None if checkpoint is None else Checkpoint(checkpoint, _identity(architecture, data, loss, recipe, seed))
        )
        step = _gradients(network, loss, how)
        losses = Fit(architecture.name, network, feed, recipe, seed, step, state, listener).run()
        found = mean_loss(network, loss, judged)
    return TargetTraining(network.cpu(), losses, found, time.perf_counter() - start)


def mean_loss(network: nn.Module, loss: Loss, feed: Feed) -> float:
    """Mean loss of ``network``, in evaluation mode, over the pictures of ``feed``, batches weighted by their length."""
    network.eval()
    total = 0.0
    with torch.inference_mode():
        for images, targets in feed.in_order(JUDGED_AT_ONCE):
            total += len(images) * float(value_of(loss, network(images).float(), targets))
    return total / len(feed)


def check_fit(architecture: Architecture, data: TargetData, recipe: TrainRecipe) -> None:
    """Raise InputError unless ``architecture`` fits the size and channels of the pictures, ends in a head, and the
    pictures fill a batch."""
    if architecture.blocks[-1].kind != "head":
        raise InputError(f"network {architecture.name} ends in {architecture.blocks[-1]}: only a head can be trained")
    if (architecture.in_size, architecture.c_in) != (data.in_size, data.channels):
        raise InputError(
            f"network {architecture.name} takes {architecture.in_size} pixels and {architecture.c_in} channels, but "
            f"the pictures have {data.in_size} pixels and {data.channels} channels"
        )
    if any(side % recipe.shrink for side in axes(data.in_size)):
        raise InputError(f"training recipe: images of {data.in_size} pixels do not shrink by {recipe.shrink}")
    if recipe.batch > len(data.train_images):
        raise InputError(
            f"training recipe: batch={recipe.batch} is more than the {len(data.train_images)} training images"
        )


def _gradients(network: nn.Module, loss: Loss, arithmetic: Arithmetic) -> Gradients:
    """Return the function that computes the gradients of one step on the targets; the loss is computed in float32."""

    def step(images: Tensor, targets: Tensor, number: int) -> Tensor:
        with arithmetic.autocast(images.device):
            outputs = network(images)
        value = value_of(loss, outputs.float(), targets)
        if not value.requires_grad:
            raise InputError(f"the loss {loss.name} does not depend on the outputs; compute it from them, with torch")
        torch.autograd.backward(value)
        return value.detach()

    return step


def _identity(architecture: Architecture, data: TargetData, loss: Loss, recipe: TrainRecipe, seed: int) -> str:
    text = "\n".join(str(block) for block in architecture.blocks)
    network = hashlib.sha256(text.encode()).hexdigest()[:12]
    own = "" if loss.code is None else f"-{hashlib.sha256(repr(loss.code.as_dict()).encode()).hexdigest()[:12]}"
    return f"network-{network}:targets-{data.digest}:loss-{loss.name}{own}:recipe-{recipe.digest}:seed{seed}"
