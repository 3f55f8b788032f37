"""Logistic regression: the classifier of a network from its features of the training pictures. This module imports
torch."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgenas.base.errors import MissingExtraError

try:
    import torch
    from torch import Tensor
    from torch.nn import functional as F
except ImportError as error:
    raise MissingExtraError("torch", "train", "training a network") from error

PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1)  #: of the squared weights of the head; a held-out fifth of the features chooses
_STEPS = 100  #: most steps of the regression


def regression(features: Tensor, labels: Tensor, classes: int, copies: int = 1) -> tuple[Tensor, Tensor]:
    """Return the weight (classes, c) and bias (classes,) of a logistic regression on ``features`` (n, c).

    The penalty of the squared weights is the one of PENALTIES whose fit on four fifths of the pictures has the smallest
    loss on the rest; features are scaled to unit deviation for the fit. The rows are ``copies`` times the same
    pictures, one copy after another: copies of a picture are held out together.
    """
    mean, deviation = features.mean(0), features.std(0) + 1e-6
    scaled = (features - mean) / deviation
    pictures = len(labels) // copies
    order = torch.from_numpy(np.random.default_rng(0).permutation(pictures)).to(labels.device)
    held, kept = (
        torch.cat([rows + pictures * i for i in range(copies)])
        for rows in (order[: pictures // 5], order[pictures // 5 :])
    )

    def held_out_loss(penalty: float) -> float:
        weight, bias = _fitted(scaled[kept], labels[kept], classes, penalty)
        return float(F.cross_entropy(scaled[held] @ weight.T + bias, labels[held])) if len(held) else 0.0

    weight, bias = _fitted(scaled, labels, classes, min(PENALTIES, key=held_out_loss))
    weight = weight / deviation
    return weight, bias - weight @ mean


def _fitted(features: Tensor, labels: Tensor, classes: int, penalty: float) -> tuple[Tensor, Tensor]:
    weight = torch.zeros(classes, features.shape[1], device=features.device, requires_grad=True)
    bias = torch.zeros(classes, device=features.device, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def closure() -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(features @ weight.T + bias, labels) + penalty * weight.square().sum()
        torch.autograd.backward(loss)
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]  # torch's types lack it
    return weight.detach(), bias.detach()
