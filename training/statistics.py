"""Batch norm statistics of published weights, taken from images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edgenas.base.listener import Listener
from edgenas.blocks.weights import Array
from edgenas.training.data import Images

if TYPE_CHECKING:
    from edgenas.blocks.pretrained.placing import Pretrained


@dataclass(frozen=True, slots=True)
class _Floats:
    """Images that are normalised already."""

    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()


def own_statistics(placed: Pretrained, images: Images | None, listener: Listener) -> Pretrained:
    """Return the weights; those of a member of a supernet with the batch norm statistics of the ``images``."""
    if not placed.cut_out:
        return placed
    if images is None:
        listener.message(
            "a member of a supernet has no batch norm statistics of its own, so its outputs are poor; --calibrate "
            "FOLDER_OR_NPZ takes them from images like those that it will see"
        )
        return placed
    return with_statistics(placed, images)


def with_statistics(known: Pretrained, images: Images) -> Pretrained:
    """Return the weights with the batch norm statistics of ``images`` (n, height, width, c), normalised."""
    import torch

    from edgenas.training.feed import Feed
    from edgenas.training.fine_tuning import Start, recalibrated, started

    module = started(Start(known.tensors, known.epsilon, ""), known.architecture)
    labels = np.zeros(len(images), np.int64)
    recalibrated(module, Feed(_Floats(), images, labels, 1, torch.device("cpu")))
    state = module.state_dict()

    def own(number: int, name: str, array: Array) -> Array:
        return state[f"{number}.{name}"].numpy().copy() if ".running_" in name else array

    tensors = tuple({n: own(i, n, a) for n, a in block.items()} for i, block in enumerate(known.tensors))
    return replace(known, tensors=tensors)
