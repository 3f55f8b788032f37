"""``search --remeasure``: the search, told about while winners' blocks are measured again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from edgenas.base.errors import InputError
from edgenas.cli.terminal import progress, talk
from edgenas.search.budgets import BudgetRequest, Budgets

if TYPE_CHECKING:
    from edgenas.blocks.spec import BlockSpec
    from edgenas.devices.inventory import Entry
    from edgenas.search.record import SearchRecord


def remeasured(
    asked: BudgetRequest,
    entry: Entry,
    most: int,
    force: bool,
    reopen: Callable[[], Budgets],
    solve: Callable[[Budgets], SearchRecord],
) -> tuple[SearchRecord, dict[str, Any]]:
    """Search, measure the winners' blocks again on a device, and so on; and the rounds it took."""
    from edgenas.tables.remeasure import WinnerRound, measure_again, until_kept

    path = asked.table
    if path is None or not asked.ms:
        raise InputError("--remeasure measures the blocks of a latency table again: give --table and --budget-ms")

    def tell(told: WinnerRound) -> None:
        costs = ", ".join(f"{cost:.4g}" for cost in told.costs)
        talk(
            f"round {told.number}: the winners are predicted to take {costs} ms; {told.kept} of {len(told.costs)} "
            "stayed since their blocks were measured again"
        )

    def measure(blocks: Sequence[BlockSpec]) -> None:
        way = reopen().costed.way
        with progress(f"blocks measured again on {entry.name}") as update:
            measure_again(
                entry,
                path,
                blocks,
                way,
                force=force,
                say=talk,
                progress=lambda told: update(told.done, told.total, told.note),
            )

    ended = until_kept(lambda: solve(reopen()), measure, most, tell)
    if not ended.settled:
        talk(
            f"after {most} rounds a winner still changes when its blocks are measured again, or is not known within "
            ".75 %; the same command goes on"
        )
    told = [asdict(one) for one in ended.rounds]
    return ended.record, {"remeasured": {"device": entry.name, "settled": ended.settled, "rounds": told}}
