"""The ProxylessNAS space as its authors searched it: a first stage of width 24 instead of 32, and a free kernel in the
first block.

Source: github.com/mit-han-lab/proxylessnas, ``search/imagenet_arch_search.py`` (stage widths 24, 40, 80, 96, 192, 320).
This space and the published latency table (``pixel_trim.yaml``, Pixel 1) have exactly the same blocks; the separable
block's kernel {3, 5, 7} is free because that table has all three.
"""

from __future__ import annotations

from dataclasses import replace

from edgenas.blocks.size import ImageSize
from edgenas.search.space import Layer, Option, Space
from edgenas.search.spaces.proxylessnas import KERNELS, STAGES, proxylessnas

FIRST_WIDTH = 24


def proxylessnas_24(in_size: ImageSize = 224, classes: int = 1000) -> Space:
    """Return the space for images of ``in_size`` pixels: ``proxylessnas`` with a free kernel in the first
    block and a first stage of width 24."""
    wide = proxylessnas(in_size, classes)
    first = tuple(Option(f"k{kernel}", "sep", 16, kernel, act="relu6") for kernel in KERNELS)
    layers = [Layer(layer.name, first if layer.name == "first" else _narrow(layer)) for layer in wide.layers]
    return Space("proxylessnas_24", in_size, tuple(layers), source="arXiv 1812.00332, section 4.1, published code")


def _narrow(layer: Layer) -> tuple[Option, ...]:
    if not layer.name.startswith("stage1."):
        return layer.options
    return tuple(replace(option, c_out=FIRST_WIDTH if option.c_out == STAGES[0][0] else 0) for option in layer.options)
