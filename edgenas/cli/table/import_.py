"""The command ``edgenas table import``."""

from __future__ import annotations

from pathlib import Path

import click

from edgenas.blocks.size import ImageSize
from edgenas.cli.completions import FORMATS, spaces, words
from edgenas.cli.networks import channels_option, classes_option, in_size_option
from edgenas.cli.paths import UserPath
from edgenas.cli.table.options import next_search
from edgenas.cli.terminal import json_option, print_json, print_summary


@click.command("import")
@click.argument("file", type=UserPath(dir_okay=False, path_type=Path))
@click.option(
    "--format",
    "name",
    shell_complete=words(*FORMATS),
    help="Format of the file: proxylessnas, ofa, single-path, tunas, fbnet or plain  [default: what it looks like]",
)
@click.option(
    "--space",
    shell_complete=spaces,
    help="Space whose layers the file counts, for a format without shapes; one of edgenas or my_space.py:name "
    "[default: the format's own, as an assumption]",
)
@in_size_option
@classes_option
@channels_option
@click.option("--device-column", default="", help="Device to import, where the file holds several, such as raspi4.")
@click.option("--device", default="", help="Device of the measurements, where neither file nor format names it.")
@click.option("-o", "--out", required=True, type=UserPath(dir_okay=False, path_type=Path), help="Table to write.")
@json_option
def command(
    file: Path,
    name: str | None,
    space: str | None,
    in_size: ImageSize | None,
    classes: int | None,
    channels: int | None,
    device_column: str,
    device: str,
    out: Path,
    as_json: bool,
) -> None:
    """Import a latency table that was published, or measured by other means, for use in a search.

    The imported table keeps the values of the file, one mean for each block, and has no intervals: search it with
    --statistic mean --unvalidated, since it has no validation on your device. Formats: plain (CSV or JSON of blocks and
    ms; edgenas table template writes one to fill in),
    proxylessnas and ofa (YAML), single-path (runtime model, JSON), tunas (linear model, JSON), fbnet (CSV, or
    HW-NAS-Bench's operations as JSON). A file of single-path, tunas or fbnet (CSV) holds no shapes: they are those of
    --space, and the table records whose they are.

    \b
    Example:
      edgenas table import mine.csv --format plain --device my-phone -o mine.jsonl
      edgenas table import pixel_trim.yaml --format proxylessnas -o pixel1.jsonl
      edgenas table import fbnet.csv --format fbnet --device-column raspi4 \\
        -o pi4-fbnet.jsonl
      edgenas table import mine.csv --format fbnet \\
        --space my_space.py:fbnet_stride1 -o mine.jsonl
    """
    from edgenas.api.import_table import import_table
    from edgenas.latency_tables.imported import SHAPES

    found = import_table(
        file,
        out,
        format=name,
        space=space,
        in_size=in_size,
        classes=classes,
        channels=channels,
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
            "format": source.format,
            "blocks": len(found.result.table.blocks),
            "device": source.device,
            "shapes": SHAPES[source.shapes],
            "left out": "; ".join(source.left_out) or None,
            **notes,
            "quality": str(quality),
            "next": next_search(source.space or "SPACE", out, imported=True),
        },
        repr(found)[1:-1],
    )
