"""The spaces that ship, by name: data only, one file each, sources cited there."""

from __future__ import annotations

from collections.abc import Callable

from edgenas.base.errors import InputError
from edgenas.search.space import Space
from edgenas.search.spaces.fbnet import fbnet
from edgenas.search.spaces.mobilenet_v2 import mobilenet_v2
from edgenas.search.spaces.mobilenet_v3 import mobilenet_v3_large, mobilenet_v3_small
from edgenas.search.spaces.nas_bench_macro import nas_bench_macro
from edgenas.search.spaces.ofa_mobilenet_v3 import ofa_mobilenet_v3
from edgenas.search.spaces.proxylessnas import proxylessnas
from edgenas.search.spaces.proxylessnas_24 import proxylessnas_24
from edgenas.search.spaces.relu6 import SUFFIX, with_relu6
from edgenas.search.spaces.single_path import single_path
from edgenas.search.spaces.tunas_v3 import tunas_v3


def digits(**sizes: int) -> Space:
    """The small space the demo trains; see ``edgenas.search.spaces.digits``."""
    from edgenas.search.spaces.digits import digits as build

    return build(**sizes)


#: name -> function of (in_size=..., classes=...), each with its own defaults
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
    "digits": digits,
}
_H_SWISH = ("mobilenet_v3_large", "mobilenet_v3_small", "ofa_mobilenet_v3", "tunas_v3", "digits")
SPACES |= {name + SUFFIX: with_relu6(SPACES[name]) for name in _H_SWISH}


def space(name: str, in_size: int | None = None, classes: int | None = None) -> Space:
    """A space by name, at its published sizes unless told; InputError lists the names."""
    if name not in SPACES:
        raise InputError(f"no space {name!r}; there are {', '.join(SPACES)}")
    sizes = {"in_size": in_size, "classes": classes}
    return SPACES[name](**{key: value for key, value in sizes.items() if value is not None})
