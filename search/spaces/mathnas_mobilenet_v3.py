"""MathNAS's space of MobileNetV3: 5 nodes, each with 7,371 blocks; 7,371^5 networks.

Source: Wang et al., arXiv 2311.04943 (NeurIPS 2023), section 5.1. A node is a whole stage, a block of a node the kernel
{3, 5, 7} and expansion {3, 4, 6} of each of its 2, 3 or 4 layers: 9^2 + 9^3 + 9^4 = 7,371. Its networks are those of
``ofa_mobilenet_v3``, where every layer is chosen by itself; MathNAS's estimate needs nodes.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from edgenas.search.space import Layer, Option, Space
from edgenas.search.spaces.ofa_mobilenet_v3 import DEEPEST, SHALLOWEST, STAGES, ofa_mobilenet_v3
from edgenas.search.spaces.parameters import named


def mathnas_mobilenet_v3(in_size: int = 224, classes: int = 1000, width: float = 1.0) -> Space:
    """Return the space for images of ``in_size`` x ``in_size`` pixels at width multiplier ``width`` (1.0 or
    1.2). An option names each of its layers, such as ``k3e4-k7e6`` of depth 2."""
    single = ofa_mobilenet_v3(in_size, classes, width)
    stem, first, *layers, last, head = single.layers
    nodes = [
        Layer(f"stage{number + 1}", _options(layers[DEEPEST * number], layers[DEEPEST * number + 1]))
        for number in range(len(STAGES))
    ]
    name = named("mathnas_mobilenet_v3", mathnas_mobilenet_v3, {"width": width})
    return Space(name, in_size, (stem, first, *nodes, last, head), source="arXiv 2311.04943, section 5.1")


def _options(first: Layer, later: Layer) -> tuple[Option, ...]:
    """Return the options of a stage whose first layer and whose later layers have these options, by depth."""
    return tuple(
        replace(option, key="-".join((option.key, *(each.key for each in more))), more=more)
        for depth in range(SHALLOWEST, DEEPEST + 1)
        for option, *rest in product(first.options, *[later.options] * (depth - 1))
        for more in (tuple(rest),)
    )
