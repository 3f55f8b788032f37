"""Losses for targets of different kinds, by name, and losses of one's own. This module imports torch.

Each loss is a function of the outputs of a network (n, outputs), float32, and of the targets of its batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgenas.base.code import Code
from edgenas.base.errors import InputError, MissingExtraError
from edgenas.base.plugins import GROUPS, accepted, find
from edgenas.training.targets import Targets

try:
    import torch
    from torch import Tensor
    from torch.nn import functional as F
except ImportError as error:
    raise MissingExtraError("torch", "train", "training a network") from error

LossFunction = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss with its ``name``. ``prepared`` converts targets to what the function takes, and ``outputs`` is the number
    of outputs that they need; None where the targets do not tell. ``code`` identifies the user's file that defines the
    function, where it is given as text."""

    name: str
    function: LossFunction
    prepared: Callable[[Targets], Targets]
    outputs: Callable[[Targets], int | None]
    code: Code | None = None


def _numbers(targets: Targets) -> Targets:
    """Regression: (n,) or (n, k) numbers -> (n, k) float32."""
    if targets.ndim not in (1, 2) or targets.dtype.kind not in "fiub":
        raise InputError(f"targets are {targets.dtype}{targets.shape}, not numbers of shape (n,) or (n, outputs)")
    return np.ascontiguousarray(targets.reshape(len(targets), -1), np.float32)


def _labels(targets: Targets) -> Targets:
    """Several labels: (n, k) of 0 and 1 -> float32."""
    if targets.ndim != 2 or targets.dtype.kind not in "fiub" or not np.isin(targets, (0, 1)).all():
        raise InputError(f"targets are {targets.dtype}{targets.shape}, not 0 or 1 for each label, of shape (n, labels)")
    return np.ascontiguousarray(targets, np.float32)


def _classes(targets: Targets) -> Targets:
    """One class: (n,) numbers from 0 -> int64."""
    if targets.ndim != 1 or targets.dtype.kind not in "iu" or not len(targets) or targets.min() < 0:
        raise InputError(f"targets are {targets.dtype}{targets.shape}, not class numbers from 0, of shape (n,)")
    return np.ascontiguousarray(targets, np.int64)


def _any(targets: Targets) -> Targets:
    """Targets of a loss of one's own: float32, or int64 for whole numbers."""
    if targets.ndim < 1 or targets.dtype.kind not in "fiub":
        raise InputError(f"targets are {targets.dtype}{targets.shape}, not numbers of shape (n, ...)")
    return np.ascontiguousarray(targets, np.int64 if targets.dtype.kind in "iu" else np.float32)


def _columns(targets: Targets) -> int:
    return int(targets.shape[1])


#: name -> loss
LOSSES: dict[str, Loss] = {
    each.name: each
    for each in (
        Loss("mse", F.mse_loss, _numbers, _columns),
        Loss("l1", F.l1_loss, _numbers, _columns),
        Loss("huber", F.huber_loss, _numbers, _columns),
        Loss("multi-label", F.binary_cross_entropy_with_logits, _labels, _columns),
        Loss("cross-entropy", F.cross_entropy, _classes, lambda targets: int(targets.max()) + 1),
    )
}


def loss_of(given: str | LossFunction) -> Loss:
    """Return a loss by name, a function of (outputs, targets), or one named by 'FILE.py:NAME', 'PACKAGE.MODULE:NAME' or
    an entry point of ``edgenas.losses``; InputError for an unknown name and other values."""
    if isinstance(given, str):
        if given in LOSSES:
            return LOSSES[given]
        found = find(given, LOSSES, "loss", GROUPS["loss"])
        accepted(found, callable(found.value), "a loss: a function of (outputs, targets) that returns one number")
        return Loss(given, found.value, _any, lambda targets: None, found.code)
    if not callable(given):
        raise InputError(f"{given!r} is neither the name of a loss ({', '.join(LOSSES)}) nor a function")
    kind: Any = given if hasattr(given, "__qualname__") else type(given)
    return Loss(f"{kind.__module__}:{kind.__qualname__}", given, _any, lambda targets: None)


def value_of(loss: Loss, outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the loss of a batch; InputError where a function of one's own does not return one number as a tensor."""
    value = loss.function(outputs, targets)
    if not isinstance(value, torch.Tensor) or value.numel() != 1:
        what = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, torch.Tensor) else type(value).__name__
        raise InputError(f"the loss {loss.name} returned {what}; return one number as a tensor, such as a mean")
    return value.reshape(())
