"""How a device computes while it trains: precision, order in memory, repeatability; and how arrays get there.

Needs torch, and importing this file imports it.
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
    """What is left open about how a network is trained.

    bf16           convolutions and products in bfloat16. Its exponents are those of float32, so the loss needs no
                   scaling; weights, statistics, the loss and the optimizer stay in float32, and so does judging
    channels_last  NHWC in memory, where a pointwise convolution is a matrix product; else NCHW, and torch's own
    """

    bf16: bool = False
    channels_last: bool = True

    @classmethod
    def of(cls, device: torch.device) -> Arithmetic:
        """What the device likes: bfloat16 on a GPU that has it in hardware."""
        return cls(bf16=device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False))

    @property
    def memory_format(self) -> torch.memory_format:
        return torch.channels_last if self.channels_last else torch.contiguous_format

    def autocast(self, device: torch.device) -> AbstractContextManager[object]:
        """For the forward pass and the loss, not for the way back."""
        return torch.autocast(device.type, torch.bfloat16) if self.bf16 else nullcontext()


def sent(array: NDArray[Any], device: torch.device) -> Tensor:
    """``array`` on ``device``. On a GPU the copy is queued, from pinned memory: a plain copy would make the CPU wait
    until the GPU has done all that was asked of it before."""
    tensor = torch.from_numpy(array)
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


@contextmanager
def repeatable() -> Iterator[None]:
    """cuDNN takes kernels that add in one order: on one GPU, with one torch, a training gives the same weights again,
    cut and continued or not. The CPU does so anyway, on a fixed number of threads."""
    before = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = before
