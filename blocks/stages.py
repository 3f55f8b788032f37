"""Published networks as stages of inverted residuals, at any width and depth.

Sources: MobileNetV2: arXiv 1801.04381, table 2; MobileNetV3: arXiv 1905.02244, tables 1 and 2; EfficientNet-Lite:
github.com/tensorflow/tpu, models/official/efficientnet/lite (scaled as in arXiv 1905.11946); MnasNet-B1: arXiv
1807.11626; FBNet-C: arXiv 1812.03443, as timm builds it; Single-Path NAS: arXiv 1904.02877.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

from edgenas.blocks.architecture import Architecture
from edgenas.blocks.padding import same_differs
from edgenas.blocks.size import ImageSize
from edgenas.blocks.spec import Act, BlockSpec


def make_divisible(value: float, divisor: int = 8) -> int:
    """Round a width to a multiple of ``divisor``, at least 0.9 times the width (arXiv 1801.04381, reference code)."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


def separable(
    before: BlockSpec, c_mid: int, c_out: int, kernel: int, stride: int, c_se: int = 0, act: Act = "relu6"
) -> BlockSpec:
    """Return the inverted residual block (c_mid = 0: separable block) that follows ``before``; it has a residual where
    its input and output shapes are equal."""
    residual = stride == 1 and before.c_out == c_out
    return BlockSpec(
        "ir" if c_mid else "sep", before.out_size, before.c_out, c_mid, c_out, kernel, stride, c_se, act, residual
    )


class StageRow(NamedTuple):
    """Equal blocks in a row, the first with the stride. ``expand`` 0: separable blocks; ``act`` None: the network's
    own."""

    repeats: int
    expand: float
    c_out: int
    kernel: int
    stride: int
    se: bool = False
    act: Act | None = None


@dataclass(frozen=True, slots=True)
class Stages:
    """A family of networks: stem, rows, width of the last convolution, hidden width of the head (0: none), activation.

    ``fixed`` holds the widths of stem and last convolution, and the depths of the first and last row, at any scale
    (EfficientNet-Lite); ``last_fixed`` holds the width of the last convolution alone (MnasNet); ``last_scales`` scales
    it also below width 1.
    """

    stem: int
    rows: tuple[StageRow, ...]
    last: int
    hidden: int
    act: Act
    fixed: bool = False
    last_fixed: bool = False
    last_scales: bool = False

    def network(
        self,
        name: str,
        in_size: ImageSize,
        classes: int,
        *,
        width: float = 1.0,
        depth: float = 1.0,
        same: bool = False,
        stem_fixed: bool = False,
    ) -> Architecture:
        """Return the network at a ``width`` and ``depth``; ``same`` pads as TensorFlow's SAME."""
        stem = self.stem if self.fixed or stem_fixed else make_divisible(self.stem * width)
        blocks = [padded(BlockSpec("conv", in_size, 3, 0, stem, 3, 2, act=self.act), same)]
        for number, row in enumerate(self.rows):
            scaled = not (self.fixed and number in (0, len(self.rows) - 1))
            repeats = math.ceil(row.repeats * depth) if scaled else row.repeats
            for i in range(repeats):
                blocks.append(padded(self._block(blocks[-1], row, width, row.stride if i == 0 else 1), same))
        last = blocks[-1]
        wide = self.last if self.fixed or self.last_fixed else make_divisible(self.last * width)
        wide = wide if self.last_scales else max(self.last, wide)
        blocks.append(BlockSpec("conv", last.out_size, last.c_out, c_out=wide, act=self.act))
        act: Act = self.act if self.hidden else "none"
        blocks.append(BlockSpec("head", last.out_size, wide, self.hidden, classes, act=act))
        return Architecture(name, tuple(blocks))

    def _block(self, before: BlockSpec, row: StageRow, width: float, stride: int) -> BlockSpec:
        c_mid = make_divisible(before.c_out * row.expand) if row.expand else 0
        c_se = make_divisible((c_mid or before.c_out) / 4) if row.se else 0
        c_out = make_divisible(row.c_out * width)
        return separable(before, c_mid, c_out, row.kernel, stride, c_se, row.act or self.act)


def padded(block: BlockSpec, same: bool) -> BlockSpec:
    """Return the block with SAME where it is wanted and differs, and with torch's padding where it is not."""
    wanted = same and block.kind in ("conv", "sep", "ir") and same_differs(block.kernel, block.stride, block.in_size)
    return block if block.same == wanted else replace(block, same=wanted)


MOBILENET_V2 = Stages(
    32,
    (
        StageRow(1, 0, 16, 3, 1),
        StageRow(2, 6, 24, 3, 2),
        StageRow(3, 6, 32, 3, 2),
        StageRow(4, 6, 64, 3, 2),
        StageRow(3, 6, 96, 3, 1),
        StageRow(3, 6, 160, 3, 2),
        StageRow(1, 6, 320, 3, 1),
    ),
    1280,
    0,
    "relu6",
)
MNASNET_B1 = Stages(
    32,
    (
        StageRow(1, 0, 16, 3, 1),
        StageRow(3, 3, 24, 3, 2),
        StageRow(3, 3, 40, 5, 2),
        StageRow(3, 6, 80, 5, 2),
        StageRow(2, 6, 96, 3, 1),
        StageRow(4, 6, 192, 5, 2),
        StageRow(1, 6, 320, 3, 1),
    ),
    1280,
    0,
    "relu",
    last_fixed=True,
)
FBNET_C = Stages(
    16,
    (
        StageRow(1, 1, 16, 3, 1),
        StageRow(1, 6, 24, 3, 2),
        StageRow(2, 1, 24, 3, 1),
        StageRow(1, 6, 32, 5, 2),
        StageRow(1, 3, 32, 5, 1),
        StageRow(1, 6, 32, 5, 1),
        StageRow(1, 6, 32, 3, 1),
        StageRow(1, 6, 64, 5, 2),
        StageRow(1, 3, 64, 5, 1),
        StageRow(2, 6, 64, 5, 1),
        StageRow(3, 6, 112, 5, 1),
        StageRow(1, 3, 112, 5, 1),
        StageRow(4, 6, 184, 5, 2),
        StageRow(1, 6, 352, 3, 1),
    ),
    1984,
    0,
    "relu",
)
SINGLE_PATH = Stages(
    32,
    (
        StageRow(1, 0, 16, 3, 1),
        StageRow(3, 3, 24, 3, 2),
        StageRow(1, 6, 40, 5, 2),
        StageRow(3, 3, 40, 3, 1),
        StageRow(1, 6, 80, 5, 2),
        StageRow(3, 3, 80, 3, 1),
        StageRow(1, 6, 96, 5, 1),
        StageRow(3, 3, 96, 5, 1),
        StageRow(4, 6, 192, 5, 2),
        StageRow(1, 6, 320, 3, 1),
    ),
    1280,
    0,
    "relu",
)
EFFICIENTNET_LITE = Stages(
    32,
    (
        StageRow(1, 0, 16, 3, 1),
        StageRow(2, 6, 24, 3, 2),
        StageRow(2, 6, 40, 5, 2),
        StageRow(3, 6, 80, 3, 2),
        StageRow(3, 6, 112, 5, 1),
        StageRow(4, 6, 192, 5, 2),
        StageRow(1, 6, 320, 3, 1),
    ),
    1280,
    0,
    "relu6",
    fixed=True,
)
#: of EfficientNet-Lite 0 to 4: width, depth, input size in pixels
LITE_SCALES = ((1.0, 1.0, 224), (1.0, 1.1, 240), (1.1, 1.2, 260), (1.2, 1.4, 280), (1.4, 1.8, 300))
MOBILENET_V3_LARGE = Stages(
    16,
    (
        StageRow(1, 0, 16, 3, 1, act="relu"),
        StageRow(1, 4, 24, 3, 2, act="relu"),
        StageRow(1, 3, 24, 3, 1, act="relu"),
        StageRow(3, 3, 40, 5, 2, True, "relu"),
        StageRow(1, 6, 80, 3, 2),
        StageRow(1, 2.5, 80, 3, 1),
        StageRow(2, 2.3, 80, 3, 1),
        StageRow(2, 6, 112, 3, 1, True),
        StageRow(3, 6, 160, 5, 2, True),
    ),
    960,
    1280,
    "hswish",
    last_scales=True,
)
MOBILENET_V3_SMALL = Stages(
    16,
    (
        StageRow(1, 0, 16, 3, 2, True, "relu"),
        StageRow(1, 4.5, 24, 3, 2, act="relu"),
        StageRow(1, 3.67, 24, 3, 1, act="relu"),
        StageRow(1, 4, 40, 5, 2, True),
        StageRow(2, 6, 40, 5, 1, True),
        StageRow(2, 3, 48, 5, 1, True),
        StageRow(3, 6, 96, 5, 2, True),
    ),
    576,
    1024,
    "hswish",
    last_scales=True,
)


#: the largest network of once-for-all's space around MobileNetV3 (arXiv 1908.09791, section 3.2)
OFA_LARGEST = Stages(
    16,
    (
        StageRow(1, 0, 16, 3, 1, act="relu"),
        StageRow(4, 6, 24, 7, 2, act="relu"),
        StageRow(4, 6, 40, 7, 2, True, "relu"),
        StageRow(4, 6, 80, 7, 2),
        StageRow(4, 6, 112, 7, 1, True),
        StageRow(4, 6, 160, 7, 2, True),
    ),
    960,
    1280,
    "hswish",
    last_scales=True,
)


def minimal(family: Stages) -> Stages:
    """Return a MobileNetV3 as its authors' "minimalistic" models: kernel 3, ReLU, no squeeze-and-excitation."""
    rows = tuple(row._replace(kernel=3, se=False, act=None) for row in family.rows)
    return replace(family, rows=rows, act="relu")


def efficientnet_lite(
    number: int, in_size: ImageSize | None = None, classes: int = 1000, same: bool = True
) -> Architecture:
    """Return EfficientNet-Lite ``number``, 0 to 4; Lite0 has 4,652,008 parameters and 385M MACs at 224x224 pixels and
    1000 classes."""
    width, depth, size = LITE_SCALES[number]
    name = f"efficientnet_lite{number}"
    return EFFICIENTNET_LITE.network(name, in_size or size, classes, width=width, depth=depth, same=same)
