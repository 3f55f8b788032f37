"""Hypothesis strategies that several tests share: blocks and chains of blocks that fit together."""

from __future__ import annotations

from hypothesis import strategies as st

from edgenas.blocks.architecture import Architecture
from edgenas.blocks.padding import same_differs
from edgenas.blocks.size import ImageSize, image_size
from edgenas.blocks.spec import ACTS, KINDS, BlockSpec, Kind, skip

COMPUTING: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind != "skip")


def sizes(most: int = 13) -> st.SearchStrategy[ImageSize]:
    """Squares and rectangles with sides of 1 .. ``most`` pixels."""
    sides = st.integers(1, most)
    return st.one_of(sides, st.builds(image_size, sides, sides))


@st.composite
def block_specs(
    draw: st.DrawFn,
    kinds: tuple[Kind, ...] = COMPUTING,
    in_size: ImageSize | None = None,
    c_in: int | None = None,
    max_size: int = 13,
    max_width: int = 12,
) -> BlockSpec:
    """Any valid block of ``kinds``: squares and rectangles of odd and even sides, widths from 1, every kernel, stride
    and activation, with and without squeeze-and-excitation, residual and SAME. ``in_size`` and ``c_in`` fix what comes
    in."""
    kind = draw(st.sampled_from(kinds))
    size = draw(sizes(max_size)) if in_size is None else in_size
    c_in = draw(st.integers(1, max_width)) if c_in is None else c_in
    widths = st.integers(1, max_width)
    if kind == "skip":
        return skip(size, c_in)
    if kind == "head":
        c_mid = draw(st.sampled_from((0, draw(widths))))
        act = draw(st.sampled_from(ACTS[1:])) if c_mid else "none"
        return BlockSpec("head", size, c_in, c_mid, draw(widths), act=act)
    kernel, stride, act = (
        draw(st.sampled_from((1, 3, 5, 7))),
        draw(st.sampled_from((1, 2))),
        draw(st.sampled_from(ACTS)),
    )
    same = same_differs(kernel, stride, size) and draw(st.booleans())
    if kind == "conv":
        return BlockSpec("conv", size, c_in, 0, draw(widths), kernel, stride, act=act, same=same)
    c_mid = draw(widths) if kind == "ir" else 0
    c_se = draw(st.one_of(st.just(0), widths))
    residual = stride == 1 and draw(st.booleans())
    c_out = c_in if residual else draw(widths)
    return BlockSpec(kind, size, c_in, c_mid, c_out, kernel, stride, c_se, act, residual, same)


@st.composite
def architectures(draw: st.DrawFn, max_blocks: int = 5) -> Architecture:
    """Chains of blocks, skips among them, at least one of which computes something; some end in a head."""
    blocks = [draw(block_specs(("conv", "sep", "ir")))]
    for _ in range(draw(st.integers(0, max_blocks - 1))):
        last = blocks[-1]
        blocks.append(draw(block_specs(("conv", "sep", "ir", "skip"), last.out_size, last.c_out)))
    if draw(st.booleans()):
        blocks.append(draw(block_specs(("head",), blocks[-1].out_size, blocks[-1].c_out)))
    if draw(st.booleans()):
        blocks.insert(0, skip(blocks[0].in_size, blocks[0].c_in))
    return Architecture("chain", tuple(blocks))
