"""Tables as data frames, and their export to files for other programs: CSV and Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.base.errors import MissingExtraError
from edgenas.base.files import write_whole

if TYPE_CHECKING:
    import pandas as pd


def blocks_frame(rows: Sequence[dict[str, Any]], columns: list[str] | None = None) -> pd.DataFrame:
    """Return a data frame of blocks. Its column ``in_size`` holds texts where a block is not square, so that the column
    has one type."""
    import pandas as pd

    found = pd.DataFrame(rows, columns=columns)
    if any(isinstance(row["in_size"], str) for row in rows):
        found["in_size"] = found["in_size"].astype(str)
    return found


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write CSV. Read it with ``pandas.read_csv(path, keep_default_na=False, na_values='')``, since 'none' is a
    text."""
    write_whole(path, frame.to_csv(index=False))


def write_parquet(frame: pd.DataFrame, path: Path) -> None:
    """Write Parquet, types included; MissingExtraError without pyarrow."""
    if find_spec("pyarrow") is None:  # pandas' own message names no extra
        raise MissingExtraError("pyarrow", "parquet", "writing Parquet")
    write_whole(path, frame.to_parquet(None, engine="pyarrow", index=False))
