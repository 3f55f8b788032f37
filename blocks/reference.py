"""Published networks for any input size and number of classes; ``edgenas.blocks.stages`` has rows and sources."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from edgenas.base.errors import InputError
from edgenas.base.naming import there_are
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.size import ImageSize
from edgenas.blocks.stages import (
    FBNET_C,
    LITE_SCALES,
    MNASNET_B1,
    MOBILENET_V2,
    MOBILENET_V3_LARGE,
    MOBILENET_V3_SMALL,
    SINGLE_PATH,
    efficientnet_lite,
    make_divisible,
)

__all__ = ["REFERENCE", "make_divisible", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small", "reference"]


def mobilenet_v2(in_size: ImageSize = 224, classes: int = 1000) -> Architecture:
    """Return MobileNetV2 1.0: 3,504,872 parameters and 300M MACs at 224x224 pixels and 1000 classes."""
    return MOBILENET_V2.network("mobilenet_v2", in_size, classes)


def mobilenet_v3_large(in_size: ImageSize = 224, classes: int = 1000) -> Architecture:
    """Return MobileNetV3-Large 1.0: 5,483,032 parameters and 217M MACs (219M in the paper) at 224x224 pixels and 1000
    classes."""
    return MOBILENET_V3_LARGE.network("mobilenet_v3_large", in_size, classes)


def mobilenet_v3_small(in_size: ImageSize = 224, classes: int = 1000) -> Architecture:
    """Return MobileNetV3-Small 1.0: 2,542,856 parameters and 56M MACs at 224x224 pixels and 1000 classes."""
    return MOBILENET_V3_SMALL.network("mobilenet_v3_small", in_size, classes)


def mnasnet(in_size: ImageSize = 224, classes: int = 1000) -> Architecture:
    """Return MnasNet-B1 1.0: 4,383,312 parameters and 314M MACs at 224x224 pixels and 1000 classes."""
    return MNASNET_B1.network("mnasnet", in_size, classes)


def fbnet_c(in_size: ImageSize = 224, classes: int = 1000) -> Architecture:
    """Return FBNet-C: 5,572,200 parameters and 385M MACs at 224x224 pixels and 1000 classes."""
    return FBNET_C.network("fbnet_c", in_size, classes)


def single_path_net(in_size: ImageSize = 224, classes: int = 1000) -> Architecture:
    """Return the network of Single-Path NAS: 4,421,616 parameters and 333M MACs at 224x224 pixels and 1000 classes."""
    return SINGLE_PATH.network("single_path_net", in_size, classes)


def _lite(number: int) -> Callable[..., Architecture]:
    def build(in_size: ImageSize = LITE_SCALES[number][2], classes: int = 1000) -> Architecture:
        return efficientnet_lite(number, in_size, classes)

    return build


REFERENCE: dict[str, Callable[..., Architecture]] = {
    "mobilenet_v2": mobilenet_v2,
    "mobilenet_v3_large": mobilenet_v3_large,
    "mobilenet_v3_small": mobilenet_v3_small,
    "mnasnet": mnasnet,
    "fbnet_c": fbnet_c,
    "single_path_net": single_path_net,
    **{f"efficientnet_lite{number}": _lite(number) for number in range(len(LITE_SCALES))},
}


def reference(name: str, in_size: ImageSize | None = None, classes: int = 1000, channels: int = 3) -> Architecture:
    """Return the published network called ``name``, for images of ``channels``, at ``in_size`` (default: as published).
    InputError lists the known names."""
    if name not in REFERENCE:
        raise InputError(f"no published network {name!r}; {there_are(name, REFERENCE)}")
    network = REFERENCE[name](**({} if in_size is None else {"in_size": in_size}), classes=classes)
    stem, *others = network.blocks
    return replace(network, blocks=(replace(stem, c_in=channels), *others))
