"""The spaces of edgenas by name. Each space is a file of data only, which cites its source."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from edgenas.base.errors import InputError
from edgenas.base.plugins import GROUPS, Found, accepted, called, find, names
from edgenas.blocks.size import ImageSize
from edgenas.search.space import Space
from edgenas.search.spaces.efficientnet_lite import efficientnet_lite
from edgenas.search.spaces.fbnet import fbnet
from edgenas.search.spaces.mathnas_mobilenet_v3 import mathnas_mobilenet_v3
from edgenas.search.spaces.mnasnet import mnasnet
from edgenas.search.spaces.mobilenet_v2 import mobilenet_v2
from edgenas.search.spaces.mobilenet_v3 import mobilenet_v3_large, mobilenet_v3_small
from edgenas.search.spaces.nas_bench_macro import nas_bench_macro
from edgenas.search.spaces.ofa_mobilenet_v3 import ofa_mobilenet_v3
from edgenas.search.spaces.padding import PLAIN, SAME, with_same
from edgenas.search.spaces.parameters import Value, given, named, parameters, several, sized, sizes_in, split
from edgenas.search.spaces.proxylessnas import proxylessnas
from edgenas.search.spaces.proxylessnas_24 import proxylessnas_24
from edgenas.search.spaces.relu6 import SUFFIX, with_relu6
from edgenas.search.spaces.single_path import single_path
from edgenas.search.spaces.sizes import over_sizes
from edgenas.search.spaces.tunas_v3 import tunas_v3


def digits(**sizes: Any) -> Space:
    """Return the small space of the demo; see ``edgenas.search.spaces.digits``."""
    from edgenas.search.spaces.digits import digits as build

    return build(**sizes)


#: name -> function of (in_size=..., classes=...) with the defaults of that space
SPACES: dict[str, Callable[..., Space]] = {
    "mobilenet_v2": mobilenet_v2,
    "mobilenet_v3_large": mobilenet_v3_large,
    "mobilenet_v3_small": mobilenet_v3_small,
    "ofa_mobilenet_v3": ofa_mobilenet_v3,
    "proxylessnas": proxylessnas,
    "proxylessnas_24": proxylessnas_24,
    "single_path": single_path,
    "fbnet": fbnet,
    "nas_bench_macro": nas_bench_macro,
    "tunas_v3": tunas_v3,
    "mnasnet": mnasnet,
    "mathnas_mobilenet_v3": mathnas_mobilenet_v3,
    "digits": digits,
    **{f"efficientnet_lite{number}": efficientnet_lite(number) for number in range(5)},
}
_H_SWISH = (
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "ofa_mobilenet_v3",
    "tunas_v3",
    "mathnas_mobilenet_v3",
    "digits",
)
#: short name -> the space that it means
SHORT = {"efficientnet_lite": "efficientnet_lite0"}
#: spaces with parameters of which tables or networks are published
PUBLISHED_WIDTHS = ("ofa_mobilenet_v3:width=1.2", "proxylessnas:width=1.3")
SPACES |= {name + SUFFIX: with_relu6(SPACES[name]) for name in _H_SWISH}
SPACES |= {name + SAME: with_same(SPACES[name]) for name in ("mobilenet_v3_large", "mobilenet_v3_small")}
SPACES["efficientnet_lite0" + PLAIN] = with_same(SPACES["efficientnet_lite0"], False)


def space(
    name: str,
    in_size: ImageSize | tuple[ImageSize, ...] | None = None,
    classes: int | None = None,
    channels: int | None = None,
) -> Space:
    """Return a space by name, 'FILE.py:NAME', 'PACKAGE.MODULE:NAME' or entry point of ``edgenas.spaces``, each with
    parameters or without: 'NAME:width=1.2' (``edgenas.search.spaces.parameters``).

    Sizes that are not given have their published values. InputError for an unknown name, with the nearest known one,
    for an unknown parameter, and for the user's code where it does not give a space.
    """
    plain, text = split(name)
    plain = SHORT.get(plain, plain)
    sizes, text = sizes_in(text)
    if isinstance(in_size, tuple):
        sizes, in_size = several(in_size), None
    if sizes:
        if in_size not in (None, sizes[-1]):
            raise InputError(f"{name} chooses from {len(sizes)} sizes; leave out --in-size {in_size}")
        one = f"{plain}:{text}" if text else plain
        return over_sizes(lambda size: space(one, size, classes, channels), sizes, lambda of: sized(of, sizes))
    return _at_one_size(plain, text, in_size, classes, channels)


def _at_one_size(plain: str, text: str, in_size: ImageSize | None, classes: int | None, channels: int | None) -> Space:
    """Return the space ``plain`` with the parameters ``text`` at one size."""
    found = find(plain, SPACES, "space", GROUPS["space"])
    sizes = {"in_size": in_size, "classes": classes}
    given_sizes = {key: value for key, value in sizes.items() if value is not None}
    if found.code is None:
        made: Space = found.value(**given_sizes, **(given(plain, found.value, text) if text else {}))
        return made if channels is None else with_channels(made, channels)
    return _own(found, given_sizes, channels, text)


def with_channels(space: Space, channels: int) -> Space:
    """Return the space for images of ``channels`` channels."""
    return space if space.c_in == channels else replace(space, c_in=channels)


def parameters_of(name: str) -> dict[str, Value]:
    """Return the parameters of the space ``name`` (with or without values for them), each with its default."""
    plain, _ = split(name)
    value = find(SHORT.get(plain, plain), SPACES, "space", GROUPS["space"]).value
    return {} if isinstance(value, Space) else parameters(value)


def known_spaces() -> list[str]:
    """Return the names of all spaces that need no colon: those of edgenas, then entry points."""
    return names(SPACES, GROUPS["space"])


def is_space(text: str) -> bool:
    """Return True if ``text`` names a space and not a network: a known space, or FILE.py:NAME without a /KEY; with or
    without parameters."""
    if "/" in text.rpartition(":")[2]:
        return False
    plain, _ = split(text)
    return plain in (*SHORT, *known_spaces()) or (":" in plain and plain.rpartition(":")[2].isidentifier())


def check_networks(space: Space, named: str) -> None:
    """Raise InputError where the space ``named`` has no network."""
    if not space.networks:
        why = "a layer has no options" if space.layers else "it has no layers"
        raise InputError(f"{named} is a space without networks: {why}")


def _own(found: Found[Any], given_sizes: dict[str, Any], channels: int | None, text: str) -> Space:
    """Return the space that the user's code is or returns, after a check of all its blocks; ``text`` has the values of
    parameters of the user's function."""
    value, wanted = found.value, "a space: a Space, or a function of (in_size=..., classes=...) that returns one"
    assert found.code is not None
    accepted(found, isinstance(value, Space) or callable(value), wanted)
    if isinstance(value, Space):
        has = {"in_size": value.in_size, "classes": value.classes if value.layers else None}
        other = [f"{key} {has[key]}" for key in given_sizes if given_sizes[key] != has[key]]
        if other:
            raise InputError(
                f"{found.code.text} is a Space of {' and '.join(other)} and takes no other: make it a function of "
                "(in_size=..., classes=...) that returns one"
            )
        if text:
            raise InputError(f"{found.code.text} is a Space and takes no {text}: make it a function that returns one")
        made = value
    else:
        lacking = _lacking(value, given_sizes)
        if lacking:
            raise InputError(f"{found.code.text} takes no {' and no '.join(lacking)}: leave out the option, or add it")
        chosen = given(found.code.text, value, text) if text else {}
        made = called(found.code, lambda: value(**given_sizes, **chosen))
        accepted(Found(made, found.code), isinstance(made, Space), wanted)
        if split(made.name)[0] == made.name:
            made = replace(made, name=named(made.name, value, chosen))
    if channels is not None:
        made = with_channels(made, channels)
    called(found.code, lambda: made.networks)
    check_networks(made, found.code.text)
    if made.name in SPACES:
        raise InputError(f"{found.code.text} is called {made.name!r}, as a space that ships is: give it another name")
    return replace(made, code=found.code.named(f"{found.code.text}:{text}") if text else found.code)


def _lacking(function: Callable[..., Any], given: dict[str, Any]) -> list[str]:
    """Return those of the arguments ``given`` that the function does not take."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return []
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return []
    takes = {name for name, p in parameters.items() if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)}
    return [name for name in given if name not in takes]
