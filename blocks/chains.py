"""Short chains A·b·B around a block b, for its latency where its neighbours run in the same runtime.

A runtime that holds feature maps in its own memory layout (onnxruntime on x86: NCHWc) converts them at both ends of a
model. A block that is measured alone, T(b), therefore includes two conversions that it does not cause in a network. In
a chain, the conversions belong to A and B: 1x1 convolutions between the block's channels and THIN channels. The
difference T(A·b·B) - T(A) - T(B) has too few conversions, by the number that T(b) has too many; the mean of the two
has about none.
"""

from __future__ import annotations

from edgenas.blocks.spec import BlockSpec

THIN = 8  #: outer channels of A and B: one SIMD register of float32, so that they use the runtime's own layout as well
_IMAGE = 4  # an input with at most this many channels is the image, and no block comes before it


def ends(block: BlockSpec) -> tuple[BlockSpec | None, BlockSpec | None]:
    """Return the neighbours A and B of the chain A·b·B around ``block``; A is None where the input is the image, B is
    None after a head.
    """
    before = BlockSpec("conv", block.in_size, THIN, 0, block.c_in, 1, 1) if block.c_in > _IMAGE else None
    after = BlockSpec("conv", block.out_size, block.c_out, 0, THIN, 1, 1) if block.kind != "head" else None
    return before, after


def chain(block: BlockSpec) -> tuple[BlockSpec, ...]:
    """Return the blocks of A·b·B, without the ends that are None."""
    before, after = ends(block)
    return tuple(b for b in (before, block, after) if b is not None)
