"""The once-for-all space around MobileNetV3: depth, kernel and expansion of five stages, 7,371^5 networks.

Source: Cai et al., arXiv 1908.09791, section 3.2, and ``OFAMobileNetV3`` of github.com/mit-han-lab/once-for-all: depth
{2, 3, 4}, kernel {3, 5, 7}, expansion {3, 4, 6}; a stage of depth d keeps its first d layers. Each resolution
(128..224) is a separate space, by ``in_size``; the width multiplier is 1.0 or 1.2.
"""

from __future__ import annotations

from edgenas.base.errors import InputError
from edgenas.blocks.reference import make_divisible
from edgenas.blocks.size import ImageSize
from edgenas.blocks.spec import Act
from edgenas.search.space import Layer, Option, Space
from edgenas.search.spaces.parameters import named

KERNELS = (3, 5, 7)
EXPANSIONS = (3, 4, 6)
DEEPEST, SHALLOWEST = 4, 2

# output width, squeeze-and-excitation, activation, stride of the first layer
STAGES: tuple[tuple[int, bool, Act, int], ...] = (
    (24, False, "relu", 2),  # 56
    (40, True, "relu", 2),  # 28
    (80, False, "hswish", 2),  # 14
    (112, True, "hswish", 1),  # 14
    (160, True, "hswish", 2),  # 7
)
END = Option("end", "skip", ends=True)


def ofa_mobilenet_v3(in_size: ImageSize = 224, classes: int = 1000, width: float = 1.0) -> Space:
    """Return the space for images of ``in_size`` pixels at width multiplier ``width``; sizes in comments
    are for 224."""
    if width not in (1.0, 1.2):
        raise InputError(f"width multiplier {width!r} is not 1.0 or 1.2, the two the once-for-all networks have")
    c_stem, c_last, c_hidden = (make_divisible(c * width) for c in (16, 960, 1280))
    layers = [
        Layer("stem", (Option("k3", "conv", c_stem, kernel=3, stride=2, act="hswish"),)),  # 112
        Layer("first", (Option("k3", "sep", c_stem, kernel=3, act="relu"),)),  # 112
    ]
    for number, (base, se, act, stride) in enumerate(STAGES, start=1):
        for i in range(DEEPEST):
            blocks = _blocks(make_divisible(base * width), se, act, stride if i == 0 else 1)
            layers.append(Layer(f"stage{number}.{i + 1}", blocks if i < SHALLOWEST else (*blocks, END)))
    layers.append(Layer("last", (Option("k1", "conv", c_last, act="hswish"),)))
    layers.append(Layer("head", (Option("fc", "head", classes, c_mid=c_hidden, act="hswish"),)))
    name = named("ofa_mobilenet_v3", ofa_mobilenet_v3, {"width": width})
    return Space(name, in_size, tuple(layers), source="arXiv 1908.09791, section 3.2")


def _blocks(c_out: int, se: bool, act: Act, stride: int) -> tuple[Option, ...]:
    return tuple(
        Option(f"k{kernel}e{expand}", "ir", c_out, kernel, stride, expand, se=0.25 if se else 0, act=act)
        for kernel in KERNELS
        for expand in EXPANSIONS
    )
