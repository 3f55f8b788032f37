"""Arithmetic of a device during training (precision, memory layout, repeatability), and transfer of arrays to it.

This module imports torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from edgenas.base.errors import MissingExtraError

try:
    import torch
    from torch import Tensor
except ImportError as error:
    raise MissingExtraError("torch", "train", "training a network") from error


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Precision and memory layout of a training, which depend on the device and not on the recipe.

    bf16           convolutions and matrix products in bfloat16. Its exponent range is that of float32, so the loss
                   needs no scaling; weights, statistics, the loss, the optimizer and the evaluation stay in float32
    channels_last  NHWC layout, with a pointwise convolution as a matrix product; else NCHW with torch's convolution
    """

    bf16: bool = False
    channels_last: bool = True

    @classmethod
    def of(cls, device: torch.device) -> Arithmetic:
        """Return the fastest arithmetic for a device: bfloat16 on a GPU that has it in hardware."""
        return cls(bf16=device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False))

    @property
    def memory_format(self) -> torch.memory_format:
        return torch.channels_last if self.channels_last else torch.contiguous_format

    def autocast(self, device: torch.device) -> AbstractContextManager[object]:
        """Return the context for the forward pass and the loss; the backward pass runs outside it."""
        return torch.autocast(device.type, torch.bfloat16) if self.bf16 else nullcontext()


def sent(array: NDArray[Any], device: torch.device) -> Tensor:
    """Copy ``array`` to ``device``. For a GPU the copy is asynchronous, from pinned memory: with a plain copy, the CPU
    would wait until the GPU has finished all earlier work."""
    tensor = torch.from_numpy(array)
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


@contextmanager
def repeatable() -> Iterator[None]:
    """Select deterministic cuDNN kernels, as a context manager.

    With them, on one GPU and one version of torch, a repeated training gives the same weights, also when it was
    interrupted and continued. On the CPU this holds for a fixed number of threads without any setting.
    """
    before = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = before
