"""The FBNet space for small images: 22 layers of kernel {3, 5} x expansion {1, 3, 6} or a skip, 7^22 networks.

Source: Wu et al., arXiv 1812.03443, tables 1 and 2, in the form that HW-NAS-Bench (arXiv 2103.10584, section 3.1) and
HELP measured, with CIFAR-100: strides of stem and stages 1, 1, 1, 2, 2, 1, 2, 1 and a last layer of 1504. Where a skip
changes the shape, it is a 1x1 convolution. The two of FBNet's nine options that use group convolutions (``k3_e1_g2``,
``k5_e1_g2``) are left out: a block has no groups.
"""

from __future__ import annotations

from edgenas.blocks.size import ImageSize
from edgenas.search.space import Layer, Option, Space

KERNELS = (3, 5)
EXPANSIONS = (1, 3, 6)
STEM_WIDTH, LAST_WIDTH = 16, 1504

# output width, layers, stride of the first
STAGES = (
    (16, 1, 1),  # 32
    (24, 4, 1),  # 32
    (32, 4, 2),  # 16
    (64, 4, 2),  # 8
    (112, 4, 1),  # 8
    (184, 4, 2),  # 4
    (352, 1, 1),  # 4
)


def fbnet(in_size: ImageSize = 32, classes: int = 100) -> Space:
    """Return the space for images of ``in_size`` pixels; sizes in comments are for 32."""
    layers = [Layer("stem", (Option("k3", "conv", STEM_WIDTH, kernel=3, act="relu"),))]  # 32
    width = STEM_WIDTH
    for number, (c_out, repeats, first_stride) in enumerate(STAGES, start=1):
        for i in range(repeats):
            stride = first_stride if i == 0 else 1
            layers.append(Layer(f"stage{number}.{i + 1}", _options(c_out, stride, stride == 1 and c_out == width)))
            width = c_out
    layers.append(Layer("last", (Option("k1", "conv", LAST_WIDTH, act="relu"),)))
    layers.append(Layer("head", (Option("fc", "head", classes),)))
    return Space("fbnet", in_size, tuple(layers), source="arXiv 1812.03443; 2103.10584")


def _options(c_out: int, stride: int, keeps_shape: bool) -> tuple[Option, ...]:
    skip = Option("skip", "skip") if keeps_shape else Option("skip", "conv", c_out, stride=stride, act="relu")
    blocks = (
        Option(f"k{kernel}_e{expand}", "ir", c_out, kernel, stride, expand, act="relu")
        for kernel in KERNELS
        for expand in EXPANSIONS
    )
    return (*blocks, skip)
