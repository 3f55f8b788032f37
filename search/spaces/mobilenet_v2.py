"""MobileNetV2 with kernel and expansion of every expanding layer free: 9^16 networks.

Source: Sandler et al., arXiv 1801.04381, table 2, for stages and widths; the choices {3, 5, 7} x {3, 4, 6} are those of
MathNAS and once-for-all (arXiv 2311.04943; 1908.09791, section 3.2). The published network is the member that takes
option ``k3e6`` everywhere.
"""

from __future__ import annotations

from edgenas.blocks.reference import make_divisible
from edgenas.blocks.size import ImageSize
from edgenas.search.space import Layer, Option, Space
from edgenas.search.spaces.parameters import check_width, named

KERNELS = (3, 5, 7)
EXPANSIONS = (3, 4, 6)

# output width, layers, stride of the first
STAGES = (
    (24, 2, 2),  # 56
    (32, 3, 2),  # 28
    (64, 4, 2),  # 14
    (96, 3, 1),  # 14
    (160, 3, 2),  # 7
    (320, 1, 1),  # 7
)


def mobilenet_v2(in_size: ImageSize = 224, classes: int = 1000, width: float = 1.0) -> Space:
    """Return the space for images of ``in_size`` pixels at width multiplier ``width``, which multiplies
    every layer, but the last convolution only above 1 (section 4 of the paper); sizes in comments are for 224."""
    check_width(width)
    c_stem, c_first, c_last = (make_divisible(c * width) for c in (32, 16, 1280))
    layers = [
        Layer("stem", (Option("k3", "conv", c_stem, kernel=3, stride=2, act="relu6"),)),  # 112
        Layer("stage1.1", (Option("k3", "sep", c_first, kernel=3, act="relu6"),)),  # 112
    ]
    for number, (c_out, repeats, stride) in enumerate(STAGES, start=2):
        for i in range(repeats):
            layers.append(
                Layer(f"stage{number}.{i + 1}", _options(make_divisible(c_out * width), stride if i == 0 else 1))
            )
    layers.append(Layer("last", (Option("k1", "conv", max(c_last, 1280), act="relu6"),)))
    layers.append(Layer("head", (Option("fc", "head", classes),)))
    name = named("mobilenet_v2", mobilenet_v2, {"width": width})
    return Space(name, in_size, tuple(layers), source="arXiv 1801.04381, table 2")


def _options(c_out: int, stride: int) -> tuple[Option, ...]:
    return tuple(
        Option(f"k{kernel}e{expand}", "ir", c_out, kernel, stride, expand, act="relu6")
        for kernel in KERNELS
        for expand in EXPANSIONS
    )
