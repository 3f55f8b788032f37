"""The small space of the demo: 6 layers x 7 options for grey images, after MobileNetV3 (arXiv 1905.02244).

Three stages of two inverted residual blocks. The first block of a stage changes the width and is always present; the
second is residual and may be skipped. Options are kernel x expanded width. A kernel of 1 uses no neighbours of a pixel,
and an expanded width of 4 is a bottleneck that loses much information (MobileNetV2, arXiv 1801.04381, section 3.2), so
that members differ in accuracy, and in MACs by a factor of 20. ``tools/bench/digits_spread.py`` compares the spread of
accuracies with the spread over seeds of a short training. Kernel 5 has narrow widths only: torch needs long to train
wide ones on a CPU.
"""

from __future__ import annotations

from edgenas.blocks.size import ImageSize
from edgenas.blocks.spec import Act
from edgenas.search.space import Layer, Option, Space

STEM_WIDTH = 8
STAGES = ((12, 1), (16, 2), (24, 1))  #: width, stride of the first block; sizes 24, 12, 12 of a 48-pixel image
FIRST = ((1, 4), (1, 8), (1, 48), (3, 4), (3, 12), (3, 48), (5, 12))  #: kernel, expanded width
SECOND = ((1, 4), (1, 48), (3, 4), (3, 48), (5, 8), (5, 24))  #: kernel, expanded width of the options after the skip
ACT: Act = "hswish"


def digits(in_size: ImageSize = 48, classes: int = 10) -> Space:
    """Return the space for grey images of ``in_size`` pixels: 117,649 networks of 41 distinct blocks."""
    layers = [Layer("stem", (Option("k3", "conv", STEM_WIDTH, kernel=3, stride=2, act=ACT),))]
    for number, (width, stride) in enumerate(STAGES, start=1):
        first = tuple(_option(width, kernel, c_mid, stride) for kernel, c_mid in FIRST)
        second = (Option("skip", "skip"), *(_option(width, kernel, c_mid) for kernel, c_mid in SECOND))
        layers += [Layer(f"stage{number}.1", first), Layer(f"stage{number}.2", second)]
    layers.append(Layer("head", (Option("fc", "head", classes),)))
    return Space("digits", in_size, tuple(layers), c_in=1)


def _option(c_out: int, kernel: int, c_mid: int, stride: int = 1) -> Option:
    return Option(f"k{kernel}m{c_mid}", "ir", c_out, kernel, stride, c_mid=c_mid, act=ACT)
