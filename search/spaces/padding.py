"""Spaces with TensorFlow's SAME in place of torch's padding, or the reverse, as weights were trained that exist.

Everything else is equal, so that a network of one space and the corresponding network of the other have the same key,
MACs and parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from edgenas.search.space import Option, Space
from edgenas.search.spaces.parameters import split

SAME, PLAIN = "_same", "_plain"  #: suffixes of the names of such spaces


def with_same(build: Callable[..., Space], same: bool = True) -> Callable[..., Space]:
    """Return a function that builds the space of ``build`` with SAME (or without), under the name NAME_same
    (NAME_plain)."""

    def padded(option: Option) -> Option:
        return replace(option, same=same and option.kind != "skip", more=tuple(map(padded, option.more)))

    @wraps(build)
    def padded_space(**values: Any) -> Space:
        space = build(**values)
        layers = tuple(replace(layer, options=tuple(map(padded, layer.options))) for layer in space.layers)
        how = "TensorFlow's SAME padding" if same else "torch's padding"
        plain, parameters = split(space.name)
        name = plain + (SAME if same else PLAIN) + (parameters and f":{parameters}")
        return replace(space, name=name, layers=layers, source=f"{space.source}; {how}")

    return padded_space
