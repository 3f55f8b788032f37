"""A search that measures the blocks of its winners again until the winners no longer change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from edgenas.base.errors import InputError
from edgenas.base.listener import Listener
from edgenas.search.budgets import BudgetRequest, Budgets

if TYPE_CHECKING:
    from edgenas.blocks.spec import BlockSpec
    from edgenas.devices.inventory import Entry
    from edgenas.runs.search import SavedRounds
    from edgenas.search.record import SearchRecord


def remeasured(
    request: BudgetRequest,
    entry: Entry,
    most: int,
    force: bool,
    reopen: Callable[[], Budgets],
    solve: Callable[[Budgets], SearchRecord],
    listener: Listener,
) -> tuple[SearchRecord, SavedRounds]:
    """Search and measure the winners' blocks again on a device, in at most ``most`` rounds.

    Return the last search and the rounds. InputError without a measured table and budgets in ms.
    """
    from edgenas.latency_tables.store.open import is_imported
    from edgenas.runs.search import SavedRounds
    from edgenas.tables.remeasure import measure_again, until_kept

    path = request.table
    if path is None or not request.ms:
        raise InputError("--remeasure measures the blocks of a latency table again: give --table and --budget-ms")
    if is_imported(path):
        raise InputError(f"{path} was imported, so its blocks cannot be measured again; leave out --remeasure")

    def measure(blocks: Sequence[BlockSpec]) -> None:
        way = reopen().priced.way
        with listener.task(f"blocks measured again on {entry.name}") as task:
            measure_again(entry, path, blocks, way, force=force, listener=task)

    ended = until_kept(lambda: solve(reopen()), measure, most, listener)
    if not ended.settled:
        listener.message(
            f"after {most} rounds a winner still changes when its blocks are measured again, or its latency is not "
            "known within 0.75 %; the same command continues"
        )
    return ended.record, SavedRounds(entry.name, ended.settled, ended.rounds)
