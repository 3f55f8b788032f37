"""Repeated measurement of the winners' blocks, until the winners of a search stay the same.

A search prefers blocks whose measurements are too fast by chance (the optimiser's curse: Smith and Winkler, Management
Science 52, 2006). The winners' blocks are therefore measured again, in new processes whose values did not take part in
the choice. Where a winner no longer fits the budget, the next one is found and measured as well. No network is judged
twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.errors import OutcomeError
from edgenas.base.listener import SILENT, Listener
from edgenas.blocks.spec import BlockSpec
from edgenas.profiler.workers import conditions, open_worker, runtime_named
from edgenas.runs.search import WinnerRound

if TYPE_CHECKING:
    from edgenas.devices.inventory import Entry
    from edgenas.latency_tables.table import BlockEstimate
    from edgenas.search.record import BudgetRun, SearchRecord

ROUNDS = 10  #: of measuring again at most
WITHIN = 0.0075  #: of the budget, that a winner is to be known
PROCESSES = 3  #: fresh ones that measure each block again, a round


@dataclass(frozen=True)
class Remeasured:
    """Result; ``settled`` is True where every winner stayed the same and its cost is known to within WITHIN."""

    record: SearchRecord
    rounds: tuple[WinnerRound, ...]
    settled: bool


def until_kept(
    solve: Callable[[], SearchRecord],
    measure: Callable[[Sequence[BlockSpec]], None],
    most_rounds: int,
    listener: Listener = SILENT,
) -> Remeasured:
    """Measure the blocks of all winners and solve again, until no winner changes and every cost is known WITHIN.

    A cost is known WITHIN where the cost that is compared with the budget is above the prediction by at most that
    share of the budget. The loop also ends after ``most_rounds`` rounds. ``solve`` searches with the table as it is
    then.
    """
    record, rounds, last = solve(), list[WinnerRound](), dict[float, str]()
    while True:
        winners = {budget: record.best(budget) for budget in dict.fromkeys(run.budget for run in record.runs)}
        keys = {budget: record.space.key(run.result.answer.choice) for budget, run in winners.items()}
        networks = [record.space.architecture(run.result.answer.choice) for run in winners.values()]
        kept = {budget for budget, key in keys.items() if last.get(budget) == key}
        settled = kept == set(keys) and all(_known(record, run) for run in winners.values())
        blocks = list(dict.fromkeys(block for network in networks for block in network.blocks if block.kind != "skip"))
        costs = tuple(record.cost.total(network) for network in networks)
        rounds.append(WinnerRound(len(rounds), len(blocks), len(kept), costs))
        predicted = ", ".join(f"{cost:.4g}" for cost in costs)
        listener.message(
            f"round {rounds[-1].number}: the winners are predicted to take {predicted} ms; {len(kept)} of {len(costs)} "
            "stayed since their blocks were measured again"
        )
        if settled or len(rounds) > most_rounds:
            return Remeasured(record, tuple(rounds), settled)
        measure(blocks)
        last, record = keys, solve()


def _known(record: SearchRecord, run: BudgetRun) -> bool:
    best = run.result.answer
    return best.cost - record.cost.total(record.space.architecture(best.choice)) <= WITHIN * run.budget


def measure_again(
    entry: Entry,
    path: Path,
    blocks: Sequence[BlockSpec],
    way: BlockEstimate,
    *,
    processes: int = PROCESSES,
    force: bool = False,
    listener: Listener = SILENT,
) -> None:
    """Measure ``blocks`` in ``processes`` more processes, and append the measurements to the table at ``path``.

    Device and setting are those of the table. InputError where the setting differs; OutcomeError where a block fails.
    """
    from edgenas.latency_tables.store.journal import read_journal
    from edgenas.profiler.campaign import pursue
    from edgenas.profiler.export.quantize import table_writer
    from edgenas.profiler.plan import Plan
    from edgenas.profiler.remeasure_goal import RemeasureGoal

    table = read_journal(path).table
    setting, runtime = table.setting, runtime_named(table.setting.runtime)
    plan = Plan.of(setting)
    campaign = pursue(
        [open_worker(entry, runtime.name, plan.requested)],
        runtime,
        RemeasureGoal.of(table, blocks, processes, way != "alone"),
        path,
        writer=table_writer(runtime.format, setting.precision),
        plan=plan,
        conditions=conditions([entry], force, listener),
    )
    if campaign.failures:
        failure = campaign.failures[0]
        raise OutcomeError(
            f"{len(campaign.failures)} of the winner's blocks cannot be measured again on {entry.name}, such as "
            f"{failure.piece[0]} ({failure.stage}): {failure.message}"
        )
