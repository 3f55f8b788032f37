"""The training loop for any module: batches, learning rate schedule, moving average of weights, checkpoints.

Random draws depend only on the seed and the step, so that an interrupted training continues with the same result.
This module imports torch.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgenas.base.errors import MissingExtraError, OutcomeError
from edgenas.base.listener import SILENT, Listener
from edgenas.training.augmentation import varied
from edgenas.training.checkpoints import Checkpoint
from edgenas.training.data import TrainRecipe
from edgenas.training.feed import Feed

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingExtraError("torch", "train", "training a network") from error

#: Leaves gradients for a batch of images and labels at a step (from 0), and says the loss
Gradients = Callable[[Tensor, Tensor, int], Tensor]

SAVED_EVERY_S = 60.0  #: seconds between checkpoints within an epoch; there is also one at the end of every epoch
_CHECKED_EVERY = 50  #: steps between checks of the losses: each check makes the CPU wait for the GPU


@dataclass(frozen=True, slots=True)
class Fit:
    """A training of ``module`` on ``feed``; ``name`` is its name in errors."""

    name: str
    module: nn.Module
    feed: Feed
    recipe: TrainRecipe
    seed: int
    gradients: Gradients
    checkpoint: Checkpoint | None = None
    listener: Listener = SILENT

    def run(self) -> tuple[float, ...]:
        """Train the module, and return the loss of every step. OutcomeError when a loss is not finite."""
        recipe, optimizer = self.recipe, optimizer_for(self.module, self.recipe)
        steps_per_epoch = len(self.feed) // recipe.batch
        steps = recipe.epochs * steps_per_epoch
        mean = _Mean(self.module, recipe.ema) if recipe.ema else None
        losses = self._resumed(optimizer, mean)
        unchecked: list[Tensor] = []
        saved = time.monotonic()
        self.module.train()
        for parameter in self.module.parameters():  # a step of a supernet does not use all weights
            parameter.grad = torch.zeros_like(parameter)
        for step in range(len(losses), steps):
            epoch, i = divmod(step, steps_per_epoch)
            if i == 0 or step == len(losses):
                order = np.random.default_rng([self.seed, epoch]).permutation(len(self.feed))
            for group in optimizer.param_groups:
                group["lr"] = recipe.lr * schedule(step, steps, round(recipe.warm_up * steps))
            images, labels = self.feed.batch(order[i * recipe.batch : (i + 1) * recipe.batch])
            images = varied(images, recipe, np.random.default_rng([self.seed, epoch, i]))
            optimizer.zero_grad(set_to_none=False)
            unchecked.append(self.gradients(images, labels, step))
            optimizer.step()
            if mean is not None:
                mean.update(step)
            ended = i + 1 == steps_per_epoch
            if ended or len(unchecked) == _CHECKED_EVERY or images.device.type == "cpu":
                losses += torch.stack(unchecked).tolist()
                unchecked = []
                self._check(losses, steps)
                if self.checkpoint and (ended or time.monotonic() - saved > SAVED_EVERY_S):
                    self._save(self.checkpoint, optimizer, mean, losses)
                    saved = time.monotonic()
            self.listener.progress(step + 1, steps, name=f"steps of {self.name}")
        if mean is not None:
            mean.take()
        return tuple(losses)

    def _check(self, losses: list[float], steps: int) -> None:
        infinite = next((i for i, loss in enumerate(losses[-_CHECKED_EVERY:]) if not math.isfinite(loss)), None)
        if infinite is not None:
            at = max(0, len(losses) - _CHECKED_EVERY) + infinite + 1
            raise OutcomeError(
                f"training {self.name} diverged at step {at} of {steps}; lower the learning rate {self.recipe.lr:g}"
            )

    def _save(
        self, checkpoint: Checkpoint, optimizer: torch.optim.Optimizer, mean: _Mean | None, losses: list[float]
    ) -> None:
        tensors = {f"module.{name}": value for name, value in self.module.state_dict().items()}
        for i, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{i}.{key}": value for key, value in state.items() if isinstance(value, Tensor)}
        if mean is not None:
            tensors |= {f"mean.{name}": value for name, value in mean.values.items()}
        arrays = {name: value.detach().cpu().numpy() for name, value in tensors.items()}
        checkpoint.save({**arrays, "losses": np.array(losses, np.float64)}, {"torch": torch.__version__})

    def _resumed(self, optimizer: torch.optim.Optimizer, mean: _Mean | None) -> list[float]:
        """Restore module, optimizer and mean from the checkpoint, and return the losses up to it; an empty list without
        a checkpoint."""
        stored = self.checkpoint.load() if self.checkpoint else None
        if stored is None:
            return []
        tensors = {name: torch.from_numpy(array) for name, array in stored[0].items() if name != "losses"}
        self.module.load_state_dict(_under("module", tensors))
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in _under("optimizer", tensors).items():
            number, _, key = name.partition(".")
            state.setdefault(int(number), {})[key] = value
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
        if mean is not None:
            for name, value in _under("mean", tensors).items():
                mean.values[name].copy_(value)
        losses: list[float] = stored[0]["losses"].tolist()
        return losses


class _Mean:
    """Exponential moving average of a module's weights and batch norm statistics.

    The decay grows with the number of steps (as in TensorFlow's ``ExponentialMovingAverage`` with ``num_updates``), so
    that the initial weights soon have no influence.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self._decay = decay
        self._now = {name: value for name, value in module.state_dict().items() if value.is_floating_point()}
        self.values = {name: value.clone() for name, value in self._now.items()}

    def update(self, step: int) -> None:
        weight = 1 - min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.values.values()), list(self._now.values()), weight)

    def take(self) -> None:
        """Copy the mean into the module."""
        for name, value in self.values.items():
            self._now[name].copy_(value)


def optimizer_for(module: nn.Module, recipe: TrainRecipe) -> torch.optim.Optimizer:
    """Return the optimizer of ``recipe``, with weight decay for weights of more than one dimension only."""
    groups = [
        {"params": [p for p in module.parameters() if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in module.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.lr, fused=True)
    return torch.optim.SGD(groups, lr=recipe.lr, momentum=0.9, nesterov=True, fused=True)


def schedule(step: int, steps: int, warm_up: int) -> float:
    """Return the learning rate at ``step`` (from 0), as a share of the peak."""
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / (steps - warm_up)))


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors whose names begin with ``prefix``, without the prefix."""
    return {name[len(prefix) + 1 :]: value for name, value in tensors.items() if name.startswith(f"{prefix}.")}
