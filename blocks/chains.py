"""A block inside a short chain, A·b·B: what it costs where its neighbours run in the same runtime.

A runtime that keeps feature maps in a layout of its own (onnxruntime on x86: NCHWc) converts them at the ends of a
model. Measured alone, a block pays for two conversions that it does not cause in a network. In a chain they are paid by
A and B, 1x1 convolutions between the block's widths and THIN channels, and T(A·b·B) - T(A) - T(B) leaves out as many as
T(b) has too many; the mean of the two has about none.
"""

from __future__ import annotations

from edgenas.blocks.spec import BlockSpec

THIN = 8  #: channels outside: one SIMD register of float32, so that A and B are in the runtime's own layout as well
_IMAGE = 4  # so few channels are an image, which nothing comes before


def ends(block: BlockSpec) -> tuple[BlockSpec | None, BlockSpec | None]:
    """A and B; None at the image and after a head."""
    before = BlockSpec("conv", block.in_size, THIN, 0, block.c_in, 1, 1) if block.c_in > _IMAGE else None
    after = BlockSpec("conv", block.out_size, block.c_out, 0, THIN, 1, 1) if block.kind != "head" else None
    return before, after


def chain(block: BlockSpec) -> tuple[BlockSpec, ...]:
    """A·b·B, less the ends there are not."""
    before, after = ends(block)
    return tuple(b for b in (before, block, after) if b is not None)
