"""The type of an option that is the size of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from edgenas.base.errors import InputError
from edgenas.blocks.size import ImageSize, Rectangle, as_sizes, axes

if TYPE_CHECKING:
    _Type = click.ParamType[ImageSize | tuple[ImageSize, ...]]
else:
    _Type = click.ParamType  # not generic before click 8.4

MOST = 4096  #: most pixels of one side


class Size(_Type):
    """A number of pixels, WIDTHxHEIGHT, or several of them with commas; InputError for any other text, and for a side
    outside 1..MOST."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        option = "size" if param is None else param.opts[0]
        if isinstance(value, int | Rectangle | tuple):
            return as_sizes(value)
        try:
            found = as_sizes(value)
        except InputError as error:
            raise InputError(f"{option}: {error}") from error
        for size in found if isinstance(found, tuple) else (found,):
            if max(axes(size)) > MOST:
                raise InputError(f"{option}: size {size} has a side above {MOST} pixels; give a smaller one")
        return found


SIZE = Size()
