"""``edgenas table fit``"""

from __future__ import annotations

from pathlib import Path

import click

from edgenas.blocks.size import ImageSize
from edgenas.cli.completions import spaces, tables
from edgenas.cli.networks import channels_option, classes_option, in_size_option
from edgenas.cli.paths import UserPath
from edgenas.cli.terminal import json_option, print_json, print_summary


@click.command("fit")
@click.argument("networks", type=UserPath(dir_okay=False, path_type=Path))
@click.option(
    "--space", required=True, shell_complete=spaces, help="Space of the networks; one of edgenas or your own."
)
@click.option(
    "--from",
    "old",
    type=UserPath(dir_okay=False, path_type=Path),
    shell_complete=tables,
    help="Table of another device, from which the fit starts  [default: what the blocks compute]",
)
@in_size_option
@classes_option
@channels_option
@click.option("--device", default="", help="Name of the measured device.")
@click.option("-o", "--out", required=True, type=UserPath(dir_okay=False, path_type=Path), help="Table to write.")
@json_option
def command(
    networks: Path,
    space: str,
    old: Path | None,
    in_size: ImageSize | None,
    classes: int | None,
    channels: int | None,
    device: str,
    out: Path,
    as_json: bool,
) -> None:
    """Fit a latency table to times of whole networks, for runtimes in which a block alone means little.

    NETWORKS is a CSV or JSON file with a row for each network: its key in a column network (or a column for each layer
    of the space), ms, and n (number of runs) and sd (their standard deviation, ms) where you know them. Each block gets
    a time and an interval. The output has the error of networks left out of the fit (cross-validation), which a search
    uses as it uses a validation.

    \b
    Example:
      edgenas table fit networks.csv --space mobilenet_v3_small -o mine.jsonl
      edgenas table fit networks.csv --space mobilenet_v3_small \\
        --from pi4-litert.jsonl -o mine.jsonl
    """
    from edgenas.api.fit_table import fit_table

    found = fit_table(
        networks, out, space=space, old=old, in_size=in_size, classes=classes, channels=channels, device=device
    )
    if as_json:
        print_json(found.to_json())
    else:
        print_summary(found.summary(), repr(found)[1:-1])
