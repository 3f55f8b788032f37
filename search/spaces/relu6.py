"""Spaces for int8: ReLU6 wherever a published space has h-swish.

int8 h-swish leaves XNNPACK, and ONNX Runtime computes it in float: in MobileNetV3-Small that cuts a TFLite file into 20
partitions. ReLU6 is fused into the convolution before it. Everything else stays as it was published, so that
a network of one space and its twin in the other have the same key, MACs and parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from edgenas.search.space import Space

SUFFIX = "_relu6"


def with_relu6(build: Callable[..., Space]) -> Callable[..., Space]:
    """What builds the twin of the space that ``build`` builds, called NAME_relu6."""

    def twin(**sizes: int) -> Space:
        space = build(**sizes)
        layers = tuple(
            replace(layer, options=tuple(replace(o, act="relu6") if o.act == "hswish" else o for o in layer.options))
            for layer in space.layers
        )
        return replace(
            space, name=space.name + SUFFIX, layers=layers, source=f"{space.source}; ReLU6 for h-swish".lstrip("; ")
        )

    return twin
