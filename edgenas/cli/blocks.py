"""The command ``edgenas blocks``."""

from __future__ import annotations

import shlex

import click

from edgenas.api.named import NETWORK_HELP, size_options
from edgenas.base.counted import counted
from edgenas.blocks.size import ImageSize
from edgenas.cli.completions import spaces_and_networks
from edgenas.cli.networks import channels_option, classes_option, in_size_option
from edgenas.cli.terminal import json_option, print_json, print_summary, print_table


@click.command("blocks", epilog=NETWORK_HELP)
@click.argument("space_or_network", shell_complete=spaces_and_networks)
@in_size_option
@classes_option
@channels_option
@json_option
def command(
    space_or_network: str, in_size: ImageSize | None, classes: int | None, channels: int | None, as_json: bool
) -> None:
    """List every distinct block of a space, or the blocks of one network in order, with their sizes and costs.

    \b
    Example:
      edgenas blocks mobilenet_v3_small --in-size 160
      edgenas blocks nas_bench_macro/2.2.2.1.2.2.1.0
    """
    from edgenas.api.blocks import blocks

    listed = blocks(space_or_network, in_size=in_size, classes=classes, channels=channels)
    rows = listed.to_json()
    if as_json:
        print_json(rows)
    else:
        cells = [tuple(row.values()) for row in rows]
        print_table(("block", "output", "MACs", "parameters", "bytes moved"), cells, counted(len(rows), "block"))
        then = f"edgenas profile {shlex.quote(space_or_network)}{size_options(in_size, classes, channels)}"
        print_summary({"next": then}, counted(len(rows), "distinct block"))
