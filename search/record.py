"""Searches over one space at several budgets and with several algorithms, sharing what was judged; and their record."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from edgenas.base.errors import InputError
from edgenas.search.algorithms.by_name import search
from edgenas.search.algorithms.mathnas import Prediction
from edgenas.search.algorithms.mathnas_blocks import BlockValues, block_values
from edgenas.search.feasible import checked_graph
from edgenas.search.graph import layered_graph
from edgenas.search.journal import TrialCache
from edgenas.search.problem import Cost, Limit, Problem, Result, Trial
from edgenas.search.space import Space
from edgenas.search.trials import Trials

FORMAT = "edgenas search"
VERSION = 1  # 1: first


@dataclass(frozen=True, slots=True)
class BudgetRun:
    """One algorithm at one budget; ``problem`` has the cost that counted against it, and the limits. Hybrid searches
    all budgets at once: its trials and seconds are those of all."""

    algorithm: str
    budget: float
    result: Result
    seconds: float
    problem: Problem


@dataclass(frozen=True, slots=True)
class LimitSlack:
    """A budget or limit and what a network has of it; ``name`` is '' where the unit says which."""

    name: str
    unit: str
    most: float
    has: float

    @property
    def share(self) -> float:
        """What is left, as a share of the most."""
        return 1 - self.has / self.most

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "slack": self.most - self.has, "slack_share": self.share}


@dataclass(frozen=True)
class SearchRecord:
    """Everything a search command found. ``cost`` is what networks are predicted to cost, which where it is uncertain
    is not what counts against the budget (``Trial.cost``); ``error_share`` what a prediction may be off, up and down,
    where that is known; ``values`` are MathNAS's block values where it ran."""

    space: Space
    cost: Cost
    accuracy: str
    runs: tuple[BudgetRun, ...]
    values: BlockValues | None
    error_share: float | None = None

    def best(self, budget: float) -> BudgetRun:
        """The run at ``budget`` whose answer was judged the most accurate, the cheaper of equals."""
        runs = [run for run in self.runs if run.budget == budget]
        return max(runs, key=lambda run: (run.result.answer.accuracy, -run.result.answer.cost))

    def to_json(self, **more: Any) -> dict[str, Any]:
        """Plain JSON values; the winner is that of the first budget. ``more`` is added at the top."""
        winner = self.best(self.runs[0].budget)
        return {
            "format": FORMAT,
            "version": VERSION,
            "space": {"name": self.space.name, "in_size": self.space.in_size, "classes": self._classes()},
            "accuracy": self.accuracy,
            "unit": self.cost.unit,
            **more,
            "winner": self.run_json(winner),
            "runs": [{**self.run_json(run), "trials": self._trials_json(run)} for run in self.runs],
            "block_values": None if self.values is None else values_to_json(self.space, self.values),
        }

    def run_json(self, run: BudgetRun, with_network: bool = True) -> dict[str, Any]:
        """One run as plain JSON values, its trials left out."""
        best, lucky = run.result.answer, run.result.best
        network = self.space.architecture(best.choice)
        predicted = self.cost.total(network)
        return {
            "algorithm": run.algorithm,
            "budget": run.budget,
            "key": self.space.key(best.choice),
            "accuracy": best.accuracy,
            "cost": best.cost,
            "predicted_cost": predicted,
            "interval": self.interval(predicted),
            "limits": [limit.as_dict() for limit in self.slacks(run)],
            "predicted_accuracy": run.result.predicted,
            "most_rewarded": {"key": self.space.key(lucky.choice), "accuracy": lucky.accuracy, "cost": lucky.cost},
            "judged": len(run.result.trials),
            "paid": sum(trial.paid for trial in run.result.trials),
            "seconds": run.seconds,
            "notes": run.result.notes,
            **({"network": network.to_json()} if with_network else {}),
        }

    def slacks(self, run: BudgetRun) -> list[LimitSlack]:
        """What the answer of a run leaves of its budget and of each limit."""
        network = self.space.architecture(run.result.answer.choice)
        limits = (Limit(run.problem.cost, run.budget), *run.problem.limits)
        return [LimitSlack(limit.cost.name, limit.cost.unit, limit.most, limit.cost.total(network)) for limit in limits]

    def interval(self, cost: float) -> list[float] | None:
        """What a network of this predicted cost will be measured at, 95 times in 100; None where that is not known."""
        return None if self.error_share is None else [cost * (1 - self.error_share), cost * (1 + self.error_share)]

    def _trials_json(self, run: BudgetRun) -> list[dict[str, Any]]:
        return [
            {"key": self.space.key(t.choice), "accuracy": t.accuracy, "cost": t.cost, "paid": t.paid}
            for t in run.result.trials
        ]

    def _classes(self) -> int:
        return self.space.layers[-1].options[0].c_out


def run_searches(
    problem: Callable[[float], Problem],
    budgets: Sequence[float],
    algorithms: Mapping[str, Mapping[str, Any]],
    cache: TrialCache,
    *,
    max_trials: int | None = None,
    error_share: float | None = None,
    cost: Cost | None = None,
    progress: Callable[[str, float, Trial], None] = lambda algorithm, budget, trial: None,
) -> SearchRecord:
    """Each algorithm (name -> its options) at each budget, hybrid at all budgets at once where they count one cost;
    ``problem(budget)`` makes the problems, of one space and judge. ``cost`` is what networks are predicted to cost,
    where that is not what counts against the budget. A network is paid for once however many runs ask for it.
    BudgetError before anything is trained when no network fits one of the budgets."""
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

            def tell(trial: Trial, name: str = name, budget: float = each.budget) -> None:
                progress(name, budget, trial)

            more = {"budgets": budgets} if at_once else {}
            result = search(name, each, Trials(each, cache, max_trials, tell), **{**options, **more})
            seconds = time.monotonic() - begin
            found = _of_front(result, each.space, budgets) if at_once else {each.budget: result}
            runs += [
                BudgetRun(name, budget, of_budget, seconds, by_budget[budget]) for budget, of_budget in found.items()
            ]
    values = None
    if "mathnas" in algorithms and max_trials is None:
        values = block_values(problems[0], Trials(problems[0], cache), algorithms["mathnas"].get("fraction"))
    first = problems[0]
    return SearchRecord(first.space, cost or first.cost, first.accuracy.name, tuple(runs), values, error_share)


def _of_front(result: Result, space: Space, budgets: Sequence[float]) -> dict[float, Result]:
    """The answers that hybrid gave for several budgets in one run."""
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


def front_points(space: Space, cost: Cost, values: BlockValues) -> list[tuple[float, float, str]]:
    """The exact front that additive block values predict: (cost, predicted accuracy in percent, key), by cost."""
    front = Prediction.of(space, layered_graph(space, cost), values).front()
    return [
        (float(c), values.base_accuracy + float(v), space.key(front.solution(i).choice))
        for i, (c, v) in enumerate(zip(front.costs, front.values, strict=True))
    ]


def values_to_json(space: Space, values: BlockValues) -> dict[str, Any]:
    """Block values as plain JSON values, networks by key."""
    return {
        "base": space.key(values.base),
        "base_accuracy": values.base_accuracy,
        "average": space.key(values.average),
        "loss": [list(row) for row in values.loss],
        "mean_flops": [list(row) for row in values.mean_flops],
        "ended": list(values.ended),
    }


def values_from_json(space: Space, data: Any, source: str) -> BlockValues:
    """Inverse of ``values_to_json``; InputError names ``source`` and what is wrong with it."""
    try:
        values = BlockValues(
            base=space.parse(data["base"]),
            base_accuracy=float(data["base_accuracy"]),
            average=space.parse(data["average"]),
            loss=tuple(tuple(float(v) for v in row) for row in data["loss"]),
            mean_flops=tuple(tuple(float(v) for v in row) for row in data["mean_flops"]),
            ended=tuple(float(v) for v in data["ended"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{source} holds no block values of {space.name} ({error}): search with mathnas") from error
    shape = [len(layer.options) for layer in space.layers]
    if any([len(row) for row in rows] != shape for rows in (values.loss, values.mean_flops)):
        raise InputError(f"{source}: its block values do not fit the layers of {space.name}; search with mathnas again")
    return values


def _check_budgets(problems: Sequence[Problem]) -> None:
    for each in problems:
        checked_graph(each)
