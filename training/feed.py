"""Batches of images on the training device: storage and normalisation.

This module imports torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgenas.base.errors import InputError, MissingExtraError
from edgenas.training.arithmetic import sent
from edgenas.training.data import Pixels

try:
    import torch
    from torch import Tensor
    from torch.nn import functional as F
except ImportError as error:
    raise MissingExtraError("torch", "train", "training a network") from error

RESIDENT_SHARE = 0.25  #: share of a GPU's free memory that images may fill; larger data stay in the CPU's memory


def device_named(name: str) -> torch.device:
    """Return the device of 'cpu', 'cuda', 'cuda:1' or 'auto' (CUDA where torch has it, else the CPU). InputError for
    other names, and for CUDA where torch has none."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError(f"device {name!r} is not 'auto', 'cpu' or 'cuda'") from None
    if device.type not in ("cpu", "cuda"):
        raise InputError(f"device {name!r}: networks are trained on 'cpu' or 'cuda'")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError(
            f"device {name!r}: torch {torch.__version__} finds no CUDA on this machine; take 'cpu' or 'auto'"
        )
    return device


class Normalised(Protocol):
    """Data whose pictures are levels with a mean and a deviation for each channel, or floats without them."""

    @property
    def mean(self) -> tuple[float, ...]: ...

    @property
    def deviation(self) -> tuple[float, ...]: ...


class Feed:
    """One part of ``data`` as batches (n, c, h, w), float32, with h = height / ``shrink`` and w = width / ``shrink``.

    On a GPU with enough free memory, the whole part is stored there in the type of the data, such as uint8.
    """

    def __init__(
        self,
        data: Normalised,
        images: Pixels,
        labels: NDArray[Any],
        shrink: int,
        device: torch.device,
        memory_format: torch.memory_format = torch.channels_last,
    ) -> None:
        self._images, self.device, self._shrink, self._format = images, device, shrink, memory_format
        self._labels = torch.from_numpy(labels).to(device)
        self._resident: Tensor | None = None
        if device.type == "cuda" and images.nbytes < RESIDENT_SHARE * torch.cuda.mem_get_info(device)[0]:
            self._resident = torch.from_numpy(np.array(images)).to(device)
        self._scale: tuple[Tensor, Tensor] | None = None
        if data.mean:
            mean, deviation = (torch.tensor(v, dtype=torch.float32, device=device) for v in (data.mean, data.deviation))
            self._scale = mean.view(1, -1, 1, 1), 1 / deviation.view(1, -1, 1, 1)

    def __len__(self) -> int:
        return len(self._images)

    def batch(self, rows: NDArray[np.int64] | slice) -> tuple[Tensor, Tensor]:
        """Return the images of ``rows``, normalised, and their labels or other targets."""
        if isinstance(rows, slice):
            rows = np.arange(len(self))[rows]
        picked = sent(rows, self.device)
        stored = sent(self._images[rows], self.device) if self._resident is None else self._resident[picked]
        images = stored.permute(0, 3, 1, 2).float()  # NHWC in memory: channels last to torch
        if self._shrink > 1:
            images = F.avg_pool2d(images, self._shrink)
        if self._scale is not None:
            images = (images - self._scale[0]) * self._scale[1]
        return images.contiguous(memory_format=self._format), self._labels[picked]

    def in_order(self, at_once: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield every image once, in batches of ``at_once``."""
        for start in range(0, len(self), at_once):
            yield self.batch(slice(start, start + at_once))
