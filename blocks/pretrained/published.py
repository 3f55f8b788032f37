"""Networks whose weights others published: their layout, batch-norm epsilon, padding, mean and deviation.

None of these is in a file of weights, and each changes the outputs: the wrong epsilon moved them by 20 to 166 %.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from edgenas.blocks.architecture import Architecture
from edgenas.blocks.size import ImageSize
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.stages import (
    EFFICIENTNET_LITE,
    FBNET_C,
    LITE_SCALES,
    MNASNET_B1,
    MOBILENET_V2,
    MOBILENET_V3_LARGE,
    MOBILENET_V3_SMALL,
    OFA_LARGEST,
    SINGLE_PATH,
    Stages,
    make_divisible,
    minimal,
    padded,
)

Levels = tuple[float, float, float]  #: one number for each of R, G, B, in levels 0..255

IMAGENET: tuple[Levels, Levels] = ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))  #: mean, deviation
HALVES: tuple[Levels, Levels] = ((127.5, 127.5, 127.5), (127.5, 127.5, 127.5))
LITE: tuple[Levels, Levels] = ((127.0, 127.0, 127.0), (128.0, 128.0, 128.0))


@dataclass(frozen=True, slots=True)
class Published:
    """One published network.

    name      'LAYOUT/MODEL', as its authors call the model
    layout    name of its layout (``edgenas.blocks.pretrained.layouts``)
    build     function of (in_size, classes) that returns the network
    in_size   size of the pictures that it was published for, pixels
    epsilon   of its batch norms
    same      whether it pads as TensorFlow's SAME
    scaling   mean and deviation of its training, in levels 0..255
    elastic   True for a supernet, whose file holds all networks of a space
    """

    name: str
    layout: str
    build: Callable[[ImageSize, int], Architecture]
    in_size: int
    epsilon: float
    same: bool
    scaling: tuple[Levels, Levels]
    elastic: bool = False

    def network(self, in_size: ImageSize | None = None, classes: int = 1000, channels: int = 3) -> Architecture:
        """Return the network at ``in_size`` (default: as published), named as this entry."""
        made = self.build(in_size or self.in_size, classes)
        stem, *others = made.blocks
        return Architecture(self.name, (replace(stem, c_in=channels), *others))


def structure(network: Architecture) -> tuple[BlockSpec, ...]:
    """Return the blocks without what weights do not depend on: sizes, padding, input channels, number of classes, and
    skips. Networks of equal structure take the same weights."""
    blocks = [replace(b, in_size=1, same=False) for b in network.blocks if b.kind != "skip"]
    blocks[0] = replace(blocks[0], c_in=3)
    blocks[-1] = replace(blocks[-1], c_out=1) if blocks[-1].kind == "head" else blocks[-1]
    return tuple(blocks)


def with_padding(network: Architecture, same: bool) -> Architecture:
    """Return the network with TensorFlow's SAME, or with torch's padding, in all blocks."""
    return replace(network, blocks=tuple(padded(block, same) for block in network.blocks))


def _entry(
    layout: str,
    model: str,
    family: Stages,
    epsilon: float,
    scaling: tuple[Levels, Levels],
    *,
    same: bool = False,
    width: float = 1.0,
    depth: float = 1.0,
    in_size: int = 224,
    stem_fixed: bool = False,
) -> Published:
    name = f"{layout}/{model}"

    def build(size: ImageSize, classes: int) -> Architecture:
        return family.network(name, size, classes, width=width, depth=depth, same=same, stem_fixed=stem_fixed)

    return Published(name, layout, build, in_size, epsilon, same, scaling)


def _timm(model: str, family: Stages, width: float = 1.0, *, depth: float = 1.0, stem_fixed: bool = False) -> Published:
    return _entry("timm", model, family, 1e-5, IMAGENET, width=width, depth=depth, stem_fixed=stem_fixed)


def _of_tensorflow(model: str, family: Stages, width: float = 1.0) -> Published:
    return _entry("timm", f"tf_{model}", family, 1e-3, HALVES, same=True, width=width)


def _lites(number: int) -> tuple[Published, ...]:
    width, depth, size = LITE_SCALES[number]

    def lite(layout: str, model: str, epsilon: float, scaling: tuple[Levels, Levels], same: bool) -> Published:
        return _entry(
            layout, model, EFFICIENTNET_LITE, epsilon, scaling, same=same, width=width, depth=depth, in_size=size
        )

    return (
        lite("efficientnet_pytorch", f"efficientnet-lite{number}", 1e-3, LITE, True),
        lite("timm", f"tf_efficientnet_lite{number}", 1e-3, HALVES, True),
        lite("timm", f"efficientnet_lite{number}", 1e-5, IMAGENET, False),
    )


def _once_for_all(width: float) -> Published:
    wide = replace(OFA_LARGEST, hidden=make_divisible(OFA_LARGEST.hidden * width))
    model = f"ofa_mbv3_d234_e346_k357_w{width:.1f}"
    return replace(_entry("once-for-all", model, wide, 1e-5, IMAGENET, width=width), elastic=True)


_ALL = (
    _entry("torchvision", "mobilenet_v2", MOBILENET_V2, 1e-5, IMAGENET),
    _entry("torchvision", "mobilenet_v3_large", MOBILENET_V3_LARGE, 1e-3, IMAGENET),
    _entry("torchvision", "mobilenet_v3_small", MOBILENET_V3_SMALL, 1e-3, IMAGENET),
    _entry("torchvision", "mnasnet0_5", MNASNET_B1, 1e-5, IMAGENET, width=0.5),
    _entry("torchvision", "mnasnet0_75", MNASNET_B1, 1e-5, IMAGENET, width=0.75),
    _entry("torchvision", "mnasnet1_0", MNASNET_B1, 1e-5, IMAGENET),
    _entry("torchvision", "mnasnet1_3", MNASNET_B1, 1e-5, IMAGENET, width=1.3),
    _timm("mobilenetv2_035", MOBILENET_V2, 0.35),
    _timm("mobilenetv2_050", MOBILENET_V2, 0.5),
    _timm("mobilenetv2_075", MOBILENET_V2, 0.75),
    _timm("mobilenetv2_100", MOBILENET_V2),
    _timm("mobilenetv2_110d", replace(MOBILENET_V2, fixed=True), 1.1, depth=1.2),
    _timm("mobilenetv2_120d", replace(MOBILENET_V2, fixed=True), 1.2, depth=1.4),
    _timm("mobilenetv2_140", MOBILENET_V2, 1.4),
    _timm("mobilenetv3_large_075", MOBILENET_V3_LARGE, 0.75),
    _timm("mobilenetv3_large_100", MOBILENET_V3_LARGE),
    _timm("mobilenetv3_small_050", MOBILENET_V3_SMALL, 0.5, stem_fixed=True),
    _timm("mobilenetv3_small_075", MOBILENET_V3_SMALL, 0.75),
    _timm("mobilenetv3_small_100", MOBILENET_V3_SMALL),
    _timm("mnasnet_050", MNASNET_B1, 0.5),
    _timm("mnasnet_075", MNASNET_B1, 0.75),
    _timm("mnasnet_100", MNASNET_B1),
    _timm("mnasnet_140", MNASNET_B1, 1.4),
    _timm("fbnetc_100", FBNET_C),
    _timm("spnasnet_100", SINGLE_PATH),
    _of_tensorflow("mobilenetv3_large_075", MOBILENET_V3_LARGE, 0.75),
    _of_tensorflow("mobilenetv3_large_100", MOBILENET_V3_LARGE),
    _of_tensorflow("mobilenetv3_large_minimal_100", minimal(MOBILENET_V3_LARGE)),
    _of_tensorflow("mobilenetv3_small_075", MOBILENET_V3_SMALL, 0.75),
    _of_tensorflow("mobilenetv3_small_100", MOBILENET_V3_SMALL),
    _of_tensorflow("mobilenetv3_small_minimal_100", minimal(MOBILENET_V3_SMALL)),
    *(entry for number in range(len(LITE_SCALES)) for entry in _lites(number)),
    _once_for_all(1.0),
    _once_for_all(1.2),
)
#: 'LAYOUT/MODEL' -> published network
PUBLISHED: dict[str, Published] = {entry.name: entry for entry in _ALL}
