"""The Single-Path NAS space: kernel {3, 5} x expansion {3, 6} in five stages of four layers, 4^5 x 5^15 networks.

Source: Stamoulis et al., arXiv 1904.02877, section 3.1, and github.com/enyac-group/single-path-nas,
``nas-search/supernet_macro.py``: the first block of a stage is always present, the other three may be skipped; the
separable block before the stages and the block after them (kernel 3, expansion 6) are fixed.
"""

from __future__ import annotations

from edgenas.blocks.size import ImageSize
from edgenas.search.space import Layer, Option, Space

KERNELS = (3, 5)
EXPANSIONS = (3, 6)
REPEATS = 4

# output width, stride of the first
STAGES = ((24, 2), (40, 2), (80, 2), (96, 1), (192, 2))  # 56, 28, 14, 14, 7
SKIP = Option("skip", "skip")


def single_path(in_size: ImageSize = 224, classes: int = 1000) -> Space:
    """Return the space for images of ``in_size`` pixels; sizes in comments are for 224."""
    layers = [
        Layer("stem", (Option("k3", "conv", 32, kernel=3, stride=2, act="relu"),)),  # 112
        Layer("first", (Option("k3", "sep", 16, kernel=3, act="relu"),)),  # 112
    ]
    for number, (c_out, stride) in enumerate(STAGES, start=1):
        layers.append(Layer(f"stage{number}.1", _options(c_out, stride)))
        layers += [Layer(f"stage{number}.{i}", (*_options(c_out, 1), SKIP)) for i in range(2, REPEATS + 1)]
    layers.append(Layer("stage6.1", (_option(320, 3, 6, 1),)))  # 7
    layers.append(Layer("last", (Option("k1", "conv", 1280, act="relu"),)))
    layers.append(Layer("head", (Option("fc", "head", classes),)))
    return Space("single_path", in_size, tuple(layers), source="arXiv 1904.02877, section 3.1")


def _options(c_out: int, stride: int) -> tuple[Option, ...]:
    return tuple(_option(c_out, kernel, expand, stride) for kernel in KERNELS for expand in EXPANSIONS)


def _option(c_out: int, kernel: int, expand: int, stride: int) -> Option:
    return Option(f"k{kernel}e{expand}", "ir", c_out, kernel, stride, expand, act="relu")
