"""TuNAS's MobileNetV3-like space: widths, kernels, expansions, squeeze-and-excitation and depth.

Source: Bender et al., arXiv 2008.06120; ``mobilenet_v3_like_search`` in
github.com/google-research/google-research, ``tunas/mobile_search_space_v3.py``. Every output width is its base times
{0.5 .. 2}, rounded half up to a multiple of 8. A stage is one block that sets the width, then three residual blocks
that may be skipped; an expansion is a multiple of the block's input width.
"""

from __future__ import annotations

from edgenas.blocks.size import ImageSize
from edgenas.blocks.spec import Act
from edgenas.search.space import Layer, Option, Space

MULTIPLIERS = (0.5, 0.625, 0.75, 1.0, 1.25, 1.5, 2.0)
KERNELS = (3, 5, 7)
STEM_KERNELS = (3, 5)
EXPANSIONS = (1, 2, 3, 4, 5, 6)
SE_RATIOS = (0.0, 0.25)
OPTIONAL_BLOCKS = 3  #: blocks of each stage that may be skipped

STEM_WIDTH = 16
# base width, activation, stride of the first block
STAGES: tuple[tuple[int, Act, int], ...] = (
    (16, "relu", 2),  # 56
    (32, "relu", 2),  # 28
    (64, "hswish", 2),  # 14
    (128, "hswish", 1),  # 14
    (256, "hswish", 2),  # 7
)
LAST_WIDTH, HIDDEN_WIDTH = 512, 1024
SKIP = Option("skip", "skip")


def tunas_v3(in_size: ImageSize = 224, classes: int = 1000) -> Space:
    """Return the space for images of ``in_size`` pixels; sizes in comments are for 224."""
    stem = tuple(
        Option(f"o{width}k{kernel}", "conv", width, kernel, 2, act="hswish")
        for width in _widths(STEM_WIDTH)
        for kernel in STEM_KERNELS
    )
    separable = tuple(Option(f"k{kernel}", "sep", kernel=kernel, act="relu") for kernel in KERNELS)
    layers = [Layer("stem", stem), Layer("first", (*separable, SKIP))]  # 112
    for number, (base, act, stride) in enumerate(STAGES, start=1):
        first = tuple(option for width in _widths(base) for option in _blocks(width, act, stride))
        layers.append(Layer(f"stage{number}.1", first))
        for i in range(OPTIONAL_BLOCKS):
            layers.append(Layer(f"stage{number}.{i + 2}", (*_blocks(0, act, 1), SKIP)))
    last = tuple(Option(f"o{width}", "conv", width, act="hswish") for width in _widths(LAST_WIDTH))
    head = tuple(Option(f"m{width}", "head", classes, c_mid=width, act="hswish") for width in _widths(HIDDEN_WIDTH))
    layers += [Layer("last", last), Layer("head", head)]
    return Space("tunas_v3", in_size, tuple(layers), source="arXiv 2008.06120")


def _widths(base: int) -> tuple[int, ...]:
    """Widths around ``base``: TuNAS's ``scale_filters`` with base 8, which rounds half up."""
    return tuple(sorted({max(8, int(base * m / 8 + 0.5) * 8) for m in MULTIPLIERS}))


def _blocks(c_out: int, act: Act, stride: int) -> tuple[Option, ...]:
    prefix = f"o{c_out}" if c_out else ""
    return tuple(
        Option(f"{prefix}k{kernel}e{expand}{'se' if se else ''}", "ir", c_out, kernel, stride, expand, se=se, act=act)
        for kernel in KERNELS
        for expand in EXPANSIONS
        for se in SE_RATIOS
    )
