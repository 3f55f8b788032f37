"""The MnasNet space of Accel-NASBench: 7 stages, each with one expansion, kernel, depth and SE for all its layers.

Source: Ahmad et al., Accel-NASBench (arXiv 2404.08005), its published code and networks: expansion {1, 4, 6}, kernel
{3, 5}, depth {1, 2, 3}, of the sixth stage {1, 2, 3, 4}, squeeze-and-excitation {0, 1}; 36^6 x 48 networks. Widths and
strides are those of EfficientNet-B0 (arXiv 1905.11946, table 1), a member but for its activations; the squeezed width
is a quarter of a block's input. The parameters of all 5,125 published networks are those of this space, to the last
one; their published MACs also count 4 for each output of a batch norm, and pooling. Here activations are MnasNet's ReLU
(arXiv 1807.11626); they change no count.
"""

from __future__ import annotations

from itertools import product

from edgenas.blocks.spec import Kind
from edgenas.search.space import Layer, Option, Space

EXPANSIONS = (1, 4, 6)
KERNELS = (3, 5)
SQUEEZES = (0, 1)
C_STEM, C_LAST = 32, 1280

# output width, stride of the first layer, largest depth
STAGES = (
    (16, 1, 3),  # 112
    (24, 2, 3),  # 56
    (40, 2, 3),  # 28
    (80, 2, 3),  # 14
    (112, 1, 3),  # 14
    (192, 2, 4),  # 7
    (320, 1, 3),  # 7
)


def mnasnet(in_size: int = 224, classes: int = 1000) -> Space:
    """Return the space for images of ``in_size`` x ``in_size`` pixels; sizes in comments are for 224. An option is a
    whole stage, such as ``e6k5d3se1``."""
    layers = [Layer("stem", (Option("k3", "conv", C_STEM, kernel=3, stride=2, act="relu"),))]  # 112
    c_in = C_STEM
    for number, (c_out, stride, deepest) in enumerate(STAGES, start=1):
        layers.append(Layer(f"stage{number}", _options(c_in, c_out, stride, deepest)))
        c_in = c_out
    layers.append(Layer("last", (Option("k1", "conv", C_LAST, act="relu"),)))
    layers.append(Layer("head", (Option("fc", "head", classes),)))
    return Space("mnasnet", in_size, tuple(layers), source="arXiv 2404.08005")


def _options(c_in: int, c_out: int, stride: int, deepest: int) -> tuple[Option, ...]:
    options = []
    for expand, kernel, depth, squeeze in product(EXPANSIONS, KERNELS, range(1, deepest + 1), SQUEEZES):
        key = f"e{expand}k{kernel}d{depth}se{squeeze}"
        later = tuple(_option(key, c_out, c_out, kernel, 1, expand, squeeze) for _ in range(depth - 1))
        options.append(_option(key, c_in, c_out, kernel, stride, expand, squeeze, later))
    return tuple(options)


def _option(
    key: str, c_in: int, c_out: int, kernel: int, stride: int, expand: int, squeeze: int, more: tuple[Option, ...] = ()
) -> Option:
    c_mid, c_se = (expand * c_in if expand > 1 else 0), (c_in // 4 if squeeze else 0)
    kind: Kind = "ir" if c_mid else "sep"
    return Option(key, kind, c_out, kernel, stride, c_mid=c_mid, c_se=c_se, act="relu", more=more)
