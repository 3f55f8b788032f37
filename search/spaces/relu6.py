"""Spaces for int8: published spaces with ReLU6 in place of h-swish.

XNNPACK does not support int8 h-swish, which splits a TFLite file of MobileNetV3-Small into 20 partitions; ONNX Runtime
computes it in float. ReLU6 is fused into the convolution before it. Everything else is as published, so that a network
of one space and the corresponding network of the other have the same key, MACs and parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from edgenas.search.space import Option, Space
from edgenas.search.spaces.parameters import split

SUFFIX = "_relu6"


def with_relu6(build: Callable[..., Space]) -> Callable[..., Space]:
    """Return a function that builds the space of ``build`` with ReLU6 for h-swish, under the name NAME_relu6."""

    @wraps(build)
    def relu6_space(**values: Any) -> Space:
        space = build(**values)
        name, parameters = split(space.name)
        layers = tuple(
            replace(layer, options=tuple(_relu6(option) for option in layer.options)) for layer in space.layers
        )
        return replace(
            space,
            name=name + SUFFIX + (parameters and f":{parameters}"),
            layers=layers,
            source=f"{space.source}; ReLU6 for h-swish".lstrip("; "),
        )

    return relu6_space


def _relu6(option: Option) -> Option:
    more = tuple(map(_relu6, option.more))
    return replace(option, act="relu6" if option.act == "hswish" else option.act, more=more)
