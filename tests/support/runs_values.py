"""Hypothesis strategies of the records of runs, made from their type hints."""

from __future__ import annotations

import types
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from edgenas.blocks.architecture import Architecture
from edgenas.latency_tables.setting import Setting, device_pairs
from tests.support.strategies import architectures

TEXT = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=8)
NUMBER = st.floats(1e-3, 1e6)
_SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    float: NUMBER,
    int: st.integers(1, 1000),
    bool: st.booleans(),
    type(None): st.none(),
    Any: st.none() | st.booleans() | NUMBER | TEXT,
    Architecture: architectures(max_blocks=2),
    Setting: st.builds(
        Setting,
        st.dictionaries(TEXT, TEXT | NUMBER | st.integers(0, 99), max_size=3).map(device_pairs),
        *[TEXT] * 5,
        st.integers(1, 1024),
        st.lists(st.integers(0, 4095), max_size=3).map(tuple),
        TEXT,
        st.integers(0, 1 << 30),
    ),
}


@lru_cache(maxsize=256)
def values(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a type: a dataclass or a named tuple, by its fields; numbers are positive, as what is measured is."""
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    origin, inside = get_origin(kind), get_args(kind)
    if origin is Annotated:
        most = next((meta.metadata[0].min_length for meta in inside[1:] if _at_least_one(meta)), 0)
        return values(inside[0]).filter(lambda found: not most or len(found) >= most)
    if origin in (Union, types.UnionType):
        return st.one_of(*map(values, inside))
    if origin is Literal:
        return st.sampled_from(inside)
    if origin is dict:
        return st.dictionaries(values(inside[0]), values(inside[1]), max_size=2)
    if origin is tuple and inside[-1] is ...:
        return st.lists(st.deferred(lambda: values(inside[0])), max_size=1).map(tuple)  # a record may hold its own kind
    if origin is tuple:
        return st.tuples(*map(values, inside))
    hints = get_type_hints(kind, include_extras=True)
    names = [field.name for field in fields(kind)] if is_dataclass(kind) else list(kind._fields)
    return st.builds(kind, **{name: values(hints[name]) for name in names})


def _at_least_one(meta: Any) -> bool:
    return bool(getattr(meta, "metadata", ())) and hasattr(meta.metadata[0], "min_length")
