"""``edgenas.table_template``: the blocks of a space, with times to fill in from measurements made by other means."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.api.shown import FilePath, frame, html_table
from edgenas.api.spaces import space as space_of
from edgenas.base.errors import InputError
from edgenas.base.files import make_folder, output_path, write_whole
from edgenas.blocks.size import SizesLike
from edgenas.blocks.spec import BlockSpec
from edgenas.search.space import Space

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class TableTemplate:
    """The blocks that a table of a space needs, in the plain form of ``edgenas.import_table``."""

    space: str
    blocks: tuple[BlockSpec, ...]

    def to_json(self) -> list[dict[str, Any]]:
        """Return what ``edgenas table template --json`` prints: a row for each block, its times None."""
        from edgenas.latency_tables.importers.plain import template

        return template(self.blocks)

    def to_csv(self) -> str:
        """Return the text of the CSV file, its times empty."""
        from edgenas.latency_tables.importers.plain import TEMPLATE

        text = io.StringIO()
        writer = csv.DictWriter(text, TEMPLATE, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.to_json())
        return text.getvalue()

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame with a row for each block."""
        return frame(self.to_json())

    def save(self, path: FilePath) -> Path:
        """Write the CSV file; InputError where it exists already."""
        path = output_path(path)
        make_folder(path.parent)
        if path.exists():
            raise InputError(f"{path} exists and is not overwritten; name another file with -o, or remove it")
        write_whole(path, self.to_csv(), new=True)
        return path

    def __repr__(self) -> str:
        return f"<Template of the {len(self.blocks)} blocks of {self.space}>"

    def _repr_html_(self) -> str:
        return html_table(repr(self)[1:-1], self.to_json())


def table_template(
    space: str | Space | Callable[..., Space],
    *,
    in_size: SizesLike | None = None,
    classes: int | None = None,
    channels: int | None = None,
) -> TableTemplate:
    """List the blocks that a table of a space needs, to fill in times that were measured by other means, as ``edgenas
    table template`` does. ``edgenas.import_table`` reads the file again.

        edgenas.table_template("mobilenet_v3_small").save("mine.csv")
    """
    chosen = space_of(space, in_size, classes, channels)
    return TableTemplate(chosen.name, chosen.blocks())
