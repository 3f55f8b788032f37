"""Training of one network from its initial weights. This module imports torch.

On one thread the result depends only on the arguments, the machine and torch's version.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from edgenas.base.counted import counted
from edgenas.base.errors import InputError, MissingExtraError
from edgenas.base.listener import SILENT, Listener
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.size import axes
from edgenas.blocks.torch_modules import ConvBN, NetworkModule, in_channels_last
from edgenas.training.arithmetic import Arithmetic, repeatable
from edgenas.training.checkpoints import Checkpoint
from edgenas.training.data import ImageData, TrainRecipe
from edgenas.training.feed import Feed, device_named
from edgenas.training.loop import Fit, Gradients

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional as F
except ImportError as error:
    raise MissingExtraError("torch", "train", "training a network") from error

JUDGED_AT_ONCE = 256  #: images per batch when a network is judged
Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network.

    accuracy  accuracy on the validation images in percent, at the size of the training
    module    the network in evaluation mode, on the CPU; ``edgenas.blocks.torch_modules.network_folded_weights``
              returns the arrays that exported files need
    losses    training loss of every step
    seconds   wall time in seconds, including judging
    """

    accuracy: float
    module: NetworkModule
    losses: tuple[float, ...]
    seconds: float


def train(
    architecture: Architecture,
    data: ImageData,
    recipe: TrainRecipe,
    seed: int,
    listener: Listener = SILENT,
    *,
    device: str = "cpu",
    checkpoint: Path | None = None,
    arithmetic: Arithmetic | None = None,
) -> Trained:
    """Train ``architecture`` on ``data``, on one CPU thread or a GPU, and judge it on the validation images.

    With the file ``checkpoint``, the state is saved after every epoch, and an interrupted training continues from there
    to the same result. ``arithmetic`` defaults to the fastest for the device (``Arithmetic.of``). InputError when the
    network and the images do not fit, or the file is of another training; OutcomeError when the loss is not finite.
    """
    check_fit(architecture, data, recipe)
    start, where = time.perf_counter(), device_named(device)
    how = Arithmetic.of(where) if arithmetic is None else arithmetic
    with threads(1), repeatable(), torch.random.fork_rng(devices=[]):
        network = fresh_network(architecture, seed, how.channels_last).to(where)
        feed = Feed(data, data.train_images, data.train_labels, recipe.shrink, where, how.memory_format)
        state = None if checkpoint is None else Checkpoint(checkpoint, identity(architecture, data, recipe, seed))
        step = gradients(network, recipe, how)
        losses = Fit(architecture.name, network, feed, recipe, seed, step, state, listener).run()
        judged = Feed(data, data.validation_images, data.validation_labels, recipe.shrink, where, how.memory_format)
        accuracy = accuracy_percent(network, judged)
    return Trained(accuracy, network.cpu(), losses, time.perf_counter() - start)


def gradients(network: nn.Module, recipe: TrainRecipe, arithmetic: Arithmetic) -> Gradients:
    """Return the function that computes the gradients of one step on the labels, without waiting for the device."""

    def step(images: Tensor, labels: Tensor, number: int) -> Tensor:
        with arithmetic.autocast(images.device):
            loss = F.cross_entropy(network(images), labels, label_smoothing=recipe.label_smoothing)
        torch.autograd.backward(loss)
        return loss.detach()

    return step


def identity(architecture: Architecture, data: ImageData, recipe: TrainRecipe, seed: int) -> str:
    """Return text that identifies a training: digests of network, data and recipe, and the seed."""
    text = "\n".join(str(block) for block in architecture.blocks)
    network = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"network-{network}:{data.digest}:recipe-{recipe.digest}:seed{seed}"


def check_fit(architecture: Architecture, data: ImageData, recipe: TrainRecipe) -> None:
    """Raise InputError unless ``architecture`` fits the size, channels and classes of the images, ends in a head, and
    the training images fill a batch."""
    wanted = (data.in_size, data.channels, data.classes)
    if (architecture.in_size, architecture.c_in, architecture.c_out) != wanted:
        raise InputError(
            f"network {architecture.name} takes {architecture.in_size}x{architecture.c_in} images and ends in "
            f"{counted(architecture.c_out, 'class')}, but {data.name} has {data.in_size}x{data.channels} images of "
            f"{counted(data.classes, 'class')}"
        )
    if architecture.blocks[-1].kind != "head":
        raise InputError(f"network {architecture.name} ends in {architecture.blocks[-1]}: only a head can be trained")
    if any(side % recipe.shrink for side in axes(data.in_size)):
        raise InputError(f"training recipe: images of {data.in_size} pixels do not shrink by {recipe.shrink}")
    if recipe.batch > len(data.train_images):
        raise InputError(
            f"training recipe: batch={recipe.batch} is more than the {len(data.train_images)} training images"
        )


def fresh_network(architecture: Architecture, seed: int, channels_last: bool = True) -> NetworkModule:
    """Return the untrained network: He's normal weights by fan-out, biases 0, batch norm scale 1 and shift 0, and a
    classifier from N(0, 0.01), as in torchvision's MobileNets. Seeds torch's generator."""
    torch.manual_seed(seed)
    network = quick(NetworkModule(architecture))
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out")
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0.0, 0.01)
        if isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None:
            nn.init.zeros_(layer.bias)
    if channels_last:
        return in_channels_last(network)
    plain = NetworkModule(architecture)
    plain.load_state_dict(network.state_dict())
    return plain


def quick(network: Network) -> Network:
    """Replace the pointwise convolutions of a module by faster ones, with equal names and shapes, and return it."""
    for layer in network.modules():
        if isinstance(layer, ConvBN) and _is_pointwise(layer.conv):
            layer.conv = _Pointwise(layer.conv)
    return network


def accuracy_percent(network: nn.Module, feed: Feed) -> float:
    """Return the accuracy in percent of ``network``, in evaluation mode, on the images of ``feed``; both are on one
    device.
    """
    network.eval()
    with torch.inference_mode():
        correct = [(network(images).argmax(1) == labels).sum() for images, labels in feed.in_order(JUDGED_AT_ONCE)]
        return 100.0 * int(torch.stack(correct).sum()) / len(feed)


class _Pointwise(nn.Conv2d):
    """A 1x1 convolution as a matrix product over NHWC memory: on a CPU, a step takes a third less time than with
    torch's own convolution.

    It also avoids a bug: on processors with AVX2 and nothing newer, oneDNN 3.12 in torch 2.13 writes past the end of
    its memory in the backward pass of a 1x1 convolution of stride 2 with fewer than 8 input channels in NHWC memory,
    and the process dies later ("free(): invalid pointer"). ``tools/bench/convolution_trap.py`` tests for the bug.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        stride = (conv.stride[0], conv.stride[1])
        super().__init__(
            conv.in_channels, conv.out_channels, 1, stride, bias=conv.bias is not None, device=conv.weight.device
        )

    def forward(self, x: Tensor) -> Tensor:
        rows, columns = self.stride
        if (rows, columns) != (1, 1):
            x = x[:, :, ::rows, ::columns]
        y = F.linear(x.permute(0, 2, 3, 1), self.weight.flatten(1), self.bias)  # (n, s, s, c_in) -> (n, s, s, c_out)
        return y.permute(0, 3, 1, 2)


def _is_pointwise(conv: nn.Conv2d) -> bool:
    """Return whether a convolution has kernel 1 and one group, unlike a depthwise convolution of kernel 1."""
    return conv.kernel_size == (1, 1) and conv.groups == 1


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Set the number of torch's CPU threads to ``count``, as a context manager."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
