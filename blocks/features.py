"""Feature maps of a network by their stride: a backbone for a detector or for another head.

A feature map of stride 8 has an eighth of the width and of the height of the image, rounded up. Of all blocks with that
stride, the last one before the head gives the feature map, as in feature pyramids (arXiv 1612.03144, section 3).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edgenas.base.errors import InputError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.spec import BlockSpec


@dataclass(frozen=True, slots=True)
class FeatureMap:
    """The output of block number ``index`` of a network, whose ``stride`` is that of the image over it."""

    stride: int
    index: int
    block: BlockSpec

    @property
    def name(self) -> str:
        """Name of the output in exported files, such as 'features_8'."""
        return f"features_{self.stride}"


@dataclass(frozen=True, slots=True)
class Backbone:
    """A network without head up to its last feature map, and its feature maps, by ascending stride."""

    architecture: Architecture
    maps: tuple[FeatureMap, ...]

    @property
    def outputs(self) -> dict[int, str]:
        """Number of a block -> name of its output, as the writers of files take them."""
        return {each.index: each.name for each in self.maps}


def feature_maps(architecture: Architecture) -> dict[int, FeatureMap]:
    """Return every feature map of a network by its stride."""
    found: dict[int, FeatureMap] = {}
    stride, computed = 1, False
    for index, block in enumerate(architecture.blocks):
        if block.kind == "head":
            break
        stride, computed = stride * block.stride, computed or block.kind != "skip"
        if computed:
            found[stride] = FeatureMap(stride, index, block)
    return found


def backbone(architecture: Architecture, strides: Iterable[int]) -> Backbone:
    """Return the part of a network that computes the feature maps of ``strides``; InputError names the strides that the
    network has, where it lacks one of these."""
    known, wanted = feature_maps(architecture), sorted(set(strides))
    lacking = [stride for stride in wanted if stride not in known]
    if lacking or not wanted:
        missing = f"no features of stride {', '.join(map(str, lacking))}; it has" if lacking else "features of stride"
        raise InputError(f"{architecture.name} has {missing} {', '.join(map(str, known))}: name some of these")
    maps = tuple(known[stride] for stride in wanted)
    return Backbone(Architecture(architecture.name, architecture.blocks[: maps[-1].index + 1]), maps)
