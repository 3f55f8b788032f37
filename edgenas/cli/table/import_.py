"""``edgenas table import``"""

from __future__ import annotations

from pathlib import Path

import click

from edgenas.cli.completions import FORMATS, spaces, words
from edgenas.cli.networks import classes_option, in_size_option
from edgenas.cli.table.options import next_search
from edgenas.cli.terminal import json_option, print_json, print_summary


@click.command("import")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--format",
    "name",
    required=True,
    shell_complete=words(*FORMATS),
    help="proxylessnas, ofa, single-path, tunas or fbnet.",
)
@click.option(
    "--space",
    shell_complete=spaces,
    help="For a format that counts positions, the space they are of [default: the format's own].",
)
@in_size_option
@classes_option
@click.option("--device-column", default="", help="Which device, where the file holds several: raspi4.")
@click.option("--device", default="", help="What it was measured on, where neither file nor format says.")
@click.option("-o", "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The table to write.")
@json_option
def command(
    file: Path,
    name: str,
    space: str | None,
    in_size: int | None,
    classes: int | None,
    device_column: str,
    device: str,
    out: Path,
    as_json: bool,
) -> None:
    """A latency table that somebody else published, as one that can be searched.

    It keeps what was published, a mean a block, and makes up no intervals: search it with --statistic mean
    --unvalidated, since nothing proves that its sums hold on a device of yours. Formats:
    proxylessnas and ofa (YAML), single-path (runtime model, JSON), tunas (linear model, JSON), fbnet (CSV, or
    HW-NAS-Bench's operations as JSON).

    \b
    Example:
      edgenas table import pixel_trim.yaml --format proxylessnas -o pixel1.jsonl
      edgenas table import fbnet.csv --format fbnet --device-column raspi4 -o pi4-fbnet.jsonl
    """
    from edgenas.api.import_table import import_table

    found = import_table(
        file,
        out,
        format=name,
        space=space,
        in_size=in_size,
        classes=classes,
        device_column=device_column,
        device=device,
    )
    if as_json:
        print_json(found.to_json())
        return
    source, quality = found.result.table.source, found.table.quality
    notes = {f"note {i}": note for i, note in enumerate(source.notes, start=1)}
    print_summary(
        {
            "written": str(out),
            "blocks": len(found.result.table.blocks),
            "device": source.device,
            "left out": "; ".join(source.left_out) or None,
            **notes,
            "quality": str(quality),
            "next": next_search(source.space or "SPACE", out, imported=True),
        }
    )
