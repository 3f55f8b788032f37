"""``edgenas table``: verbs for latency tables, one file for each verb, loaded when the verb is used."""

from __future__ import annotations

import click

from edgenas.cli.verbs import Verbs

#: verb -> (module that holds it, one line for --help)
VERBS: dict[str, tuple[str, str]] = {
    "show": ("edgenas.cli.table.show", "Print every block with its latency; also as CSV or Parquet."),
    "check": ("edgenas.cli.table.check", "Find blocks of a space that a table lacks, and overhead that dominates it."),
    "validate": ("edgenas.cli.table.validate", "Check on the device how well sums of blocks predict whole networks."),
    "diff": ("edgenas.cli.table.diff", "Compare two campaigns, and list the blocks that disagree."),
    "import": ("edgenas.cli.table.import_", "Import a latency table that was published, or measured by other means."),
    "fit": ("edgenas.cli.table.fit", "Fit a table to times of whole networks."),
    "template": ("edgenas.cli.table.template", "List the blocks that a space needs, to fill in times of your own."),
}


class TableVerbs(Verbs):
    verbs = VERBS


@click.command("table", cls=TableVerbs)
def command() -> None:
    """Work with latency tables: show one, check it for missing blocks, validate it on the device, compare two, import
    published ones and measurements of your own.

    \b
    Example:
      edgenas table show local-litert.jsonl
      edgenas table check local-litert.jsonl --space mobilenet_v3_small
      edgenas table validate local-litert.jsonl
      edgenas table diff monday.jsonl tuesday.jsonl
      edgenas table import pixel_trim.yaml --format proxylessnas -o pixel1.jsonl
      edgenas table template mobilenet_v3_small -o mine.csv
    """
