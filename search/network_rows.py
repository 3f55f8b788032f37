"""Rows of a user's file that name networks of a space: by their keys, or by the options of their layers.

column          holds
network         key of a network, '0.2.1' or 'SPACE/0.2.1'
(or) LAYER      for each layer with several options: the key of the option, or its number from 0
"""

from __future__ import annotations

from collections.abc import Sequence

from edgenas.base.errors import InputError
from edgenas.base.naming import among
from edgenas.base.rows import Row
from edgenas.search.space import Choice, Space


def check_columns(columns: Sequence[str], space: Space) -> None:
    """InputError unless ``columns`` name networks of ``space``."""
    layers = [space.layers[number].name for number in _free(space)]
    lacking = [name for name in layers if name not in columns]
    if "network" not in columns and (lacking or len(set(layers)) < len(layers)):
        raise InputError(
            f"it has neither a column network, such as {space.key(space.repaired([0] * len(space.layers)))}, nor one "
            f"for each layer of {space.name} with several options: it lacks {', '.join(lacking[:8]) or 'unique names'}"
        )


def choice_of(row: Row, space: Space, columns: Sequence[str]) -> Choice:
    """Return the network of a row; InputError where it is no member of the space."""
    text = row.text("network")
    if "network" in columns:
        if not text:
            raise InputError(f"{row.place}: network is empty")
        of, slash, key = text.rpartition("/")
        if slash and of != space.name:
            raise InputError(f"{row.place}: {text[:80]} is a network of {of[:60]}, not of {space.name}")
        return _member(row, space, key)
    return _member(row, space, ".".join(_option(row, space, layer) for layer in _free(space)))


def _free(space: Space) -> list[int]:
    return [number for number, layer in enumerate(space.layers) if len(layer.options) > 1]


def _option(row: Row, space: Space, number: int) -> str:
    """Return the number of the option in a layer's column, which has its key or its number."""
    layer = space.layers[number]
    text, keys = row.text(layer.name), [option.key for option in layer.options]
    if text in keys:
        return str(keys.index(text))
    if text.isascii() and text.isdigit() and int(text) < len(keys):
        return str(int(text))
    raise InputError(f"{row.place}: {layer.name} is {text[:40]!r}, not one of {among(text, keys)}")


def _member(row: Row, space: Space, key: str) -> Choice:
    try:
        return space.parse(key)
    except InputError as error:
        raise InputError(f"{row.place}: {error}") from error
