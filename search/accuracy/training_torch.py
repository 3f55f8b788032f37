"""One network trained from its first weights; needs torch, and importing this file imports it.

On one thread the result depends on nothing but the arguments, the machine and torch's version.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from blocks.architecture import Architecture
from blocks.errors import InputError, MissingExtraError, OutcomeError
from blocks.torch_modules import ConvBN, NetworkModule
from search.accuracy.training_data import ImageData, Images, Labels, TrainRecipe

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional as F
except ImportError as error:
    raise MissingExtraError("torch", "train", "training a network") from error

JUDGED_AT_ONCE = 256  #: images
Progress = Callable[[int, int], None]  #: (steps done, steps in all)


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network.

    accuracy  percent of the validation images, at the size that was trained on
    module    in evaluation mode, on the CPU; ``blocks.torch_modules.network_folded_weights`` gives the writers' arrays
    losses    training loss of every step
    seconds   wall time, judging included
    """

    accuracy: float
    module: NetworkModule
    losses: tuple[float, ...]
    seconds: float


def train(
    architecture: Architecture, data: ImageData, recipe: TrainRecipe, seed: int, progress: Progress | None = None
) -> Trained:
    """Train ``architecture`` on ``data`` on one thread and judge it on the validation images.

    InputError when the network and the images do not fit; OutcomeError when the loss stops being a number.
    """
    check_fit(architecture, data, recipe)
    begun = time.perf_counter()
    with _one_thread(), torch.random.fork_rng(devices=[]):
        network = fresh_network(architecture, seed)
        losses = _fit(network, data, recipe, seed, progress)
        accuracy = accuracy_percent(network, data.validation_images, data.validation_labels, recipe.shrink)
    return Trained(accuracy, network, losses, time.perf_counter() - begun)


def check_fit(architecture: Architecture, data: ImageData, recipe: TrainRecipe) -> None:
    """InputError unless ``architecture`` takes these images and names these classes, and a batch can be filled."""
    wanted = (data.in_size, data.channels, data.classes)
    if (architecture.in_size, architecture.c_in, architecture.c_out) != wanted:
        raise InputError(
            f"network {architecture.name} takes {architecture.in_size}x{architecture.c_in} images and ends in "
            f"{architecture.c_out} classes, but {data.name} has {data.in_size}x{data.channels} images of "
            f"{data.classes} classes"
        )
    if architecture.blocks[-1].kind != "head":
        raise InputError(f"network {architecture.name} ends in {architecture.blocks[-1]}: only a head can be trained")
    if data.in_size % recipe.shrink:
        raise InputError(f"training recipe: images of {data.in_size} pixels do not shrink by {recipe.shrink}")
    if recipe.batch > len(data.train_images):
        raise InputError(
            f"training recipe: batch={recipe.batch} is more than the {len(data.train_images)} training images"
        )


def fresh_network(architecture: Architecture, seed: int) -> NetworkModule:
    """Untrained: He's normal weights by fan-out, biases 0, batch norm 1 and 0, the classifier N(0, .01), as
    torchvision's MobileNets begin. Seeds torch's generator."""
    torch.manual_seed(seed)
    network = NetworkModule(architecture)
    for layer in network.modules():
        if isinstance(layer, ConvBN) and _is_pointwise(layer.conv):
            layer.conv = _Pointwise(layer.conv)
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out")
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0.0, 0.01)
        if isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def accuracy_percent(network: nn.Module, images: Images, labels: Labels, shrink: int = 1) -> float:
    """Percent of ``images``, at 1/``shrink`` of their size, that ``network`` names rightly in evaluation mode."""
    network.eval()
    right = 0
    with torch.inference_mode():
        for start in range(0, len(images), JUDGED_AT_ONCE):
            part = slice(start, start + JUDGED_AT_ONCE)
            logits = network(_nchw(images[part], shrink))
            right += int((logits.argmax(1).numpy() == labels[part]).sum())
    return 100.0 * right / len(images)


class _Pointwise(nn.Conv2d):
    """A 1x1 convolution as a matrix product over NHWC memory: a third less time a step than torch's own on a CPU."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__(conv.in_channels, conv.out_channels, 1, bias=conv.bias is not None)

    def forward(self, x: Tensor) -> Tensor:
        y = F.linear(x.permute(0, 2, 3, 1), self.weight.flatten(1), self.bias)  # (n, s, s, c_in) -> (n, s, s, c_out)
        return y.permute(0, 3, 1, 2)


def _is_pointwise(conv: nn.Conv2d) -> bool:
    """Every output a mix of all inputs at its own place: a depthwise convolution of kernel 1 is not."""
    return conv.kernel_size == (1, 1) and conv.stride == (1, 1) and conv.groups == 1


def _fit(
    network: NetworkModule, data: ImageData, recipe: TrainRecipe, seed: int, progress: Progress | None
) -> tuple[float, ...]:
    optimizer = _optimizer(network, recipe)
    steps_an_epoch = len(data.train_images) // recipe.batch
    steps = recipe.epochs * steps_an_epoch
    warm_up = round(recipe.warm_up * steps)
    labels = torch.from_numpy(data.train_labels)
    rng = np.random.default_rng(seed)
    losses: list[float] = []
    network.train()
    for _ in range(recipe.epochs):
        order = rng.permutation(len(data.train_images))
        for i in range(steps_an_epoch):
            for group in optimizer.param_groups:
                group["lr"] = recipe.lr * _schedule(len(losses), steps, warm_up)
            picked = order[i * recipe.batch : (i + 1) * recipe.batch]
            logits = network(_nchw(data.train_images[picked], recipe.shrink))
            loss = F.cross_entropy(logits, labels[picked], label_smoothing=recipe.label_smoothing)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            losses.append(float(loss.detach()))
            if not math.isfinite(losses[-1]):
                raise OutcomeError(
                    f"training {network.architecture.name} diverged at step {len(losses)} of {steps}; "
                    f"lower the learning rate {recipe.lr:g}"
                )
            if progress is not None:
                progress(len(losses), steps)
    return tuple(losses)


def _optimizer(network: nn.Module, recipe: TrainRecipe) -> torch.optim.Optimizer:
    groups = [
        {"params": [p for p in network.parameters() if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in network.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.lr, fused=True)
    return torch.optim.SGD(groups, lr=recipe.lr, momentum=0.9, nesterov=True, fused=True)


def _schedule(step: int, steps: int, warm_up: int) -> float:
    """Factor of the peak learning rate at ``step`` (from 0)."""
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / (steps - warm_up)))


def _nchw(images: Images, shrink: int) -> Tensor:
    """(n, s, s, c) in memory, (n, c, s / shrink, s / shrink) to torch, channels last; each pixel a mean of shrink²."""
    if shrink > 1:
        tiles = [images[:, row::shrink, column::shrink] for row in range(shrink) for column in range(shrink)]
        images = sum(tiles[1:], tiles[0]) / np.float32(shrink * shrink)
    return torch.from_numpy(images).permute(0, 3, 1, 2)


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
