"""Import of a latency table from elsewhere: a format's reader, and the space whose layers the file counts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.errors import InputError
from edgenas.base.reading import reading
from edgenas.base.version import installed_version
from edgenas.blocks.size import height, width
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.imported import ImportedTable, TableSource
from edgenas.latency_tables.importers import FORMATS, table_format
from edgenas.latency_tables.importers.looks import UNPICKLED, looks_like
from edgenas.latency_tables.importers.reading import Disagreement, Places, merged

if TYPE_CHECKING:
    from edgenas.search.space import Space

MOST_BYTES = 64 * 2**20
MOST_NAMED = 20  #: layers in a note
NOISE = 1e-6  #: of a mean: what rounding makes of numbers that were equal


@dataclass(frozen=True, slots=True)
class ImportResult:
    """A table, and the block whose several published values differ most; None where each block has one value."""

    table: ImportedTable
    apart: Disagreement | None


def import_table(path: Path, name: str, space: Space | None = None, column: str = "", device: str = "") -> ImportResult:
    """Read ``path`` in the format ``name``; '' takes it for the format that it looks like. InputError names the file
    and the fault.

    space    space whose layers a positional format counts (default: the format's own)
    column   device to read, where a file holds several
    device   device of the measurements, where neither file nor format names it
    """
    from edgenas.search.spaces import space as space_by_name

    data = None if name else _read(path)
    name = name or _taken_for(path, data or b"")
    kind = table_format(name)
    if space is not None and not kind.space:
        raise InputError(f"format {name} says its blocks itself; leave out --space")
    if column and not kind.columns:
        raise InputError(f"format {name} holds one device a file; leave out --device-column (column={column!r})")
    named = space is not None
    if kind.space and space is None:
        space = space_by_name(kind.space)
    data = _read(path) if data is None else data
    try:
        found = kind.read(data.decode("utf-8-sig"), {} if space is None else places(space), column)
        values, apart = merged(found.entries)
    except InputError as error:
        raise InputError(f"{path} as {name}: {error}{_instead(name, data, path)}") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} as {name}: not a text in UTF-8 ({error.reason}){_instead(name, data, path)}"
        ) from error
    shapes, notes = "file", found.notes
    if space is not None and found.positional:
        shapes = "user" if named else "assumed"
        notes = (_shapes_note(space, named), *notes)
    if apart is not None and apart.share > NOISE:
        told = f"{100 * apart.share:.2g} % ({apart.block})"
        notes = (*notes, f"a block that stands at several places has the mean of its numbers, at most {told} apart")
    source = TableSource(
        format=name,
        file=path.name if path.name.isprintable() else "unnamed",
        sha256=hashlib.sha256(data).hexdigest(),
        device=device or column or kind.device or "unknown",
        space="" if space is None else space.name,
        shapes=shapes,
        left_out=found.left_out,
        notes=notes,
    )
    return ImportResult(ImportedTable(source, values, installed_version()), apart)


def _taken_for(path: Path, data: bytes) -> str:
    """Return the format that a file looks like; InputError where it looks like none."""
    found, _ = looks_like(data)
    if not found:
        raise InputError(f"{path} is of no format that edgenas imports{_instead('', data, path)}")
    return found


def _instead(name: str, data: bytes, path: Path) -> str:
    """Return the end of the error message for content that is not of the format ``name``: the format that it looks
    like, and what to type.
    """
    found, other = looks_like(data)
    if found and found != name:
        return f"; it looks like the format {found}: type --format {found}"
    formats = ", ".join(f"{known} ({kind.written})" for known, kind in FORMATS.items())
    if other == UNPICKLED:
        return f"; it looks like {other.replace('FILE', str(path)) if _quotable(path) else other}"
    if other:
        return f"; it looks like {other}; the formats are {formats}"
    return "" if name else f"; the formats are {formats}; name one: --format"


def _quotable(path: Path) -> bool:
    """Return whether the path can stand between quotation marks in a program."""
    return str(path).isprintable() and not set('"\\') & set(str(path))


def _shapes_note(space: Space, named: bool) -> str:
    """Return which shapes a table of positions was read with."""
    halved = [layer.name for layer in space.layers if any(option.stride > 1 for option in layer.options)]
    layers = ", ".join(halved[:MOST_NAMED]) + (", ..." if len(halved) > MOST_NAMED else "")
    whose = "which you named" if named else "assumed: name the space that the table was made for, --space"
    return (
        f"the file holds positions of layers, no shapes: they are those of space {space.name} ({whose}), "
        f"{width(space.in_size)} x {height(space.in_size)} pixels, stride above 1 in {layers or 'no layer'}"
    )[:900]


def places(space: Space) -> Places:
    """Return (layer, option) -> block; InputError where an option is another block after other options."""
    found: dict[tuple[int, str], BlockSpec] = {}
    for number, (layer, edges) in enumerate(zip(space.layers, space.edges, strict=True)):
        for edge in edges:
            key = (number, layer.options[edge.option].key)
            if len(edge.blocks) != 1:
                raise InputError(
                    f"in space {space.name}, option {key[1]} of layer {layer.name} has {len(edge.blocks)} blocks: "
                    "a table that counts positions has one for each layer"
                )
            if found.setdefault(key, edge.block) != edge.block:
                raise InputError(
                    f"in space {space.name}, option {key[1]} of layer {layer.name} is {found[key]} or {edge.block}, by "
                    f"what comes before: a table that counts positions cannot say which"
                )
    return found


def _read(path: Path) -> bytes:
    with reading(path, "published") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise InputError(f"{path} is larger than {MOST_BYTES // 2**20} MiB: no table of blocks is")
    return data
