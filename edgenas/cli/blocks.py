"""``edgenas blocks``"""

from __future__ import annotations

import shlex

import click

from edgenas.cli.completions import spaces_and_networks
from edgenas.cli.networks import NETWORK_HELP, classes_option, in_size_option, load_network, load_space, sizes
from edgenas.cli.terminal import json_option, print_json, print_summary, print_table


@click.command("blocks", epilog=NETWORK_HELP)
@click.argument("space_or_network", shell_complete=spaces_and_networks)
@in_size_option
@classes_option
@json_option
def command(space_or_network: str, in_size: int | None, classes: int | None, as_json: bool) -> None:
    """List every distinct block of a space, or the blocks of one network in order, with their sizes and costs.

    \b
    Example:
      edgenas blocks mobilenet_v3_small --in-size 160
      edgenas blocks nas_bench_macro/2.2.2.1.2.2.1.0
    """
    from edgenas.blocks.counts import bytes_moved
    from edgenas.search.spaces import is_space

    if is_space(space_or_network):
        chosen = load_space(space_or_network, in_size, classes).blocks()
    else:
        chosen = load_network(space_or_network, in_size, classes).blocks
    rows = [(str(b), f"{b.out_size}x{b.c_out}", b.macs, b.params, bytes_moved(b)) for b in chosen]
    if as_json:
        keys = ("block", "output", "macs", "params", "bytes_moved")
        print_json([dict(zip(keys, row, strict=True)) for row in rows])
    else:
        print_table(("block", "output", "MACs", "parameters", "bytes moved"), rows, f"{len(rows)} blocks")
        then = f"edgenas profile {shlex.quote(space_or_network)}{sizes(in_size, classes)}"
        print_summary({"blocks": len(rows), "next": then})
