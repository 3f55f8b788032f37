"""Run one search, from its request to its result: budgets, judge, algorithms, explanation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.api.gate import budgets_of
from edgenas.api.inventory import load_entry
from edgenas.api.judge import checked_options, judge_name, known_options, opened_judge, ray_address
from edgenas.api.pretrained import told
from edgenas.api.search_remeasure import remeasured
from edgenas.api.search_result import SearchResult
from edgenas.api.spaces import space as space_of
from edgenas.base.counted import counted
from edgenas.base.files import check_target
from edgenas.base.listener import Listener
from edgenas.blocks.size import SizesLike
from edgenas.search.accuracy.estimate_by_name import EstimateRequest, estimate_facts
from edgenas.search.budgets import BudgetRequest, Budgets

if TYPE_CHECKING:
    from edgenas.api.shown import FilePath
    from edgenas.blocks.architecture import Architecture
    from edgenas.runs.search import SavedRounds
    from edgenas.search.problem import Accuracy
    from edgenas.search.record import SearchRecord
    from edgenas.search.space import Space


@dataclass(frozen=True, kw_only=True)
class _Means:
    """Arguments of a search with which it is carried out; ``edgenas.search`` documents each."""

    score: bool
    in_size: SizesLike | None
    classes: int | None
    channels: int | None
    algorithms: tuple[str, ...]
    options: Mapping[str, Mapping[str, Any]]
    max_trials: int | None
    seed: int
    images: Path | None
    train_on: str
    pretrained: str | None
    pretrained_as: str | None
    stand_alone: int
    workers: int | None
    ray: str | None
    ray_cpus: float | None
    ray_gpus: float | None
    remeasure: str | None
    remeasure_rounds: int
    inventory: FilePath | None
    force: bool


@dataclass(frozen=True)
class SearchOrder(_Means):
    """Request of a search: the space, the judge, the budgets, and how it is carried out."""

    space: str | Space | Callable[..., Space]
    accuracy: str | Callable[[Architecture], float] | Accuracy
    request: BudgetRequest


def run(order: SearchOrder, out: Path, listener: Listener) -> SearchResult:
    """Run a search; files beside ``out`` keep judged and trained networks, from which the same order continues."""
    from edgenas.runs.from_search import saved_explanation, saved_search
    from edgenas.runs.layout import table_from, trials_beside
    from edgenas.search.accuracy.by_name import WORKERS
    from edgenas.search.accuracy.image_task import image_task
    from edgenas.search.accuracy.own_table import AccuracyTable
    from edgenas.search.delegated import delegated_space
    from edgenas.search.explain import explain
    from edgenas.search.journal import TrialCache
    from edgenas.search.published import begun_from
    from edgenas.search.record import cut_messages, run_searches
    from edgenas.search.space import Space
    from edgenas.search.spaces.sizes import undivided

    check_target(out)
    request = order.request
    named = order.accuracy if isinstance(order.accuracy, str) else ""
    who = judge_name(order.accuracy)
    options = checked_options(order.options, known_options(order.algorithms, named))
    on = WORKERS if order.workers is None else order.workers
    task = image_task(who, order.images, out, options, order.train_on, on)
    classes = order.classes or (task.classes if task and not isinstance(order.space, Space) else None)
    space = space_of(order.space, order.in_size, classes, order.channels)
    request = replace(request, opened=request.latency_tables())
    space, left_out = delegated_space(space, request.opened.values())
    published = begun_from(order.pretrained, order.pretrained_as, space, who)
    if published is not None and task is not None:
        task = task.from_published(published)
        listener.message(told(published.pretrained.provenance))
    found = budgets_of(request, space)
    notes = [*filter(None, [undivided(space)]), *left_out, *found.messages]
    for note in notes:
        listener.message(note)
    where = ray_address(order.workers, order.ray, order.ray_cpus, order.ray_gpus)
    journal = trials_beside(out)
    rounds: SavedRounds | None = None
    with (
        listener.task("search") as progress,
        opened_judge(
            order.accuracy,
            space,
            seed=order.seed,
            workers=order.workers,
            cluster=where,
            listener=progress,
            images=task,
            estimate=EstimateRequest(options.get("estimate", {}), out.with_suffix(".estimate.trials.jsonl")),
            score=order.score,
        ) as judge,
        TrialCache(space, judge, journal) as cache,
    ):
        if len(cache):
            listener.message(f"{journal}: {counted(len(cache), 'network', 'is')} already judged")

        def solve(budgets: Budgets) -> SearchRecord:
            return run_searches(
                lambda budget: budgets.problem(space, judge, budget, order.seed),
                budgets.budgets,
                {name: options[name] for name in order.algorithms},
                cache,
                max_trials=order.max_trials,
                error_share=budgets.priced.error_share,
                cost=budgets.priced.cost,
                listener=progress,
            )

        if order.remeasure is None:
            record = solve(found)
        else:
            record, rounds = remeasured(
                request,
                load_entry(order.inventory, order.remeasure),
                order.remeasure_rounds,
                order.force,
                lambda: budgets_of(replace(request, opened={}), space),
                solve,
                listener,
            )
        trust = None
        estimate = estimate_facts(judge)
        if task and who == "supernet" and order.stand_alone and published is None:
            alone = out.with_suffix(".alone.trials.jsonl")
            trust = task.trust(judge, space, order.stand_alone, order.seed, alone, progress)
    winner = record.best(found.budgets[0]).result.answer.choice
    guessed = [str(block) for block in found.priced.predicted(space.architecture(winner).blocks)]
    if guessed:
        notes.append(
            f"the winner has {len(guessed)} blocks whose latency was predicted, not measured, such as {guessed[0]}; "
            "measure them before you trust its latency: edgenas profile --for-search, or --block"
        )
        listener.message(notes[-1])
    if isinstance(judge, AccuracyTable) and (spread := judge.spread(winner)):
        notes.append(spread)
        listener.message(spread)
    for message in cut_messages(record):
        notes.append(message)
        listener.message(message)
    explained = explain(record)
    saved = saved_search(
        record,
        table=None if request.table is None else table_from(out, request.table),
        **found.facts(),
        seed=order.seed,
        predicted_blocks=tuple(guessed),
        explanation=saved_explanation(record, explained),
        trust=trust,
        estimate=estimate and estimate[1],
        remeasured=rounds,
        pretrained=None if published is None else published.pretrained.provenance,
    )
    return SearchResult(record, explained, tuple(notes), request.table, trust, estimate and estimate[0], saved)
