"""Options of input size, number of classes and number of channels, of a space or a network."""

from __future__ import annotations

import click

from edgenas.cli.size_type import SIZE

in_size_option = click.option(
    "--in-size",
    type=SIZE,
    metavar="PIXELS_OR_WIDTHxHEIGHT",
    help="Size of the input in pixels: 160, or width x height such as 320x240; of a space also several to choose from, "
    "such as 128,160,192 [default: the space's own].",
)
classes_option = click.option(
    "--classes", type=click.IntRange(1, 100_000), help="Number of classes [default: the space's own]."
)
channels_option = click.option(
    "--channels",
    type=click.IntRange(1, 9999),
    help="Number of channels of the input: 1 for grey images, 3 for RGB, any number for arrays "
    "[default: the space's own].",
)
