"""``edgenas table check``"""

from __future__ import annotations

from pathlib import Path

import click

from edgenas.base.errors import OutcomeError
from edgenas.cli.completions import spaces
from edgenas.cli.networks import classes_option, in_size_option, load_space, sizes
from edgenas.cli.table.options import next_search, next_validation, table_argument
from edgenas.cli.terminal import json_option, print_json, print_summary


@click.command("check")
@table_argument
@click.option(
    "--space", "name", required=True, shell_complete=spaces, help="The space whose blocks the table should hold."
)
@in_size_option
@classes_option
@json_option
def command(table: Path, name: str, in_size: int | None, classes: int | None, as_json: bool) -> None:
    """Which blocks of a space a table lacks, and whether overhead dominates it; exit code 1 for either.

    \b
    Example:
      edgenas table check local-litert.jsonl --space nas_bench_macro
    """
    from edgenas.latency_tables.imported import STATISTIC, ImportedTable
    from edgenas.latency_tables.quality import check_growth, growth
    from edgenas.latency_tables.statistics.estimates import DEFAULT
    from edgenas.latency_tables.store.open import open_table

    opened = open_table(table)
    imported = isinstance(opened, ImportedTable)
    statistic = STATISTIC if imported else DEFAULT
    blocks = load_space(name, in_size, classes).blocks()
    missing = opened.missing(blocks)
    found = growth(opened, statistic)
    if as_json:
        told = {"space": name, "imported": imported, "blocks": len(blocks), "missing": [str(b) for b in missing]}
        print_json({**told, "quality": found.as_dict()})
    else:
        counts = {"blocks": len(blocks), "missing": len(missing)}
        for block in missing:
            click.echo(f"  {block}")
        print_summary({"table": str(table), "space": name, **counts, "quality": str(found)})
    if missing:
        lacking = f"{len(missing)} of {len(blocks)} blocks of {name} are not"
        if isinstance(opened, ImportedTable):
            raise OutcomeError(f"{lacking} in what {table} was imported from")
        raise OutcomeError(
            f"{lacking} measured; type: edgenas profile {name}{sizes(in_size, classes)} "
            f"--runtime {opened.setting.runtime} -o {table}"
        )
    check_growth(opened, statistic, str(table))
    if not as_json:
        chosen = name + sizes(in_size, classes)
        print_summary({"next": next_search(chosen, table, imported=True) if imported else next_validation(table)})
