"""``edgenas profile --for-search``: measure only the blocks that the best networks of a space may contain."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

from edgenas.base.errors import InputError, OutcomeError
from edgenas.blocks.spec import BlockSpec
from edgenas.cli.live_campaign import live_table
from edgenas.cli.terminal import print_json, print_summary, progress, talk

if TYPE_CHECKING:
    from edgenas.latency_tables.table import LatencyTable
    from edgenas.profiler.fill import TableJob
    from edgenas.profiler.stopping import StoppingRule
    from edgenas.search.space import Space


def profile_for_search(
    space: Space,
    tables: dict[str, TableJob],
    enough: StoppingRule,
    chains: bool,
    budgets_ms: tuple[float, ...],
    accuracy: str | None,
    score: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Measure what the front of ``space`` touches and say what was found."""
    from edgenas.profiler.fill import fill
    from edgenas.search.accuracy.by_name import open_accuracy
    from edgenas.search.lazy import FrontRound, capacity_values, judged_values, lazily
    from edgenas.search.problem import check_positive

    for budget in budgets_ms:
        check_positive(budget, "ms")
    if len(tables) > 1:
        raise InputError(f"--for-search fills one table at a time, not those of {', '.join(tables)}; name one device")
    ((label, table),) = tables.items()
    if accuracy is None:
        values = capacity_values(space)
    else:
        with open_accuracy(accuracy, space, 0, score=score) as judge, progress("networks judged") as update:
            judged = count(1)
            journal = table.path.with_suffix(".trials.jsonl")
            values = judged_values(space, judge, journal, lambda trial: update(next(judged), None, ""))

    def measure(blocks: Sequence[BlockSpec]) -> LatencyTable:
        with live_table([label]) as live:
            outcome = fill(tables, blocks, enough, force, live.update, talk, chains=chains)[label]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome.table

    def tell(told: FrontRound) -> None:
        off = "" if told.error is None else f"; predictions of blocks are off by {told.error:.1%}"
        talk(
            f"round {told.number}: {told.measured} blocks measured, the front of {told.networks:,} networks touches "
            f"{told.lacking} more{off}"
        )

    found = lazily(space, values, measure, budgets_ms=budgets_ms, statistic=enough.statistic, tell=tell)
    best = found.at(budgets_ms)
    report: dict[str, Any] = {
        "table": str(table.path),
        "values": accuracy or "capacity: log(1 + MACs and parameters over their mean), a stand-in for accuracy",
        "measured": len(found.table.blocks),
        "of": len(space.blocks()),
        "rounds": len(found.rounds),
        "networks": len(best),
        "failed": len(found.failed),
        "next": f"edgenas table validate {table.path} --space {space.name}, then edgenas search --predict",
    }
    if as_json:
        front = [{"cost": network.cost, "value": network.value, "key": space.key(network.choice)} for network in best]
        print_json({**report, "failed_blocks": [str(block) for block in found.failed], "front": front})
    else:
        print_summary(report)
    if found.failed:
        raise OutcomeError(
            f"{len(found.failed)} blocks that networks on the front wanted cannot be measured, such as "
            f"{found.failed[0]}, and were left out; the same command tries them again"
        )
