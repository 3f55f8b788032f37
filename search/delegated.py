"""The networks of a space that the delegate of a latency table takes whole."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from edgenas.base.counted import counted
from edgenas.base.errors import InputError

if TYPE_CHECKING:
    from edgenas.latency_tables.gate import TableOrPath
    from edgenas.search.space import Space


def delegated_space(space: Space, tables: Iterable[TableOrPath]) -> tuple[Space, tuple[str, ...]]:
    """Return ``space`` without the blocks that the delegates of ``tables`` left to the CPU, and a note for each table
    that says which; InputError where a delegate takes no network whole."""
    from edgenas.latency_tables.gate import named
    from edgenas.latency_tables.imported import ImportedTable

    notes = []
    for source in tables:
        given = named(source)
        if isinstance(given.table, ImportedTable):
            continue
        blocks = set(space.blocks())
        left = [block for block in given.table.left_to_cpu if block in blocks]
        if not left:
            continue
        delegate, every = given.table.setting.delegate, space.networks
        try:
            space = space.without(left)
        except InputError as error:
            raise InputError(
                f"{given.label}: {delegate} takes no network of {space.name} whole; it leaves {left[0]} to the CPU; "
                "measure both together: edgenas profile --partial"
            ) from error
        notes.append(
            f"{given.label}: {delegate} does not take {counted(len(left), 'block')} whole, so {space.networks:,} of "
            f"{every:,} networks are left: without {', '.join(map(str, left))}"
        )
    return space, tuple(notes)
