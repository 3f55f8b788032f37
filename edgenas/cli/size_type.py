"""The type of an option that is the size of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from edgenas.base.errors import InputError
from edgenas.blocks.size import ImageSize, Rectangle, as_size, axes, parse_size

if TYPE_CHECKING:
    _Type = click.ParamType[ImageSize]
else:
    _Type = click.ParamType  # not generic before click 8.4

MOST = 4096  #: most pixels of one side


class Size(_Type):
    """A number of pixels, or WIDTHxHEIGHT; InputError for any other text, and for a side outside 1..MOST."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> ImageSize:
        option = "size" if param is None else param.opts[0]
        if isinstance(value, int | Rectangle):
            return as_size(value)
        try:
            size = parse_size(value)
        except InputError as error:
            raise InputError(f"{option}: {error}") from error
        if max(axes(size)) > MOST:
            raise InputError(f"{option}: size {size} has a side above {MOST} pixels; give a smaller one")
        return size


SIZE = Size()
