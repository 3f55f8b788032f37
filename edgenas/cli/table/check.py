"""The command ``edgenas table check``."""

from __future__ import annotations

from pathlib import Path

import click

from edgenas.api.named import size_options
from edgenas.base.counted import counted
from edgenas.blocks.size import ImageSize
from edgenas.cli.completions import spaces
from edgenas.cli.networks import channels_option, classes_option, in_size_option
from edgenas.cli.table.options import next_search, next_validation, table_argument
from edgenas.cli.terminal import json_option, print_json, print_pairs, print_summary


@click.command("check")
@table_argument
@click.option("--space", "name", required=True, shell_complete=spaces, help="Space whose blocks the table should hold.")
@in_size_option
@classes_option
@channels_option
@json_option
def command(
    table: Path, name: str, in_size: ImageSize | None, classes: int | None, channels: int | None, as_json: bool
) -> None:
    """Find the blocks of a space that a table lacks, and check whether overhead dominates it; exit code 1 for either.

    \b
    Example:
      edgenas table check local-litert.jsonl --space nas_bench_macro
    """
    from edgenas.api.tables import check

    found = check(table, name, in_size=in_size, classes=classes, channels=channels)
    if as_json:
        print_json(found.to_json())
    else:
        counts = {"blocks": len(found.space.blocks()), "missing": len(found.missing)}
        for block in found.missing:
            click.echo(f"  {block}")
        print_pairs({"table": str(table), "space": name, **counts, "quality": str(found.table.quality)})
    found.check()
    if not as_json:
        imported = found.table.kind == "imported"
        chosen = name + size_options(in_size, classes, channels)
        then = next_search(chosen, table, imported=True) if imported else next_validation(table)
        print_summary({"next": then}, f"{table} has all {counted(len(found.space.blocks()), 'block')} of {name}")
