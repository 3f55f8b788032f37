"""Record of the space of a search: its name, and its layers where no name identifies them."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from edgenas.base.code import check_same
from edgenas.base.errors import InputError
from edgenas.blocks.size import OptionalSize
from edgenas.search.space import Layer, Option, Space
from edgenas.search.spaces import SPACES, check_networks, known_spaces
from edgenas.search.spaces import space as space_named
from edgenas.search.spaces.parameters import split


@dataclass(frozen=True, slots=True)
class SpaceRecord:
    """The space of a search. A size, or the number of channels ``c_in``, is None where it is the space's own.

    layers   all layers of a space that was built in Python as an object; empty for a space of edgenas, and for one from
             a file or a module, which the record names with the sha256 of its code
    """

    name: str
    in_size: OptionalSize = None
    classes: int | None = None
    c_in: int | None = None
    layers: tuple[Layer, ...] = ()


def space_record(space: Space) -> SpaceRecord:
    """Return the record of a space, from which ``recorded_space`` opens an equal one."""
    classes = space.classes
    by_name = space.code is not None or _is_of_edgenas(space, classes)
    layers = () if by_name else tuple(replace(each, options=tuple(map(_plain, each.options))) for each in space.layers)
    return SpaceRecord(space.name, space.in_size, classes, space.c_in, layers)


def recorded_space(record: SpaceRecord, code: Any, where: str) -> Space:
    """Return the space of a record in the file ``where``; ``code`` is ``Code.as_dict`` of the user's code, None for a
    space without.

    The file of that code is looked for in the current folder, then beside ``where``. InputError where it is missing or
    has changed since the record was written, or where the layers of the record form no network.
    """
    if record.layers:
        found = Space(record.name, record.in_size or 0, record.layers, record.c_in or 3)
        try:
            check_networks(found, record.name)
        except InputError as error:
            raise InputError(f"{where}: its space is damaged: {error}; restore the file from a copy") from error
        return found
    own = code.get("name") if isinstance(code, dict) else None
    if own is None and split(record.name)[0] not in known_spaces():
        raise InputError(
            f"{where} keeps no layers of its space {record.name!r}, which is none of edgenas: it was written by an "
            "older edgenas; search again (edgenas export, verify and blocks still open the file)"
        )
    name = _place_of(own, Path(where).parent) if isinstance(own, str) else record.name
    found = space_named(name, record.in_size, record.classes, record.c_in)
    check_same(where, "space", code, found.code, "put the file back as it was, or search again with another -o")
    return found


def _place_of(own: str, folder: Path) -> str:
    """Return 'FILE.py:NAME', with its parameters, with the file in ``folder`` where it is there and not in the current
    folder."""
    plain, parameters = split(own)
    file, colon, name = plain.rpartition(":")
    if colon and file.endswith(".py") and not Path(file).expanduser().exists() and (folder / file).is_file():
        return f"{folder / file}:{name}{parameters and f':{parameters}'}"
    return own


def read_layers(data: Any, where: str) -> tuple[Layer, ...]:
    """Return the layers of a record, given as plain JSON values; InputError for any other value."""
    from pydantic import ConfigDict, TypeAdapter, ValidationError

    form = TypeAdapter(tuple[Layer, ...], config=ConfigDict(strict=True, allow_inf_nan=False))
    try:
        return form.validate_json(json.dumps(data))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, ("layers", *first["loc"])))
        raise InputError(f"{where}: {place}: {first['msg']}; restore the file from a copy") from error


def _plain(option: Option) -> Option:
    """Return the option with Python's own numbers, which JSON knows, in place of NumPy's."""
    values = {field.name: getattr(option, field.name) for field in fields(option)}
    return Option(**{name: value.item() if hasattr(value, "item") else value for name, value in values.items()})


def _is_of_edgenas(space: Space, classes: int) -> bool:
    """Return True if the name and the sizes of ``space`` lead to an equal space of edgenas."""
    if split(space.name)[0] not in SPACES:
        return False
    try:
        return space_named(space.name, space.in_size, classes, space.c_in) == space
    except InputError:
        return False
