"""Training that begins from published weights: a head by regression on features, then all weights, with the batch norm
statistics of the published weights kept. This module imports torch.

A member that was cut out of the published network begins with these weights as they are, or after its stages learned
the feature maps of the published network (``edgenas.training.distillation``). Then at most three recipes are tried: the
head alone, fine-tuning with random crops and colours, and a shorter one without these at a quarter of the rate. The
validation pictures choose both. With few pictures, batch norms that keep training lose what the weights know: 500
pictures of CIFAR-10 at 65 pixels gave 66.6 % with statistics frozen, and 39.0 % without.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgenas.base.errors import MissingExtraError
from edgenas.base.listener import SILENT, Listener
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.torch_modules import BlockModule, NetworkModule, in_channels_last
from edgenas.blocks.weights import Array
from edgenas.training.arithmetic import Arithmetic, repeatable
from edgenas.training.checkpoints import Checkpoint
from edgenas.training.data import ImageData, TrainRecipe
from edgenas.training.distillation import distil, distilling
from edgenas.training.feed import Feed, device_named
from edgenas.training.head_regression import regression
from edgenas.training.loop import Fit
from edgenas.training.network import Trained, accuracy_percent, check_fit, gradients, identity, quick, threads

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingExtraError("torch", "train", "training a network") from error

DISTILLED = "stages distilled from the published network, "  #: what precedes the name of a recipe
HEAD = "head by regression"  #: the recipe without fine-tuning
LEAST_VARIANCE = 0.1  #: of the published variance of a channel, in a member that was cut out
_AT_ONCE = 64  #: pictures in one forward pass


@dataclass(frozen=True, eq=False)
class Start:
    """Weights that a training begins with.

    tensors   for each block, its tensors by their names in the torch module; without those of the classifier
    epsilon   of the batch norms
    digest    text that identifies the weights, for the identity of trainings
    exact     False where the batch norms need new statistics: a member that was cut out of another network
    teacher   the published network that the member was cut out of, and its weights: stages may learn its feature maps
    """

    tensors: tuple[Mapping[str, Array], ...]
    epsilon: float
    digest: str
    exact: bool = True
    teacher: tuple[Architecture, Start] | None = None


def fine_tuning_identity(
    architecture: Architecture, data: ImageData, recipe: TrainRecipe, seed: int, start: Start
) -> str:
    """Return text that identifies a training from published weights."""
    return f"{identity(architecture, data, recipe, seed)}:from-{start.digest}"


def trained_from(
    start: Start,
    architecture: Architecture,
    data: ImageData,
    recipe: TrainRecipe,
    seed: int,
    listener: Listener = SILENT,
    *,
    device: str = "cpu",
    checkpoint: Path | None = None,
) -> tuple[Trained, str]:
    """Return ``architecture`` trained from ``start`` on ``data``, and the name of the recipe that the validation
    pictures chose: the head alone, ``recipe``, or its gentle form (``recipes``).

    The first of equal recipes is taken. A training that was interrupted continues from the files beside
    ``checkpoint``. InputError where network and pictures do not fit; OutcomeError where a loss is not finite.
    """
    check_fit(architecture, data, recipe)
    begin, where = time.perf_counter(), device_named(device)
    how = Arithmetic.of(where)
    judged = Feed(data, data.validation_images, data.validation_labels, recipe.shrink, where, how.memory_format)
    with threads(1), repeatable(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        first, accuracy, before = _begun(start, architecture, data, recipe, seed, judged, checkpoint, listener)
        best, chosen = first, f"{before}{HEAD}"
        losses: tuple[float, ...] = ()
        for own in recipes(recipe):
            name = before + described(own)
            module = _copy(first, architecture, start.epsilon, how).to(where)
            text = fine_tuning_identity(architecture, data, own, seed, start)
            path = None if checkpoint is None else checkpoint.with_name(f"{checkpoint.stem}-{own.digest}.npz")
            state = None if path is None else Checkpoint(path, text)
            feed = Feed(data, data.train_images, data.train_labels, recipe.shrink, where, how.memory_format)
            frozen = FrozenNorms(module)
            found = Fit(architecture.name, frozen, feed, own, seed, gradients(frozen, own, how), state, listener).run()
            reached = accuracy_percent(module, judged)
            listener.message(f"{architecture.name}: {name}: {reached:.2f} %")
            if reached > accuracy:
                best, chosen, losses, accuracy = module, name, found, reached
    trained = Trained(accuracy, best.cpu().eval(), losses, time.perf_counter() - begin)
    return trained, chosen


def recipes(recipe: TrainRecipe) -> tuple[TrainRecipe, ...]:
    """Return the recipes of fine-tuning that are tried: ``recipe``, and its gentle form, with half of its epochs, a
    quarter of its rate, and neither crops nor colours."""
    return recipe, replace(recipe, epochs=max(1, recipe.epochs // 2), lr=recipe.lr / 4, crop=1.0, colour=0.0)


def described(recipe: TrainRecipe) -> str:
    """Return the name of a recipe of fine-tuning, for messages and the card."""
    varied = [f"random parts of at least {100 * recipe.crop:g} % of an image"] if recipe.crop < 1 else []
    varied += [f"random colours, {recipe.colour:g}"] if recipe.colour else []
    how = [f"{recipe.epochs} epochs", f"learning rate {recipe.lr:g}", *varied, "batch norm statistics frozen"]
    return f"fine-tuned, {', '.join(how)}"


class FrozenNorms(nn.Module):
    """A network whose batch norms keep their statistics while it trains."""

    def __init__(self, network: NetworkModule) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.network(x)
        return y

    def train(self, mode: bool = True) -> FrozenNorms:
        """Set training mode for all but the batch norms."""
        super().train(mode)
        for layer in self.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.eval()
        return self


def started(start: Start, architecture: Architecture, how: Arithmetic | None = None) -> NetworkModule:
    """Return the network with the weights of ``start``, in evaluation mode; its classifier is zero."""
    module = quick(NetworkModule(architecture))  # before it has weights: its faster layers begin with random ones
    state = {f"{i}.{name}": torch.from_numpy(a) for i, block in enumerate(start.tensors) for name, a in block.items()}
    own = module.state_dict()
    classifier = {name for name in own if ".classifier." in name}
    lacking = {name for name in own if name not in state and not name.endswith("num_batches_tracked")} - classifier
    assert not lacking, f"no weights for {sorted(lacking)[:3]}"
    module.load_state_dict({n: v for n, v in state.items() if n not in classifier}, strict=False)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eps = start.epsilon
    for name, parameter in module.named_parameters():
        if name in classifier:
            nn.init.zeros_(parameter)
    return (in_channels_last(module) if how is None or how.channels_last else module).eval()


def _begun(
    start: Start,
    architecture: Architecture,
    data: ImageData,
    recipe: TrainRecipe,
    seed: int,
    judged: Feed,
    checkpoint: Path | None,
    listener: Listener,
) -> tuple[NetworkModule, float, str]:
    """Return the network that fine-tuning begins with, with its head; its accuracy in percent; and what precedes the
    name of a recipe: DISTILLED where ``start`` has a teacher and the network is better after distillation."""
    where, how = judged.device, Arithmetic.of(judged.device)
    feed = Feed(data, data.train_images, data.train_labels, recipe.shrink, where, how.memory_format)
    cut = _with_head(started(start, architecture, how).to(where), feed, data.classes, recipe.flip, not start.exact)
    accuracy = accuracy_percent(cut, judged)
    listener.message(f"{architecture.name}: {HEAD}: {accuracy:.2f} % of the validation images")
    if start.teacher is None:
        return cut, accuracy, ""
    whole, weights = start.teacher
    own = distilling(recipe)
    text = f"{fine_tuning_identity(architecture, data, own, seed, start)}:stages"
    path = None if checkpoint is None else checkpoint.with_name(f"{checkpoint.stem}-stages.npz")
    state = None if path is None else Checkpoint(path, text)
    student, teacher = started(start, architecture, how).to(where), started(weights, whole, how).to(where)
    distil(architecture.name, student, teacher, feed, own, seed, how, state, listener)
    taught = _with_head(student, feed, data.classes, recipe.flip, True)
    reached = accuracy_percent(taught, judged)
    listener.message(f"{architecture.name}: {DISTILLED}{HEAD}: {reached:.2f} %")
    return (taught, reached, DISTILLED) if reached > accuracy else (cut, accuracy, "")


def _with_head(module: NetworkModule, feed: Feed, classes: int, flip: bool, recalibrate: bool) -> NetworkModule:
    """Return the network itself, with a classifier fitted to its features of the training pictures."""
    if recalibrate:
        recalibrated(module, feed)
    weight, bias = regression(*features(module, feed, flip), classes, 2 if flip else 1)
    head = module[len(module) - 1]
    assert isinstance(head, BlockModule)
    layer = head.get_submodule("classifier")
    assert isinstance(layer, nn.Linear)
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
    return module


def recalibrated(module: NetworkModule, feed: Feed) -> None:
    """Set the batch norms' statistics to the plain means of those of the batches of ``feed``, drawn in random order.

    A variance is at least LEAST_VARIANCE of the published one: a channel that hardly varies in these pictures would
    otherwise be divided by almost nothing, and rounding errors would grow from layer to layer.
    """
    norms = [layer for layer in module.modules() if isinstance(layer, nn.BatchNorm2d)]
    least = [LEAST_VARIANCE * norm.running_var for norm in norms if norm.running_var is not None]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    module.train()
    order = np.random.default_rng(0).permutation(len(feed))
    with torch.no_grad():
        for begin in range(0, len(order), _AT_ONCE):
            rows = order[begin : begin + _AT_ONCE]
            if len(rows) > 1:
                module(feed.batch(rows)[0])
    for norm, floor in zip(norms, least, strict=True):
        norm.momentum = 0.1
        if norm.running_var is not None:
            norm.running_var.copy_(torch.maximum(norm.running_var, floor))
    module.eval()


def features(module: NetworkModule, feed: Feed, mirrored: bool) -> tuple[Tensor, Tensor]:
    """Return the inputs (n, c) of the classifier for every picture of ``feed``, and their labels; ``mirrored``: then
    for every picture mirrored."""
    head = module[len(module) - 1]
    assert isinstance(head, BlockModule)
    inputs: list[Tensor] = []
    hook = head.get_submodule("classifier").register_forward_hook(lambda _m, given, _o: inputs.append(given[0]))
    try:
        with torch.no_grad():
            labels = [labels for images, labels in feed.in_order(_AT_ONCE) if len(module(images))]
            if mirrored:
                labels += [labels for images, labels in feed.in_order(_AT_ONCE) if len(module(images.flip(3)))]
    finally:
        hook.remove()
    return torch.cat(inputs).float(), torch.cat(labels)


def _copy(module: NetworkModule, architecture: Architecture, epsilon: float, how: Arithmetic) -> NetworkModule:
    """Return a copy of a network with its weights, its statistics and the ``epsilon`` of its batch norms."""
    made = quick(NetworkModule(architecture))
    made.load_state_dict({name: value.cpu() for name, value in module.state_dict().items()})
    for layer in made.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eps = epsilon
    return in_channels_last(made) if how.channels_last else made
