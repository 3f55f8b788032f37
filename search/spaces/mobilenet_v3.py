"""MobileNetV3-Large and -Small with kernel and expansion of every expanding layer free.

Source: Howard et al., arXiv 1905.02244, tables 1 and 2, for widths, squeeze-and-excitation, activations and strides.
The options of each layer are kernel {3, 5, 7} x expanded width {3, 4, 6} times its input. Some published widths, chosen
by NetAdapt, are none of these (2.5, 2.3, 4.5 and 3.67 times the input): such a layer also has its published width, so
that the published network is a member of the space. Large: 9^11 x 12^3 networks; Small: 9^8 x 12^2.
"""

from __future__ import annotations

from edgenas.blocks.size import ImageSize
from edgenas.blocks.spec import Act
from edgenas.search.space import Layer, Option, Space

KERNELS = (3, 5, 7)
EXPANSIONS = (3, 4, 6)

# input width, published expanded width, output width, squeeze-and-excitation, activation, stride
_Row = tuple[int, int, int, bool, Act, int]
LARGE: tuple[_Row, ...] = (
    (16, 64, 24, False, "relu", 2),  # 56
    (24, 72, 24, False, "relu", 1),
    (24, 72, 40, True, "relu", 2),  # 28
    (40, 120, 40, True, "relu", 1),
    (40, 120, 40, True, "relu", 1),
    (40, 240, 80, False, "hswish", 2),  # 14
    (80, 200, 80, False, "hswish", 1),
    (80, 184, 80, False, "hswish", 1),
    (80, 184, 80, False, "hswish", 1),
    (80, 480, 112, True, "hswish", 1),
    (112, 672, 112, True, "hswish", 1),
    (112, 672, 160, True, "hswish", 2),  # 7
    (160, 960, 160, True, "hswish", 1),
    (160, 960, 160, True, "hswish", 1),
)
SMALL: tuple[_Row, ...] = (
    (16, 72, 24, False, "relu", 2),  # 28
    (24, 88, 24, False, "relu", 1),
    (24, 96, 40, True, "hswish", 2),  # 14
    (40, 240, 40, True, "hswish", 1),
    (40, 240, 40, True, "hswish", 1),
    (40, 120, 48, True, "hswish", 1),
    (48, 144, 48, True, "hswish", 1),
    (48, 288, 96, True, "hswish", 2),  # 7
    (96, 576, 96, True, "hswish", 1),
    (96, 576, 96, True, "hswish", 1),
)
#: kernels of those rows in the paper
LARGE_KERNELS = (3, 3, 5, 5, 5, 3, 3, 3, 3, 3, 3, 5, 5, 5)
SMALL_KERNELS = (3, 3, 5, 5, 5, 5, 5, 5, 5, 5)


def mobilenet_v3_large(in_size: ImageSize = 224, classes: int = 1000) -> Space:
    """Return the space of MobileNetV3-Large: 15 blocks after a stem of 16 channels, the first of them fixed; sizes in
    comments are for 224."""
    first = Option("k3", "sep", 16, kernel=3, act="relu")
    return _space("mobilenet_v3_large", first, LARGE, 960, 1280, in_size, classes)


def mobilenet_v3_small(in_size: ImageSize = 224, classes: int = 1000) -> Space:
    """Return the space of MobileNetV3-Small: 11 blocks after a stem of 16 channels, the first of them fixed; sizes in
    comments are for 224."""
    first = Option("k3", "sep", 16, kernel=3, stride=2, se=0.25, act="relu")
    return _space("mobilenet_v3_small", first, SMALL, 576, 1024, in_size, classes)


def _space(
    name: str, first: Option, rows: tuple[_Row, ...], c_last: int, c_hidden: int, in_size: ImageSize, classes: int
) -> Space:
    layers = [
        Layer("stem", (Option("k3", "conv", 16, kernel=3, stride=2, act="hswish"),)),  # 112
        Layer("block1", (first,)),
    ]
    layers += [Layer(f"block{number}", _options(row)) for number, row in enumerate(rows, start=2)]
    layers.append(Layer("last", (Option("k1", "conv", c_last, act="hswish"),)))
    layers.append(Layer("head", (Option("fc", "head", classes, c_mid=c_hidden, act="hswish"),)))
    return Space(name, in_size, tuple(layers), source="arXiv 1905.02244, tables 1 and 2")


def _options(row: _Row) -> tuple[Option, ...]:
    c_in, published, c_out, se, act, stride = row
    widths = sorted({published, *(c_in * expand for expand in EXPANSIONS)})
    return tuple(
        Option(f"k{kernel}m{c_mid}", "ir", c_out, kernel, stride, c_mid=c_mid, se=0.25 if se else 0, act=act)
        for kernel in KERNELS
        for c_mid in widths
    )
