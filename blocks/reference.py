"""Published MobileNets for any input size and number of classes.

MobileNetV2 1.0: arXiv 1801.04381, table 2. MobileNetV3-Large and -Small: arXiv 1905.02244, tables 1 and 2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from edgenas.base.errors import InputError
from edgenas.base.naming import there_are
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.size import ImageSize
from edgenas.blocks.spec import Act, BlockSpec


def make_divisible(value: float, divisor: int = 8) -> int:
    """Round a width to a multiple of ``divisor``, at least 0.9 times the width (arXiv 1801.04381, reference code)."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


def mobilenet_v2(in_size: ImageSize = 224, classes: int = 1000) -> Architecture:
    """Return MobileNetV2 1.0: 3,504,872 parameters and 300M MACs at 224x224 pixels and 1000 classes."""
    # expansion t, output width c, repeats n, first stride s
    table = (
        (1, 16, 1, 1),  # 112
        (6, 24, 2, 2),  # 56
        (6, 32, 3, 2),  # 28
        (6, 64, 4, 2),  # 14
        (6, 96, 3, 1),  # 14
        (6, 160, 3, 2),  # 7
        (6, 320, 1, 1),  # 7
    )
    blocks = [BlockSpec("conv", in_size, 3, c_out=32, kernel=3, stride=2, act="relu6")]
    for t, c, n, s in table:
        for i in range(n):
            blocks.append(
                separable(blocks[-1], t * blocks[-1].c_out if t > 1 else 0, c, 3, s if i == 0 else 1, act="relu6")
            )
    last = blocks[-1]
    blocks.append(BlockSpec("conv", last.out_size, last.c_out, c_out=1280, act="relu6"))
    blocks.append(BlockSpec("head", last.out_size, 1280, c_out=classes))
    return Architecture("mobilenet_v2", tuple(blocks))


# kernel, expanded width, output width, squeeze-and-excitation, activation, stride
_Row = tuple[int, int, int, bool, Act, int]
_LARGE: tuple[_Row, ...] = (
    (3, 16, 16, False, "relu", 1),  # 112
    (3, 64, 24, False, "relu", 2),  # 56
    (3, 72, 24, False, "relu", 1),
    (5, 72, 40, True, "relu", 2),  # 28
    (5, 120, 40, True, "relu", 1),
    (5, 120, 40, True, "relu", 1),
    (3, 240, 80, False, "hswish", 2),  # 14
    (3, 200, 80, False, "hswish", 1),
    (3, 184, 80, False, "hswish", 1),
    (3, 184, 80, False, "hswish", 1),
    (3, 480, 112, True, "hswish", 1),
    (3, 672, 112, True, "hswish", 1),
    (5, 672, 160, True, "hswish", 2),  # 7
    (5, 960, 160, True, "hswish", 1),
    (5, 960, 160, True, "hswish", 1),
)
_SMALL: tuple[_Row, ...] = (
    (3, 16, 16, True, "relu", 2),  # 56
    (3, 72, 24, False, "relu", 2),  # 28
    (3, 88, 24, False, "relu", 1),
    (5, 96, 40, True, "hswish", 2),  # 14
    (5, 240, 40, True, "hswish", 1),
    (5, 240, 40, True, "hswish", 1),
    (5, 120, 48, True, "hswish", 1),
    (5, 144, 48, True, "hswish", 1),
    (5, 288, 96, True, "hswish", 2),  # 7
    (5, 576, 96, True, "hswish", 1),
    (5, 576, 96, True, "hswish", 1),
)


def mobilenet_v3_large(in_size: ImageSize = 224, classes: int = 1000) -> Architecture:
    """Return MobileNetV3-Large 1.0: 5,483,032 parameters and 217M MACs (219M in the paper) at 224x224 pixels and 1000
    classes."""
    return _mobilenet_v3("mobilenet_v3_large", _LARGE, 960, 1280, in_size, classes)


def mobilenet_v3_small(in_size: ImageSize = 224, classes: int = 1000) -> Architecture:
    """Return MobileNetV3-Small 1.0: 2,542,856 parameters and 56M MACs at 224x224 pixels and 1000 classes."""
    return _mobilenet_v3("mobilenet_v3_small", _SMALL, 576, 1024, in_size, classes)


def _mobilenet_v3(
    name: str, rows: tuple[_Row, ...], c_last: int, c_hidden: int, in_size: ImageSize, classes: int
) -> Architecture:
    blocks = [BlockSpec("conv", in_size, 3, c_out=16, kernel=3, stride=2, act="hswish")]
    for kernel, c_mid, c_out, se, act, stride in rows:
        c_se = make_divisible(c_mid / 4) if se else 0
        expanded = 0 if c_mid == blocks[-1].c_out else c_mid  # the first row has the width of the stem: no expansion
        blocks.append(separable(blocks[-1], expanded, c_out, kernel, stride, c_se, act))
    last = blocks[-1]
    blocks.append(BlockSpec("conv", last.out_size, last.c_out, c_out=c_last, act="hswish"))
    blocks.append(BlockSpec("head", last.out_size, c_last, c_hidden, classes, act="hswish"))
    return Architecture(name, tuple(blocks))


def separable(
    before: BlockSpec, c_mid: int, c_out: int, kernel: int, stride: int, c_se: int = 0, act: Act = "relu6"
) -> BlockSpec:
    """Return the inverted residual block (c_mid = 0: separable block) that follows ``before``; it has a residual where
    its input and output shapes are equal."""
    residual = stride == 1 and before.c_out == c_out
    return BlockSpec(
        "ir" if c_mid else "sep", before.out_size, before.c_out, c_mid, c_out, kernel, stride, c_se, act, residual
    )


REFERENCE: dict[str, Callable[..., Architecture]] = {
    "mobilenet_v2": mobilenet_v2,
    "mobilenet_v3_large": mobilenet_v3_large,
    "mobilenet_v3_small": mobilenet_v3_small,
}


def reference(name: str, in_size: ImageSize = 224, classes: int = 1000, channels: int = 3) -> Architecture:
    """Return the published network called ``name``, for images of ``channels``; InputError lists the known names."""
    if name not in REFERENCE:
        raise InputError(f"no published network {name!r}; {there_are(name, REFERENCE)}")
    network = REFERENCE[name](in_size, classes)
    stem, *others = network.blocks
    return replace(network, blocks=(replace(stem, c_in=channels), *others))
