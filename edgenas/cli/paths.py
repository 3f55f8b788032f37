"""The type of every option and argument that is a path."""

from __future__ import annotations

import os
from typing import Any

import click


class UserPath(click.Path):
    """A path that the user types; an empty text is refused, which would mean the folder of the moment."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not os.fspath(value):
            self.fail("an empty text is no path; name a file or a folder", param, ctx)
        return super().convert(value, param, ctx)
