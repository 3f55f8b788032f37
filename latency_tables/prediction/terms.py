"""Features of a block for models of its time: amounts of work by part, and the shape.

The amounts follow the roofline model (Williams et al., CACM 2009): multiply-accumulates, values moved, weights read,
calls. Runtimes compute channels in vectors and tiles, so multiply-accumulates are counted both exactly and with output
channels rounded up to whole tiles; a fit decides which of these counts matter on a device. Each kernel size and stride
has counts of its own: runtimes compute them by different code, and nothing about one is learned from another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from edgenas.blocks.ops import lower
from edgenas.blocks.size import ImageSize, pixels
from edgenas.blocks.spec import ACTS, BlockSpec

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TILES = (1, 16, 32)  #: numbers of channels that runtimes compute at once: one or two vectors of 4 to 32 floats
_KERNELS = (1, 3, 5, 7)


@dataclass(frozen=True, eq=False)
class Design:
    """Blocks as rows of numbers: ``work`` (blocks, amounts) and ``shape`` (blocks, features)."""

    amounts: tuple[str, ...]
    work: Floats
    shape: Floats

    def __len__(self) -> int:
        return len(self.work)

    def rows(self, index: Ints) -> Design:
        """Return the rows of the numbers ``index``."""
        return Design(self.amounts, self.work[index], self.shape[index])


def design(blocks: Sequence[BlockSpec], amounts: Sequence[str]) -> Design:
    """Return ``blocks`` as rows; ``amounts`` are the columns of ``work`` (see ``amount_names``)."""
    found = [work_amounts(block) for block in blocks]
    work = np.array([[each.get(name, 0.0) for name in amounts] for each in found])
    return Design(tuple(amounts), work, np.array([shape_features(block) for block in blocks]))


def amount_names(blocks: Sequence[BlockSpec]) -> tuple[str, ...]:
    """Return the name of every amount that any of ``blocks`` has, sorted."""
    return tuple(sorted(set(chain.from_iterable(work_amounts(block) for block in blocks))))


def work_amounts(block: BlockSpec) -> dict[str, float]:
    """Return the amounts of work of a block by name: MACs, values and weights in millions, calls as a count. Amounts
    that the block does not have are absent."""
    amounts = {"block": 1.0}
    for op in lower(block):
        name = f"{op.name}-k{op.kernel}-s{op.stride}" if op.kind in ("conv", "depthwise") else op.name
        amounts[f"{name} calls"] = 1.0
        amounts[f"{op.name} values"] = (op.in_elements + op.out_elements) / 1e6
        if op.act != "none":
            act = f"{op.act} values"
            amounts[act] = amounts.get(act, 0.0) + op.out_elements / 1e6
        if op.has_weights:
            weights_a_channel = int(np.prod(op.weight_shape[1:]))
            for tile in TILES:
                channels = -(-op.c_out // tile) * tile
                amounts[f"{name} MACs/{tile}"] = channels * weights_a_channel * pixels(op.out_size) / 1e6
            amounts[f"{op.name} weights"] = op.c_out * weights_a_channel / 1e6
    return amounts


def shape_features(block: BlockSpec) -> list[float]:
    """Return logarithms of sizes and of the padding to whole tiles, and 0 or 1 for each kernel, stride, activation and
    option."""
    widths = [max(width, 1) for width in (block.c_in, block.c_mid, block.c_out)]
    waste = [np.log(-(-width // tile) * tile / width) for width in widths for tile in TILES if tile > 1]
    kinds = [block.kernel == kernel for kernel in _KERNELS] + [block.act == act for act in ACTS]
    options = [block.stride == 2, block.c_se > 0, block.residual]
    sizes = [_log_side(block.in_size), *(np.log(width) for width in (*widths, 1 + block.c_se))]
    return [float(value) for value in (*sizes, *waste, *kinds, *options)]


def _log_side(size: ImageSize) -> float:
    """Return the logarithm of the side of a square of as many pixels."""
    return float(np.log(size) if isinstance(size, int) else np.log(pixels(size)) / 2)


def layer_of(block: BlockSpec) -> tuple[ImageSize, int, int, int]:
    """Return (input size, input channels, output channels, stride), which the blocks of one layer share.

    Blocks of one layer have similar times. The error of predictions for new blocks is therefore estimated by leaving
    out whole layers.
    """
    return block.in_size, block.c_in, block.c_out, block.stride
