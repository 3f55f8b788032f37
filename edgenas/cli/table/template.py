"""The command ``edgenas table template``."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from edgenas.base.counted import counted
from edgenas.blocks.size import ImageSize
from edgenas.cli.completions import spaces
from edgenas.cli.networks import channels_option, classes_option, in_size_option
from edgenas.cli.paths import UserPath
from edgenas.cli.terminal import json_option, print_json, print_summary


@click.command("template")
@click.argument("space", shell_complete=spaces)
@in_size_option
@classes_option
@channels_option
@click.option(
    "-o", "--out", type=UserPath(dir_okay=False, path_type=Path), help="CSV file to write  [default: print it]"
)
@json_option
def command(
    space: str, in_size: ImageSize | None, classes: int | None, channels: int | None, out: Path | None, as_json: bool
) -> None:
    """List the blocks that a table of SPACE needs, as a CSV file in which you fill in times measured by other means.

    Each row has the text of a block and its fields; fill in ms (the mean), and n (number of runs) and sd (their
    standard deviation, ms) where you know them. Rows without ms are left out when the file is imported.

    \b
    Example:
      edgenas table template mobilenet_v3_small -o mine.csv
      edgenas table import mine.csv --format plain --device my-phone -o mine.jsonl
    """
    from edgenas.api.table_template import table_template

    found = table_template(space, in_size=in_size, classes=classes, channels=channels)
    if out is not None:
        found.save(out)
    if as_json:
        print_json(found.to_json())
    elif out is None:
        click.echo(found.to_csv(), nl=False)
    else:
        blocks = len(found.blocks)
        then = f"edgenas table import {shlex.quote(str(out))} --format plain --device DEVICE -o TABLE.jsonl"
        print_summary(
            {"written": str(out), "blocks": blocks, "fill in": "ms; n and sd if known", "next": then},
            f"{out} has {counted(blocks, 'block')} to fill in",
        )
