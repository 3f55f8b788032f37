"""MobileNetV3-Large and -Small with kernel and expansion of every expanding layer free.

Source: Howard et al., arXiv 1905.02244, tables 1 and 2, for widths, squeeze-and-excitation, activations and strides.
The options of each layer are kernel {3, 5, 7} x expanded width {3, 4, 6} times its input. Some published widths, chosen
by NetAdapt, are none of these (2.5, 2.3, 4.5 and 3.67 times the input): such a layer also has its published width, so
that the published network is a member of the space. Large: 9^11 x 12^3 networks; Small: 9^8 x 12^2. A width multiplier
(section 6.1.1: 0.35 to 1.25) multiplies the output width of every layer, that of the hidden layer only above 1;
expansions stay multiples of a layer's input, as in the published code (tensorflow/models, slim).
"""

from __future__ import annotations

from dataclasses import replace

from edgenas.blocks.reference import make_divisible
from edgenas.blocks.size import ImageSize
from edgenas.blocks.spec import Act
from edgenas.search.space import Layer, Option, Space
from edgenas.search.spaces.parameters import check_width, named

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


def mobilenet_v3_large(in_size: ImageSize = 224, classes: int = 1000, width: float = 1.0) -> Space:
    """Return the space of MobileNetV3-Large at width multiplier ``width``: 15 blocks after a stem of 16 channels, the
    first of them fixed; sizes in comments are for 224."""
    first = Option("k3", "sep", kernel=3, act="relu")
    name = named("mobilenet_v3_large", mobilenet_v3_large, {"width": width})
    return _space(name, first, LARGE, (960, 1280), in_size, classes, width)


def mobilenet_v3_small(in_size: ImageSize = 224, classes: int = 1000, width: float = 1.0) -> Space:
    """Return the space of MobileNetV3-Small at width multiplier ``width``: 11 blocks after a stem of 16 channels, the
    first of them fixed; sizes in comments are for 224."""
    first = Option("k3", "sep", kernel=3, stride=2, se=0.25, act="relu")
    name = named("mobilenet_v3_small", mobilenet_v3_small, {"width": width})
    return _space(name, first, SMALL, (576, 1024), in_size, classes, width)


def _space(
    name: str,
    first: Option,
    rows: tuple[_Row, ...],
    last: tuple[int, int],
    in_size: ImageSize,
    classes: int,
    width: float,
) -> Space:
    check_width(width)
    c_stem, c_last, c_hidden = (make_divisible(c * width) for c in (16, *last))
    c_hidden = max(c_hidden, last[1])
    layers = [
        Layer("stem", (Option("k3", "conv", c_stem, kernel=3, stride=2, act="hswish"),)),  # 112
        Layer("block1", (replace(first, c_out=c_stem),)),
    ]
    layers += [Layer(f"block{number}", _options(row, width)) for number, row in enumerate(rows, start=2)]
    layers.append(Layer("last", (Option("k1", "conv", c_last, act="hswish"),)))
    layers.append(Layer("head", (Option("fc", "head", classes, c_mid=c_hidden, act="hswish"),)))
    return Space(name, in_size, tuple(layers), source="arXiv 1905.02244, tables 1 and 2")


def _options(row: _Row, width: float) -> tuple[Option, ...]:
    base, published, c_out, se, act, stride = row
    c_in, c_out = make_divisible(base * width), make_divisible(c_out * width)
    widths = sorted({make_divisible(published / base * c_in), *(c_in * expand for expand in EXPANSIONS)})
    return tuple(
        Option(f"k{kernel}m{c_mid}", "ir", c_out, kernel, stride, c_mid=c_mid, se=0.25 if se else 0, act=act)
        for kernel in KERNELS
        for c_mid in widths
    )
