"""A space over several sizes of images: the size is the choice of its first layer.

Its networks are those of one space at each size (once-for-all trains resolutions of 128 to 224 pixels, arXiv
1908.09791, section 3.3). The blocks of all sizes are in one table, and one search finds the exact front over all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from edgenas.base.errors import InputError
from edgenas.blocks.size import ImageSize, axes
from edgenas.search.space import Layer, Option, Space

LAYER = "size"  #: name of the first layer


def undivided(space: Space) -> str:
    """Return what to say about sizes of a space that its strides do not divide; '' where they divide all."""
    stride = math.prod(max(map(_stride, layer.options)) for layer in space.layers)
    sizes = [size for size in space.sizes if any(side % stride for side in axes(size))]
    if not sizes or len(sizes) == len(space.sizes) == 1:
        return ""
    near = [max(1, side // stride) * stride for side in axes(sizes[0])]
    return (
        f"the strides of {space.name}, {stride} in all, do not divide {', '.join(map(str, sizes))} px: feature maps "
        f"are rounded up there, which costs time; {near[0]} and {near[0] + stride} px are divided"
    )


def _stride(option: Option) -> int:
    return option.stride * math.prod(map(_stride, option.more))


def over_sizes(build: Callable[[ImageSize], Space], sizes: Sequence[ImageSize], name: Callable[[str], str]) -> Space:
    """Return the space of all networks of ``build(size)`` for each of ``sizes``; ``name`` returns its name, given that
    of the space at one size. InputError where its layers are others at other sizes."""
    spaces = [build(size) for size in sorted(sizes)]
    last = spaces[-1]
    for other in spaces:
        if other.layers != last.layers:
            raise InputError(
                f"{last.name} has other layers at {other.in_size} than at {last.in_size} pixels: "
                "search each size by itself"
            )
    options = tuple(Option(str(size), "skip", image=True) for size in sorted(sizes))
    code = last.code and last.code.named(name(last.code.text))
    return replace(last, name=name(last.name), layers=(Layer(LAYER, options), *last.layers), code=code)
