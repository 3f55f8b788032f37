"""Options that several verbs of ``edgenas table`` take, and what they do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgenas.cli.completing import tables
from edgenas.cli.terminal import talk

if TYPE_CHECKING:
    import pandas as pd

table_argument = click.argument("table", type=click.Path(dir_okay=False, path_type=Path), shell_complete=tables)
csv_option = click.option("--csv", type=click.Path(dir_okay=False, path_type=Path), help="Also write it as CSV.")
parquet_option = click.option(
    "--parquet", type=click.Path(dir_okay=False, path_type=Path), help="Also write it as Parquet (extra: parquet)."
)


def write_frame(frame: pd.DataFrame, csv: Path | None, parquet: Path | None) -> None:
    """Write what was asked for."""
    from latency_tables.frames import write_csv, write_parquet

    for path, write in ((csv, write_csv), (parquet, write_parquet)):
        if path is not None:
            write(frame, path)
            talk(f"written: {path}")
