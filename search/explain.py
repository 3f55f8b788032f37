"""Explanation of a search's answer: the winner's most expensive blocks, the active limits, and the gain from raising
them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from edgenas.search.algorithms.mathnas import Prediction
from edgenas.search.explanation import CostShare, LimitExplanation, LimitSlack, NextBetter
from edgenas.search.graph import Graph, layered_graph
from edgenas.search.predicted_front import PERCENT, calibrate, judged_of
from edgenas.search.problem import Limit, Peak
from edgenas.search.record import BudgetRun, SearchRecord
from edgenas.search.solvers import limited
from edgenas.search.space import Choice

DEAREST = 5  #: number of most expensive blocks in an explanation
WORTH = 0.1  #: smallest reported difference in accuracy points: no training distinguishes less


def worth_naming(record: SearchRecord) -> float:
    """Return the smallest difference in accuracy that is reported: WORTH points; for scores, 1/1000 of their range."""
    if not record.score:
        return WORTH
    judged = [trial.accuracy for run in record.runs for trial in run.result.trials]
    return (max(judged) - min(judged)) / 1000 or math.ulp(max(map(abs, judged)))


@dataclass(frozen=True)
class Explanation:
    """Explanation of one answer (``winner``) and of the whole search.

    front     the best run of each budget, by ascending budget
    dearest   the most expensive blocks of the winner
    fixed     cost that every network has in addition to its blocks
    bounds    the budget, then each limit
    judged    number of judged networks, and ``hits`` how many of them came from the cache
    seconds   time of all runs
    """

    winner: BudgetRun
    front: tuple[BudgetRun, ...]
    dearest: tuple[CostShare, ...]
    fixed: float
    bounds: tuple[LimitExplanation, ...]
    judged: int
    hits: int
    seconds: float


def explain(record: SearchRecord, answering: BudgetRun | None = None) -> Explanation:
    """Explain the answer of ``answering``, by default that of the best run at the first budget. Nothing is judged."""
    budgets = list(dict.fromkeys(run.budget for run in record.runs))
    winner = answering or record.best(budgets[0])
    searched = list({id(run.result.trials): run for run in record.runs}.values())  # hybrid: one run for all budgets
    trials = [trial for run in searched for trial in run.result.trials]
    slacks = record.slacks(winner)
    return Explanation(
        winner,
        tuple(record.best(budget) for budget in sorted(budgets)),
        dearest(record, winner.result.answer.choice),
        record.cost.fixed,
        tuple(_bound(record, winner, number, slack) for number, slack in enumerate(slacks)),
        len(trials),
        sum(not trial.newly_judged for trial in trials),
        sum(run.seconds for run in searched),
    )


def dearest(record: SearchRecord, choice: Choice, most: int = DEAREST) -> tuple[CostShare, ...]:
    """Return the ``most`` most expensive blocks of a network by predicted cost, most expensive first."""
    network = record.space.architecture(choice)
    total = record.cost.total(network)
    spent = [
        CostShare(
            layer.name if len(part) == 1 else f"{layer.name}.{number}",
            str(block),
            record.cost.of(block),
            record.cost.of(block) / total,
        )
        for layer, part in zip(record.space.layers, network.parts, strict=True)
        for number, block in enumerate(part, start=1)
        if block.kind != "skip"
    ]
    return tuple(sorted(spent, key=lambda share: -share.cost)[:most])


def _bound(record: SearchRecord, run: BudgetRun, number: int, slack: LimitSlack) -> LimitExplanation:
    known = [more for more in (_predicted(record, run, number), _judged(record, run, number)) if more is not None]
    active = True if known else None if record.values is None else False
    return LimitExplanation(slack.name, slack.unit, slack.most, slack.value, active, tuple(known))


def _limits(run: BudgetRun) -> tuple[Limit, ...]:
    """Return the budget, then the limits."""
    return (Limit(run.problem.cost, run.budget), *run.problem.limits)


def _judged(record: SearchRecord, run: BudgetRun, number: int) -> NextBetter | None:
    """Return, of all judged networks that are better and exceed only this limit, the one that exceeds it least."""
    limits, best = _limits(run), run.result.answer
    raised, found, worth = limits[number], dict[Choice, tuple[float, float]](), worth_naming(record)
    for trial in (trial for each in record.runs for trial in each.result.trials):
        if trial.accuracy >= best.accuracy + worth and trial.choice not in found:
            network = record.space.architecture(trial.choice)
            if all(limit.keeps(network) for other, limit in enumerate(limits) if other != number):
                found[trial.choice] = raised.cost.total(network), trial.accuracy
    over = {choice: known for choice, known in found.items() if known[0] > raised.most}
    if not over:
        return None
    choice, (needs, accuracy) = min(over.items(), key=lambda item: (item[1][0], -item[1][1], item[0]))
    return NextBetter("judged", record.space.key(choice), needs, needs - raised.most, accuracy - best.accuracy)


def _predicted(record: SearchRecord, run: BudgetRun, number: int) -> NextBetter | None:
    """Return the network that exceeds this limit least, among all networks predicted to be better than the network
    predicted best within all limits."""
    if record.values is None:
        return None
    limits = _limits(run)
    graph = layered_graph(record.space, run.problem.cost, run.problem.limits)
    prediction = Prediction.of(record.space, graph, record.values)
    valued = graph.with_values([-loss for loss in prediction.loss])
    fitted = calibrate(record.space, record.values, judged_of(record), None if record.score else PERCENT)
    scale = fitted.slope if fitted is not None and fitted.tells else 1.0  # of predicted differences
    within = limited.solve(valued, run.budget)
    if within is None:
        return None
    raised, least = limits[number], within.value + worth_naming(record) / scale
    if isinstance(raised.cost, Peak):
        found = _least_peak(valued, record, run, number, least)
    else:
        found = _least(valued, run, number, least)
    if found is None:
        return None
    network = record.space.architecture(found)
    needs = raised.cost.total(network)
    gained = scale * (prediction.accuracy(found) - prediction.accuracy(within.choice))
    if not record.score:
        gained = min(gained, PERCENT - run.result.answer.accuracy)
    if gained < worth_naming(record):
        return None
    if needs <= raised.most:  # a cost that is not a sum: by its tangent this network exceeds the limit, by itself not
        return None
    return NextBetter("predicted", record.space.key(found), needs, needs - raised.most, gained)


def _least(valued: Graph, run: BudgetRun, number: int, least: float) -> Choice | None:
    """Return the path of smallest weight for one limit that keeps the others and has at least the value ``least``:
    maximise the negative weight, with the value as a limit."""
    most = (run.budget, *valued.most)
    kept = [kind for kind in range(len(most)) if kind != number]
    layers = valued.layers
    swapped = valued.with_values([-layer.weights[:, number] for layer in layers]).with_costs([-x.value for x in layers])
    limits = swapped.with_limits([layer.weights[:, kept].T for layer in layers], [most[kind] for kind in kept])
    found = limited.solve(limits, -least)
    return None if found is None else found.choice


def _least_peak(valued: Graph, record: SearchRecord, run: BudgetRun, number: int, least: float) -> Choice | None:
    """Return the path of smallest peak that keeps the other limits and has at least the value ``least``, by trying the
    peaks of blocks above the limit in ascending order.
    """
    limit = run.problem.limits[number - 1]
    peaks = sorted({limit.cost.of(block) for block in record.space.blocks()})
    for peak in peaks:
        if peak <= limit.most:
            continue
        eased = list(run.problem.limits)
        eased[number - 1] = replace(limit, most=peak)
        graph = layered_graph(record.space, run.problem.cost, eased).with_values([x.value for x in valued.layers])
        found = limited.solve(graph, run.budget)
        if found is not None and found.value > least:
            return found.choice
    return None
