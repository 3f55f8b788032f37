"""Options that several verbs of ``edgenas table`` share, and next commands."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgenas.api.named import size_options
from edgenas.blocks.size import ImageSize
from edgenas.cli.completions import tables
from edgenas.cli.paths import UserPath
from edgenas.cli.terminal import talk

if TYPE_CHECKING:
    import pandas as pd

table_argument = click.argument("table", type=UserPath(dir_okay=False, path_type=Path), shell_complete=tables)
csv_option = click.option("--csv", type=UserPath(dir_okay=False, path_type=Path), help="CSV file to write as well.")
parquet_option = click.option(
    "--parquet", type=UserPath(dir_okay=False, path_type=Path), help="Parquet file to write as well (extra: parquet)."
)


def write_frame(frame: pd.DataFrame, csv: Path | None, parquet: Path | None) -> None:
    """Write ``frame`` to the files that are not None, and print their names on stderr."""
    from edgenas.latency_tables.store.frames import write_csv, write_parquet

    for path, write in ((csv, write_csv), (parquet, write_parquet)):
        if path is not None:
            write(frame, path)
            talk(f"written: {path}")


def next_validation(table: Path) -> str:
    """Return the next command after a table was measured."""
    return f"edgenas table validate {shlex.quote(str(table))}"


def space_at(name: str, in_size: ImageSize, channels: int) -> str:
    """Return the name of a space with the options of its size, and of its channels where they are not its own."""
    from edgenas.search.spaces import SPACES

    other = name in SPACES and SPACES[name]().c_in != channels
    return name + size_options(in_size, None, channels if other else None)


def next_search(space: str, table: Path, *, imported: bool) -> str:
    """Return the search command for a table; an ``imported`` one is never validated, so it is marked --unvalidated."""
    from edgenas.latency_tables.imported import STATISTIC

    extra = f" --statistic {STATISTIC} --unvalidated" if imported else ""
    return f"edgenas search {space} --table {shlex.quote(str(table))}{extra} --budget-ms MS --accuracy JUDGE"
