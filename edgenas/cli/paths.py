"""The type of every option and argument that is a path."""

from __future__ import annotations

from typing import Any

import click

from edgenas.base.errors import InputError
from edgenas.base.files import output_path


class UserPath(click.Path):
    """A path that the user types; an empty text is refused, which would mean the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            output_path(value)
        except InputError as error:
            self.fail(str(error), param, ctx)
        return super().convert(value, param, ctx)
