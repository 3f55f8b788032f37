"""Imported tables: latencies from elsewhere, one number per block.

There are no samples behind the numbers: the only statistic is the mean. Published numbers have no interval. A table
that was fitted to whole networks has intervals and these networks (``edgenas.latency_tables.whole``). The file is
written once, whole, as JSON lines:

    line 1    {"format": "edgenas imported table", "version": 3, "edgenas": "0.3.1", "created": ..., "source": {...},
               "blocks": n, "networks": n, "crc32": n}
    others    {"block": ..., "mean_ms": ms, "sd_ms": ms or null, "count": n or null, "low_ms": ms or null,
               "high_ms": ms or null, "crc32": n}
              {"network": [block, ...], "ms": ms, "sd_ms": ms or null, "count": n or null, "left_out_ms": ms,
               "crc32": n}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.base.counted import counted
from edgenas.base.errors import InputError
from edgenas.base.files import make_folder, write_whole
from edgenas.base.jsonl import read_lines
from edgenas.base.sealing import sealed, unsealed
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.imported_lines import block_record, imported_records, network_record
from edgenas.latency_tables.published import PublishedValue as PublishedValue
from edgenas.latency_tables.store.fields import Fields
from edgenas.latency_tables.store.frames import blocks_frame
from edgenas.latency_tables.whole import WholeNetwork

if TYPE_CHECKING:
    import pandas as pd

#: History: 1 (edgenas 0.1.0) first version. 2 (edgenas 0.3.1) ``shapes`` of the source. 3 (edgenas 0.3.1)
#: intervals of blocks, and networks that a table was fitted to.
FORMAT_VERSION = 3
FORMAT = "edgenas imported table"
STATISTIC = "mean"
#: who says which block a number belongs to -> in words
SHAPES = {
    "file": "the file names each block with its shape",
    "user": "the file holds positions of layers alone, and the user named their space",
    "assumed": "the file holds positions of layers alone, and the space of the format is assumed",
}


@dataclass(frozen=True, slots=True)
class TableSource:
    """Origin of the numbers of an imported table.

    format     name of the published file's format among the importers
    file       name of the file; ``sha256`` is the digest of its bytes
    device     device that they were measured on, as far as it is documented
    space      space that gave a positional format its blocks; '' where the file names its blocks
    shapes     who says which block a number belongs to: see ``SHAPES``
    left_out   contents of the file that the table leaves out
    notes      warnings for users of the numbers
    """

    format: str
    file: str
    sha256: str
    device: str
    space: str = ""
    shapes: str = "file"
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {**asdict(self), "left_out": list(self.left_out), "notes": list(self.notes)}

    @property
    def assumed(self) -> str:
        """Assumption about the shapes of the blocks, for messages; '' where they are known."""
        if self.shapes != "assumed":
            return ""
        return f"the file holds no shapes, and those of space {self.space} are assumed"

    @classmethod
    def from_dict(cls, data: Any, version: int = FORMAT_VERSION) -> TableSource:
        """Return the source of the dictionary that ``as_dict`` made in ``version``; ValueError names the field that is
        missing, unknown or of the wrong type."""
        if version == 1 and isinstance(data, dict):  # it did not say whether the user had named the space
            data = {**data, "shapes": "assumed" if data.get("space") else "file"}
        take = Fields(data, "source")
        texts = {name: take.text(name) for name in ("format", "file", "sha256", "device", "space", "shapes")}
        if texts["shapes"] not in SHAPES:
            raise ValueError(f"shapes {texts['shapes'][:40]!r} is not one of {', '.join(SHAPES)}")
        left_out, notes = (
            tuple(Fields({name: text}).text(name) for text in take.list(name, 100)) for name in ("left_out", "notes")
        )
        take.done()
        return cls(**texts, left_out=left_out, notes=notes)


@dataclass(frozen=True, repr=False)
class ImportedTable:
    """A latency table of means, with those methods of a measured table that means allow. ``networks`` are those that
    the table was fitted to; there are none where blocks were timed."""

    source: TableSource
    values: Mapping[BlockSpec, PublishedValue]
    edgenas: str = ""
    created: str = ""
    networks: tuple[WholeNetwork, ...] = ()

    def __repr__(self) -> str:
        from_device = f", measured on {self.source.device}" if self.source.device else ""
        return f"<ImportedTable of {counted(len(self.values), 'block')}: {self.source.file}{from_device}>"

    @property
    def blocks(self) -> tuple[BlockSpec, ...]:
        """Blocks of the table, in the file's order."""
        return tuple(self.values)

    def ms(self, block: BlockSpec, statistic: str = STATISTIC) -> float:
        """Return the mean time of a block, ms per run; 0 for a skip. InputError for a block that the table lacks and
        for any other statistic."""
        if statistic != STATISTIC:
            raise InputError(
                f"an imported table ({self.source.file}) holds published means and no samples, so it has no "
                f"{statistic!r}; name the statistic {STATISTIC!r} (--statistic {STATISTIC})"
            )
        if block.kind == "skip":
            return 0.0
        if block not in self.values:
            raise InputError(
                f"block {block} is not in the table imported from {self.source.file} ({len(self.values)} blocks)"
            )
        return self.values[block].mean_ms

    def interval(self, block: BlockSpec) -> tuple[float, float]:
        """Return the interval of confidence 90 % of a block's time, ms; InputError where the table has none."""
        ms = self.ms(block)
        found = (0.0, 0.0) if block.kind == "skip" else self.values[block].interval_ms
        if found is None:
            raise InputError(f"{self.source.file} was imported without intervals, such as of {block} ({ms:g} ms)")
        return found

    def total_ms(self, architecture: Architecture, statistic: str = STATISTIC) -> float:
        """Return the sum of times over the blocks of a network, ms."""
        return sum(self.ms(block, statistic) for block in architecture.blocks)

    def missing(self, blocks: Iterable[BlockSpec]) -> tuple[BlockSpec, ...]:
        """Return those of ``blocks`` that the table lacks, each once, in order; skips are never missing."""
        return tuple(dict.fromkeys(b for b in blocks if b.kind != "skip" and b not in self.values))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per block: its text and fields, macs and params, mean; sd, count and interval where the
        file has them."""
        rows = [
            {
                "block": str(b),
                **b.as_dict(),
                "macs": b.macs,
                "params": b.params,
                "mean_ms": v.mean_ms,
                "sd_ms": v.sd_ms,
                "count": v.count,
                **({"low_ms": v.interval_ms[0], "high_ms": v.interval_ms[1]} if v.interval_ms else {}),
            }
            for b, v in self.values.items()
        ]
        return blocks_frame(rows).astype({"sd_ms": "float64", "count": "Int64"})


def write_imported(path: str | Path, table: ImportedTable) -> None:
    """Write a table to a new file; InputError when the file exists already."""
    path = Path(path)
    head: dict[str, Any] = {"format": FORMAT, "version": FORMAT_VERSION, "edgenas": table.edgenas}
    head |= {"created": table.created or datetime.now(UTC).isoformat(timespec="seconds")}
    head |= {"source": table.source.as_dict(), "blocks": len(table.values), "networks": len(table.networks)}
    records = [sealed(head), *map(sealed, imported_records(table.values, table.networks))]
    lines = [json.dumps(record, allow_nan=False, separators=(",", ":")) + "\n" for record in records]
    make_folder(path.parent)
    if path.exists():
        raise InputError(f"{path} exists and is not overwritten; name another file with -o, or remove it")
    write_whole(path, "".join(lines), new=True)


def read_imported(path: str | Path) -> ImportedTable:
    """Read a file of ``write_imported``; InputError names the line and what to do."""
    path = Path(path)
    lines = read_lines(path)
    remedy = "import the file again: edgenas table import (or edgenas table fit)"
    if not lines.records:
        raise InputError(f"{path}: no table in it; {remedy}")
    number = 1
    values: dict[BlockSpec, PublishedValue] = {}
    networks: list[WholeNetwork] = []
    try:
        source, counts, edgenas, created, version = _header(lines.records[0][1])
        for line, record in lines.records[1:]:
            number = line
            if version >= 3 and "network" in record:
                networks.append(network_record(record))
                continue
            block, value = block_record(record, version)
            if block in values:
                raise ValueError(f"{block} is given twice")
            values[block] = value
    except ValueError as error:
        raise InputError(f"{path}, line {number}: {error}; {remedy}") from error
    if lines.dropped_bytes or (len(values), len(networks)) != counts:
        held = f"{len(values)} of {counts[0]} blocks"
        held += f" and {len(networks)} of {counts[1]} networks" if counts[1] else ""
        raise InputError(f"{path} was cut: it holds {held}; {remedy}")
    return ImportedTable(source, values, edgenas, created, tuple(networks))


def _header(record: dict[str, Any]) -> tuple[TableSource, tuple[int, int], str, str, int]:
    """Return (source, numbers of blocks and networks, edgenas, created, version)."""
    if record.get("format") != FORMAT:
        raise ValueError(f'not an imported table, which begins with {{"format": "{FORMAT}"')
    version = record.get("version")
    if type(version) is not int or not 1 <= version <= FORMAT_VERSION:
        raise ValueError(f"format version {version!r:.40}, but this edgenas reads versions 1 .. {FORMAT_VERSION}")
    take = Fields(unsealed(record), "the header")
    for name in ("format", "version"):
        take.any(name)
    found = (
        TableSource.from_dict(take.any("source"), version),
        (take.whole("blocks", 1, 10**7), take.whole("networks", 0, 10**7) if version >= 3 else 0),
        take.text("edgenas"),
        take.text("created"),
        version,
    )
    take.done()
    return found
