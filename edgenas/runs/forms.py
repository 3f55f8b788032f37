"""Conversion between dataclasses and JSON values: one dataclass defines how a record is written and strictly read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from edgenas.base.errors import InputError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.size import Rectangle
from edgenas.latency_tables.setting import Setting

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from pydantic import TypeAdapter

T = TypeVar("T")
_SHOWN = 60  # characters of a value in a message


def plain(value: Any) -> Any:
    """Return ``value`` as plain JSON values.

    A dataclass becomes an object of its fields and of the properties that its ``DERIVED`` names. Derived properties are
    written for other programs, and computed again when they are read.
    """
    if isinstance(value, Setting):
        return value.as_dict()
    if isinstance(value, Architecture):
        return value.to_json()
    if isinstance(value, Rectangle):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        names = (*_names(type(value)), *getattr(value, "DERIVED", ()))
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    return value


def read_form(form: type[T], data: Any, where: str, remedy: str) -> T:
    """Return ``data``, JSON values, as a ``form``; unknown fields are ignored.

    InputError names ``where``, the field, its value, the rule and the ``remedy``.
    """
    from pydantic import ValidationError

    try:
        found: tuple[T] = _reader(cast(Any, form)).validate_json(json.dumps([data]))
    except ValidationError as error:
        first: Any = error.errors(include_url=False)[0]
        raise InputError(f"{where}: {_wrong(first)}; {remedy}") from error
    return found[0]


@lru_cache(maxsize=64)
def _names(form: type[DataclassInstance]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(form))


@lru_cache(maxsize=64)
def _reader(form: Any) -> TypeAdapter[Any]:
    """Return pydantic's reader of a tuple of ``form``; its configuration reaches dataclasses only in a container."""
    from pydantic import ConfigDict, TypeAdapter

    return TypeAdapter(tuple[form], config=ConfigDict(strict=True, allow_inf_nan=False))


def _wrong(error: Mapping[str, Any]) -> str:
    place = ".".join(str(part) for part in _place(error["loc"]))
    rule = str(error["msg"]).removeprefix("Value error, ").replace("Input should", "it should")
    if error["type"] == "missing":
        return f"{place} is missing"
    value = error["input"]
    if isinstance(value, dict | list):
        return f"{place or 'the record'}: {rule}"
    text = json.dumps(value)
    return f"{place or 'the record'} is {text if len(text) <= _SHOWN else text[:_SHOWN] + '…'}: {rule}"


def _place(location: Sequence[str | int]) -> Sequence[str | int]:
    """Return the path of the faulty field; its first part, the place in the tuple around the record, is left out."""
    return location[1:]
