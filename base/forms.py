"""Fields of records whose JSON value is converted by a given function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Parsed:
    """Marker of a field, ``Annotated[TYPE, Parsed(parse)]``: ``parse`` converts the JSON value to TYPE and raises
    ValueError for an invalid value."""

    parse: Callable[[Any], Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Return the schema for pydantic, which reads the record that holds the field."""
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(self.parse)
