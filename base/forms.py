"""Fields of records that are read by a function of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Parsed:
    """Mark a field's type, by ``Annotated[TYPE, Parsed(parse)]``, as one that ``parse`` makes of a JSON value. It
    raises ValueError for any other value."""

    parse: Callable[[Any], Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Schema for pydantic, which reads the records around the field."""
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(self.parse)
