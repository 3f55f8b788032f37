"""``edgenas.import_table``: import a latency table from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.api.shown import FilePath
from edgenas.api.spaces import space as space_of
from edgenas.api.table import Table, open_table
from edgenas.base.counted import counted
from edgenas.base.errors import InputError
from edgenas.base.files import output_path
from edgenas.blocks.size import SizeLike
from edgenas.search.space import Space

if TYPE_CHECKING:
    from edgenas.tables.published import ImportResult


@dataclass(frozen=True, repr=False)
class TableImport:
    """An imported table, written to ``path``."""

    path: Path
    result: ImportResult

    @property
    def table(self) -> Table:
        """The table, opened."""
        return open_table(self.path)

    def to_json(self) -> dict[str, Any]:
        """Return what ``edgenas table import --json`` prints."""
        from edgenas.latency_tables.imported import STATISTIC
        from edgenas.latency_tables.quality import growth

        found, difference = self.result.table, self.result.apart
        return {
            "written": str(self.path),
            "blocks": len(found.blocks),
            "source": found.source.as_dict(),
            "most_apart": None if difference is None else difference.share,
            "quality": growth(found, STATISTIC).as_dict(),
        }

    def __repr__(self) -> str:
        source = self.result.table.source
        return (
            f"<{self.path}: {counted(len(self.result.table.blocks), 'block')} of {source.device}, from {source.file}>"
        )


def import_table(
    file: FilePath,
    out: FilePath,
    *,
    format: str | None = None,
    space: str | Space | Callable[..., Space] | None = None,
    in_size: SizeLike | None = None,
    classes: int | None = None,
    channels: int | None = None,
    device_column: str = "",
    device: str = "",
) -> TableImport:
    """Read a latency table that was published, or measured by other means, and write it to ``out``, as ``edgenas table
    import`` does.

    format          'plain' (CSV or JSON of blocks and ms), 'proxylessnas', 'ofa', 'single-path', 'tunas' or 'fbnet'
                    (default: the one that the file looks like)
    space           space of the positions, for a format that counts positions: one of edgenas or of your own, with the
                    shapes and strides that were measured (default: the format's own, which the table records as an
                    assumption)
    device_column   column of the device, where the file has several
    device          name of the measured device, where neither the file nor the format names it

    InputError names the file and its error.

        edgenas.import_table("table.yaml", "published.jsonl", format="proxylessnas").table
    """
    from edgenas.latency_tables.imported import write_imported
    from edgenas.latency_tables.importers import table_format
    from edgenas.tables.published import import_table as read_published

    own, path = table_format(format).space if format else "", output_path(out)
    sized = in_size or classes or channels
    if sized and not (space or own):
        which = f"format {format} defines its blocks itself" if format else "these are sizes of no --space or --format"
        raise InputError(f"{which}; leave out --in-size, --classes and --channels")
    chosen = space_of(space or own, in_size, classes, channels) if space or (own and sized) else None
    found = read_published(Path(file), format or "", chosen, device_column, device)
    write_imported(path, found.table)
    return TableImport(path, found)
