"""Options of input size and number of classes, of a space or a network."""

from __future__ import annotations

import click

in_size_option = click.option(
    "--in-size", type=click.IntRange(1, 4096), help="Input height and width in pixels [default: the space's own]."
)
classes_option = click.option(
    "--classes", type=click.IntRange(1, 100_000), help="Number of classes [default: the space's own]."
)


def sizes(in_size: int | None, classes: int | None) -> str:
    """Return the options as they were typed, for the next command."""
    given = {"in-size": in_size, "classes": classes}
    return "".join(f" --{option} {value}" for option, value in given.items() if value is not None)
