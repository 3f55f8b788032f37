"""``edgenas table``: what one does with latency tables, one file a verb, loaded when the verb is used."""

from __future__ import annotations

import click

from edgenas.cli.verbs import Verbs

#: verb -> (module that holds it, one line for --help)
VERBS: dict[str, tuple[str, str]] = {
    "show": ("edgenas.cli.table.show", "Every block with its latency; also as CSV or Parquet."),
    "check": ("edgenas.cli.table.check", "Which blocks of a space a table lacks, and whether overhead dominates it."),
    "validate": ("edgenas.cli.table.validate", "Prove on the device that sums of blocks predict whole networks."),
    "diff": ("edgenas.cli.table.diff", "Whether two campaigns agree, and which blocks do not."),
    "import": ("edgenas.cli.table.import_", "A table somebody else published."),
}


class TableVerbs(Verbs):
    verbs = VERBS


@click.command("table", cls=TableVerbs)
def command() -> None:
    """Latency tables: show one, check what it lacks, prove that it can be trusted, compare two, import published ones.

    \b
    Example:
      edgenas table show local-litert.jsonl
      edgenas table check local-litert.jsonl --space mobilenet_v3_small
      edgenas table validate local-litert.jsonl
      edgenas table diff monday.jsonl tuesday.jsonl
      edgenas table import pixel_trim.yaml --format proxylessnas -o pixel1.jsonl
    """
