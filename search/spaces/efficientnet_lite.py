"""Spaces around EfficientNet-Lite 0 to 4: kernel, expansion and depth of every stage free.

Source: github.com/tensorflow/tpu, models/official/efficientnet/lite, for widths, depths and strides (scaled as in arXiv
1905.11946, with stem and head of Lite0); kernels {3, 5} x expansions {3, 4, 6}, and stages that may end behind their
first layer (depth, once-for-all, arXiv 1908.09791, section 3.2). The published network is the member with the published
kernels, expansion 6 and full depth. Blocks pad as TensorFlow's SAME, as the published weights were trained.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from edgenas.blocks.size import ImageSize
from edgenas.blocks.stages import EFFICIENTNET_LITE, LITE_SCALES, make_divisible
from edgenas.search.space import Layer, Option, Space

KERNELS = (3, 5)
EXPANSIONS = (3, 4, 6)
END = Option("end", "skip", ends=True)


def efficientnet_lite(number: int) -> Callable[..., Space]:
    """Return the function that builds the space of Lite ``number``, 0 to 4."""
    width, depth, size = LITE_SCALES[number]

    def build(in_size: ImageSize = size, classes: int = 1000) -> Space:
        first, *rows = EFFICIENTNET_LITE.rows
        layers = [
            Layer("stem", (Option("k3", "conv", EFFICIENTNET_LITE.stem, 3, 2, act="relu6", same=True),)),
            Layer("stage1.1", (Option("k3", "sep", make_divisible(first.c_out * width), 3, act="relu6", same=True),)),
        ]
        for stage, row in enumerate(rows, start=2):
            repeats = row.repeats if stage == len(rows) + 1 else math.ceil(row.repeats * depth)
            for i in range(repeats):
                options = _options(make_divisible(row.c_out * width), row.stride if i == 0 else 1)
                layers.append(Layer(f"stage{stage}.{i + 1}", options if i == 0 else (*options, END)))
        layers.append(Layer("last", (Option("k1", "conv", EFFICIENTNET_LITE.last, act="relu6"),)))
        layers.append(Layer("head", (Option("fc", "head", classes),)))
        source = "github.com/tensorflow/tpu, efficientnet/lite; arXiv 1905.11946"
        return Space(f"efficientnet_lite{number}", in_size, tuple(layers), source=source)

    return build


def _options(c_out: int, stride: int) -> tuple[Option, ...]:
    return tuple(
        Option(f"k{kernel}e{expand}", "ir", c_out, kernel, stride, expand, act="relu6", same=True)
        for kernel in KERNELS
        for expand in EXPANSIONS
    )
