"""Strict reading of JSON objects: every field is read with a type and a range, and unknown fields are refused.

It is meant for untrusted text: files on disk, and output of devices. All errors are ValueError; the caller adds the
place.
"""

from __future__ import annotations

import math
from typing import Any


class Fields:
    """The fields of one JSON object; each field is read once."""

    def __init__(self, data: Any, what: str = "the record") -> None:
        if not isinstance(data, dict):
            raise ValueError(f"{what} is {_kind(data)}, not an object")
        self._left = dict(data)
        self._what = what

    def text(self, name: str, limit: int = 1000) -> str:
        """Return the field ``name``: a text of at most ``limit`` characters, all printable."""
        value = self._take(name, str, "a text")
        if len(value) > limit or not value.isprintable():
            raise ValueError(f"{name} is longer than {limit} characters or holds control characters")
        return str(value)

    def whole(self, name: str, least: int, most: int) -> int:
        """Return the field ``name``: a whole number within ``least`` .. ``most``."""
        return whole(self._take(name, int, "a whole number"), name, least, most)

    def number(self, name: str) -> float:
        """Return the field ``name``: a finite number, whole or not."""
        value = self._take(name, (int, float), "a number")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise ValueError(f"{name} is {str(value)[:40]}, not a finite number")
        return number

    def list(self, name: str, most: int) -> list[Any]:
        """Return the field ``name``: a list of at most ``most`` values of any type."""
        value = self._take(name, list, "a list")
        if len(value) > most:
            raise ValueError(f"{name} has {len(value)} values, more than {most}")
        return list(value)

    def wholes(self, name: str, least: int, most: int, count: int) -> tuple[int, ...]:
        """Return the field ``name``: at most ``count`` whole numbers within ``least`` .. ``most``."""
        return tuple(whole(value, name, least, most) for value in self.list(name, count))

    def values(self, name: str, count: int = 64) -> dict[str, str | int | float]:
        """Return the field ``name``: a flat object of at most ``count`` texts and finite numbers."""
        inner = Fields(self._take(name, dict, "an object"), name)
        if len(inner._left) > count:
            raise ValueError(f"{name} has {len(inner._left)} fields, more than {count}")
        found: dict[str, str | int | float] = {}
        for key, value in list(inner._left.items()):
            if len(key) > 100 or not key.isprintable():
                raise ValueError(f"a field name of {name} is longer than 100 characters or holds control characters")
            if isinstance(value, str):
                found[key] = inner.text(key)
            elif type(value) is int:
                found[key] = inner.whole(key, -(2**53), 2**53)
            else:
                found[key] = inner.number(key)
        return found

    def numbers(self, name: str, count: int) -> dict[str, float]:
        """Return the field ``name``: an object of at least one and at most ``count`` finite numbers."""
        inner = Fields(self._take(name, dict, "an object"), name)
        if not 1 <= len(inner._left) <= count:
            raise ValueError(f"{name} has {len(inner._left)} fields, outside 1 .. {count}")
        return {key: inner.number(key) for key in list(inner._left)}

    def peek(self, name: str) -> Any:
        """Return the value of the field ``name``, which stays to be read; None where there is none."""
        return self._left.get(name)

    def any(self, name: str) -> Any:
        """Return the field ``name``: a value of any type, which the caller checks."""
        if name not in self._left:
            raise ValueError(f"{self._what} has no {name}")
        return self._left.pop(name)

    def done(self) -> None:
        """Raise ValueError when a field has not been read."""
        if self._left:
            raise ValueError(f"{self._what} has an unknown field {next(iter(self._left))[:40]!r}")

    def _take(self, name: str, types: type | tuple[type, ...], wanted: str) -> Any:
        value = self._left.pop(name) if name in self._left else self.any(name)
        if isinstance(value, bool) or not isinstance(value, types):
            raise ValueError(f"{name} is {_kind(value)}, not {wanted}")
        return value


def whole(value: Any, name: str, least: int, most: int) -> int:
    """Return ``value``, an int within ``least`` .. ``most``; ValueError for anything else, such as a float or a
    bool."""
    if type(value) is not int:
        raise ValueError(f"{name} holds {_kind(value)}, not a whole number")
    if not least <= value <= most:
        raise ValueError(f"{name} is {value}, outside {least} .. {most}")
    return value


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {
        bool: "true or false",
        str: "a text",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), type(value).__name__)
