"""Parameters of a space, as part of its name: ``ofa_mobilenet_v3:width=1.2``, ``my_space.py:tiny:depth=3,width=0.5``.

The function of a space declares them: every argument with a number, a text, or true or false as its default, besides
the sizes of its images and classes. A value is read in the form of that default.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgenas.base.errors import InputError
from edgenas.base.naming import nearest
from edgenas.blocks.size import ImageSize, SizeLike, as_size

Value = bool | int | float | str

SIZES = {"in_size": "--in-size", "classes": "--classes"}  #: what every space takes -> its own option
NARROWEST, WIDEST = 0.1, 4.0


def split(text: str) -> tuple[str, str]:
    """Return (name of a space, text of its parameters): the text follows the last colon and has a '='; '' without."""
    name, colon, last = text.rpartition(":")
    return (name, last) if colon and "=" in last else (text, "")


def parameters(function: Callable[..., Any]) -> dict[str, Value]:
    """Return the parameters of a space's function, each with its default."""
    try:
        taken = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return {}
    return {p.name: p.default for p in taken if p.name not in SIZES and isinstance(p.default, bool | int | float | str)}


def sizes_in(text: str) -> tuple[tuple[ImageSize, ...], str]:
    """Return (sizes, other parameters) of a text: 'in_size=128+160,width=0.5' has two sizes to choose from. Without
    sizes the first is empty; InputError for sizes that are none, or fewer than two."""
    parts = text.split(",") if text else []
    named = [part for part in parts if part.strip().startswith("in_size=")]
    if not named or "+" not in named[0]:
        return (), text
    return several(named[0].partition("=")[2].split("+")), ",".join(part for part in parts if part is not named[0])


def several(sizes: Sequence[SizeLike]) -> tuple[ImageSize, ...]:
    """Return sizes to choose from, in ascending order; InputError unless they are two or more different ones."""
    found = tuple(as_size(size) for size in sizes)
    if len(found) < 2 or len(set(found)) < len(found):
        raise InputError(
            f"sizes {', '.join(map(str, sizes)) or 'none'}: to choose from several, give each once, such as 128,160,192"
        )
    return tuple(sorted(found))


def sized(name: str, sizes: Sequence[ImageSize]) -> str:
    """Return the name of a space over several sizes."""
    return f"{name}{',' if split(name)[1] else ':'}in_size={'+'.join(map(str, sizes))}"


def given(name: str, function: Callable[..., Any], text: str) -> dict[str, Value]:
    """Return the values in ``text``, such as 'width=1.2,depth=3', for the function of the space ``name``; InputError
    names the parameters that there are."""
    known = parameters(function)
    found: dict[str, Value] = {}
    for part in text.split(","):
        key, equals, value = (each.strip() for each in part.partition("="))
        if key in SIZES:
            raise InputError(f"{name}:{text}: {key} is no parameter of a space; give it as {SIZES[key]}")
        if not equals or key not in known:
            raise InputError(f"{name} takes no parameter {key[:100]!r}; {_there_are(key, known)}")
        if key in found:
            raise InputError(f"{name}:{text}: {key} is given twice; give it once")
        found[key] = _value(f"{name}:{text}", key, value, known[key])
    return found


def named(name: str, function: Callable[..., Any], values: Mapping[str, Value]) -> str:
    """Return the name of a space with the values of its parameters that are not their defaults, in the order of the
    function."""
    other = [(key, values.get(key, default)) for key, default in parameters(function).items()]
    parts = [f"{key}={_text(value)}" for key, value in other if value != parameters(function)[key]]
    return f"{name}:{','.join(parts)}" if parts else name


def joined(name: str, values: Mapping[str, Value]) -> str:
    """Return the name of a space with further parameters, as text."""
    plain, text = split(name)
    parts = [*([text] if text else []), *(f"{key}={_text(value)}" for key, value in values.items())]
    return f"{plain}:{','.join(parts)}" if parts else name


def check_width(width: float) -> None:
    """Raise InputError for a width multiplier outside of NARROWEST..WIDEST."""
    if not NARROWEST <= width <= WIDEST:
        raise InputError(f"width multiplier {width!r} is outside {NARROWEST:g}..{WIDEST:g}")


def _there_are(key: str, known: Mapping[str, Value]) -> str:
    if not known:
        return "it has none"
    close = nearest(key, known)
    listed = ", ".join(f"{each} (default {_text(value)})" for each, value in known.items())
    return f"did you mean {close!r}? It takes {listed}" if close else f"it takes {listed}"


def _value(text: str, key: str, value: str, default: Value) -> Value:
    """Return a value in the form of the parameter's default."""
    if isinstance(default, str):
        return value
    if isinstance(default, bool):
        if value in ("true", "false"):
            return value == "true"
        raise InputError(f"{text}: {key}={value[:100]!r} is not true or false")
    kind = "a whole number" if isinstance(default, int) else "a number"
    try:
        number = int(value) if isinstance(default, int) else float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"{text}: {key}={value[:100]!r} is not {kind}, such as {key}={_text(default)}")
    return number


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.12g}" if isinstance(value, float) else str(value)
