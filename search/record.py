"""Searches over one space at several budgets and with several algorithms that share judged networks; their record."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from edgenas.base.code import Code
from edgenas.base.errors import InputError
from edgenas.base.listener import SILENT, Listener
from edgenas.search.algorithms.by_name import search
from edgenas.search.algorithms.mathnas import Prediction
from edgenas.search.algorithms.mathnas_blocks import BlockValues, block_values
from edgenas.search.ending import cut_message
from edgenas.search.explanation import LimitSlack
from edgenas.search.feasible import check_feasible, checked_graph
from edgenas.search.graph import largest_cost, layered_graph
from edgenas.search.journal import TrialCache
from edgenas.search.problem import Cost, Limit, Problem, Result, Trial, code_of, is_score
from edgenas.search.solvers import limited
from edgenas.search.space import Space
from edgenas.search.trials import Trials


@dataclass(frozen=True, slots=True)
class BudgetRun:
    """One run of one algorithm at one budget; ``problem`` has the cost that counted against the budget, and the limits.
    Hybrid searches all budgets in one run: its trials and seconds are then those of all budgets together."""

    algorithm: str
    budget: float
    result: Result
    seconds: float
    problem: Problem


@dataclass(frozen=True, repr=False)
class SearchRecord:
    """Results of a search command.

    ``cost`` is the predicted cost of networks; where it is uncertain, the cost that counts against the budget is
    another (``Trial.cost``). ``error_share`` is the half-width of the 95 % interval of a predicted cost, as a share,
    where it is known. ``values`` are MathNAS's block values, where it ran. ``score`` is True for scores instead of
    percent; ``accuracy_code`` is the user's code of the judge, None for judges of edgenas.
    """

    space: Space
    cost: Cost
    accuracy: str
    runs: tuple[BudgetRun, ...]
    values: BlockValues | None
    error_share: float | None = None
    score: bool = False
    accuracy_code: Code | None = None

    def __repr__(self) -> str:
        return f"<SearchRecord of {self.space.name}: {len(self.runs)} runs, {self.cost.unit}, {self.accuracy:.40}>"

    def best(self, budget: float) -> BudgetRun:
        """Return the run at ``budget`` whose answer has the highest judged accuracy; of equals the cheaper."""
        runs = [run for run in self.runs if run.budget == budget]
        return max(runs, key=lambda run: (run.result.answer.accuracy, -run.result.answer.cost))

    def answering(self, trial: Trial, budget: float) -> BudgetRun:
        """Return the first run at ``budget`` that judged ``trial``, else the best run at ``budget``; with ``trial`` as
        its answer."""
        runs = [run for run in self.runs if run.budget == budget]
        judged = [run for run in runs if any(t.choice == trial.choice for t in run.result.trials)]
        run = judged[0] if judged else self.best(budget)
        predicted = run.result.predicted if trial.choice == run.result.answer.choice else None
        return replace(run, result=replace(run.result, recommended=trial, predicted=predicted))

    def with_trial(self, trial: Trial) -> SearchRecord:
        """Return the record with one more judged network in each run that lacks it; it is the best of a run where it
        keeps the budget and the limits with a higher accuracy."""
        runs = []
        for run in self.runs:
            result = run.result
            if all(t.choice != trial.choice for t in result.trials):
                fits = trial.cost <= run.budget and run.problem.keeps_limits(self.space.architecture(trial.choice))
                best = trial if fits and trial.accuracy > result.best.accuracy else result.best
                result = replace(result, trials=(*result.trials, trial), best=best)
            runs.append(replace(run, result=result))
        return replace(self, runs=tuple(runs))

    def slacks(self, run: BudgetRun) -> list[LimitSlack]:
        """Return the unused amount of the budget and of each limit, for the answer of a run."""
        network = self.space.architecture(run.result.answer.choice)
        limits = (Limit(run.problem.cost, run.budget), *run.problem.limits)
        return [LimitSlack(limit.cost.name, limit.cost.unit, limit.most, limit.cost.total(network)) for limit in limits]

    def interval(self, cost: float) -> tuple[float, float] | None:
        """Return the 95 % interval (low, high) of the measured cost of a network with predicted cost ``cost``; None
        where the error is not known."""
        return None if self.error_share is None else (cost * (1 - self.error_share), cost * (1 + self.error_share))


def run_searches(
    problem: Callable[[float], Problem],
    budgets: Sequence[float],
    algorithms: Mapping[str, Mapping[str, Any]],
    cache: TrialCache,
    *,
    max_trials: int | None = None,
    error_share: float | None = None,
    cost: Cost | None = None,
    listener: Listener = SILENT,
) -> SearchRecord:
    """Run each algorithm (name -> its options) at each budget, and return the record of all runs.

    Hybrid searches all budgets in one run where one cost counts against all of them. ``problem(budget)`` returns the
    problem at a budget; all problems have the same space and judge. ``cost`` is the predicted cost of networks, where
    another cost counts against the budget. A network is judged once, even where several runs request it. BudgetError
    before any training when no network fits one of the budgets.
    """
    if not budgets or not algorithms:
        raise InputError("a search needs at least one budget and one algorithm")
    problems = [problem(budget) for budget in budgets]
    _check_budgets(problems)
    by_budget = {each.budget: each for each in problems}
    one_cost = all(each.cost == problems[0].cost for each in problems)
    runs = []
    for name, options in algorithms.items():
        at_once = name == "hybrid" and len(problems) > 1 and one_cost
        for each in [min(problems, key=lambda p: p.budget)] if at_once else problems:
            begin = time.monotonic()
            judged = listener.named(f"networks judged, {name} at {each.budget:g} {each.cost.unit}")
            more = {"budgets": budgets} if at_once else {}
            result = search(name, each, Trials(each, cache, max_trials, judged), **{**options, **more})
            seconds = time.monotonic() - begin
            found = _of_front(result, each.space, budgets) if at_once else {each.budget: result}
            runs += [
                BudgetRun(name, budget, of_budget, seconds, by_budget[budget]) for budget, of_budget in found.items()
            ]
    values = None
    if "mathnas" in algorithms and max_trials is None:
        values = block_values(
            problems[0],
            Trials(problems[0], cache),
            algorithms["mathnas"].get("fraction"),
            algorithms["mathnas"].get("average", "budget"),
        )
    first = problems[0]
    return SearchRecord(
        first.space,
        cost or first.cost,
        first.accuracy.name,
        tuple(runs),
        values,
        error_share,
        is_score(first.accuracy),
        code_of(first.accuracy),
    )


def cut_messages(record: SearchRecord) -> list[str]:
    """Return a message for each run that the limit on trials ended before it had looked at the whole space."""
    unit = record.cost.unit
    found = (
        cut_message(run.algorithm, run.result.notes, len(run.result.trials), f"{run.budget:.6g} {unit}")
        for run in record.runs
    )
    return [message for message in found if message is not None]


def _of_front(result: Result, space: Space, budgets: Sequence[float]) -> dict[float, Result]:
    """Return budget -> result, from a hybrid run at several budgets."""
    judged = {space.key(trial.choice): trial for trial in result.trials}
    points = {point["budget"]: point for point in result.notes["front"]}
    return {
        budget: replace(
            result,
            best=judged[points[budget]["network"]],
            recommended=judged[points[budget]["finalists"][0]["network"]],
            predicted=points[budget]["predicted"],
        )
        for budget in budgets
    }


def front_points(
    space: Space, cost: Cost, values: BlockValues, limits: Sequence[Limit] = ()
) -> list[tuple[float, float, str]]:
    """Return the exact front predicted by additive block values: (cost, predicted accuracy in percent, network key), in
    order of cost. With ``limits``, of the networks that keep them; BudgetError where none does."""
    if limits:
        return _limited_front(space, cost, values, limits)
    front = Prediction.of(space, layered_graph(space, cost), values).front()
    return [
        (float(c), values.base_accuracy + float(v), space.key(front.solution(i).choice))
        for i, (c, v) in enumerate(zip(front.costs, front.values, strict=True))
    ]


def _limited_front(
    space: Space, cost: Cost, values: BlockValues, limits: Sequence[Limit]
) -> list[tuple[float, float, str]]:
    """The front under limits: the network predicted best, then the best of those that cost less, until none does."""
    graph = layered_graph(space, cost, limits)
    valued = graph.with_values([-loss for loss in Prediction.of(space, graph, values).loss])
    budget, points = largest_cost(graph), list[tuple[float, float, str]]()
    check_feasible(graph, _Open(space, cost, budget, tuple(limits)))
    while (found := limited.solve(valued, budget)) is not None:
        points.append((found.cost, values.base_accuracy + found.value, space.key(found.choice)))
        budget = math.nextafter(found.cost, -math.inf)
    return points[::-1]


@dataclass(frozen=True, slots=True)
class _Open:
    """Limits and a budget that every network keeps."""

    space: Space
    cost: Cost
    budget: float
    limits: tuple[Limit, ...]


def _check_budgets(problems: Sequence[Problem]) -> None:
    for each in problems:
        checked_graph(each)
