"""How good the networks are that each search finds on published benchmarks, and what they cost in trainings.

    python -m tools.bench.search_quality --macro nas-bench-macro_cifar10.json --cells nasbench201.csv.gz
    python -m tools.bench.search_quality --macro FILE --cells FILE --seeds 30 --json quality.json

Regret is the best judged value of any network within the budget less that of the network found, in points; its standard
error is over seeds, p90 over all runs. ``predicted`` is the network MathNAS predicts best, which it never trains.
"top 5 in full" trains the five most rewarded networks of a run to the end, and the best of them is the answer; those
five count as trials. NAS-Bench-201 has no validation of full trainings, so they are compared by the test itself. "no
answer" is the share of runs whose answer breaks the budget; no other number counts them.
Tasks are described in ``tools/bench/search_tasks.py``; budgets are quantiles of all networks.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from blocks.errors import OutcomeError
from search.algorithms import search
from search.problem import Result
from search.space import Choice
from search.trials import Trials
from tools.bench.search_tasks import Asked, CellsFreely, CellsOnPi4, Macro

Numbers = tuple[float, float, int, float]


def found(asked: Asked, result: Result) -> Choice:
    return result.best.choice


def best_of_five(asked: Asked, result: Result) -> Choice:
    fits = [trial for trial in result.trials if trial.cost <= asked.problem.budget]
    finalists = sorted(fits, key=lambda trial: -trial.accuracy)[:5]
    return max((trial.choice for trial in finalists), key=asked.judge)


def predicted(asked: Asked, result: Result) -> Choice:
    return asked.problem.space.parse(result.notes["predicted_best"]["network"])


@dataclass(frozen=True)
class Method:
    """An algorithm with its options; ``answer`` picks the network from a result, ``more`` counts what it trains for
    that, ``trials`` what the search is said to have cost."""

    name: str
    algorithm: str
    options: dict[str, Any] = field(default_factory=dict)
    most: int | None = None
    answer: Callable[[Asked, Result], Choice] = found
    more: int = 0
    trials: Callable[[Result], int] = lambda result: len(result.trials)


def at_most(*limits: int) -> list[Method]:
    """The baselines; those compared with at twice the trials of others at several limits."""
    return [
        *(Method(f"random, {n}", "random", {"samples": n}) for n in limits),
        *(Method(f"regularized evolution, {n}", "regularized_evolution", {"samples": n}) for n in limits),
        Method("REINFORCE, 100", "reinforce", {"samples": 100}),
        Method("OFA evolution, 100", "ofa_evolution", most=100),
        Method("NSGA-II, 100", "nsga2", most=100),
    ]


def hybrids(*limits: int) -> list[Method]:
    return [
        method
        for n in limits
        for method in (
            Method(f"hybrid, {n}", "hybrid", most=n),
            Method(f"hybrid, {n - 5} + top 5 in full", "hybrid", most=n - 5, answer=best_of_five, more=5),
        )
    ]


MATHNAS = [
    Method("MathNAS, predicted", "mathnas", answer=predicted, trials=lambda r: int(r.notes["estimated_from"])),
    Method("MathNAS, top 10", "mathnas", {"top": 10}),
    Method("MathNAS power 0, predicted", "mathnas", {"power": 0.0}, answer=predicted,
           trials=lambda r: int(r.notes["estimated_from"])),
    Method("MathNAS power 0, top 10", "mathnas", {"power": 0.0, "top": 10}),
]  # fmt: skip
MACRO = [
    *at_most(50, 100, 200),
    Method("LayerNAS H=20", "layernas", {"buckets": 20}),
    Method("LayerNAS H=100", "layernas", {"buckets": 100}),
    Method("LayerNAS H=20, fill mid", "layernas", {"buckets": 20, "fill": "mid"}),
    *MATHNAS,
    Method("hybrid, 50", "hybrid", most=50),
    Method("hybrid, 100", "hybrid", most=100),
    Method("hybrid, no limit", "hybrid"),
]
FREE = [
    *at_most(100, 200),
    Method("LayerNAS H=20, 200", "layernas", {"buckets": 20}, 200),
    Method("LayerNAS H=100, 200", "layernas", {"buckets": 100}, 200),
    *hybrids(100, 200),
]
PI4 = [
    *at_most(100, 200),
    Method("LayerNAS H=20, 100", "layernas", {"buckets": 20}, 100),
    *MATHNAS,
    *hybrids(50, 100),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--macro", type=Path, help="NAS-Bench-Macro as published, JSON")
    parser.add_argument("--cells", type=Path, help="NAS-Bench-201 joined with latencies, CSV")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers, - for standard output")
    arguments = parser.parse_args()
    if arguments.macro is None and arguments.cells is None:
        parser.error("name --macro FILE, --cells FILE or both")
    tasks: list[tuple[Any, list[Method]]] = []
    if arguments.macro:
        tasks.append((Macro(arguments.macro), MACRO))
    if arguments.cells:
        tasks += [(CellsFreely(arguments.cells, data), FREE) for data in ("cifar10", "cifar100")]
        tasks += [(CellsOnPi4(arguments.cells, data), PI4) for data in ("cifar10", "cifar100")]
    rows = [row for task, methods in tasks for row in measured(task, methods, arguments.seeds)]
    if str(arguments.json) == "-":
        print(json.dumps(rows, indent=2))
        return
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")
    for task, _ in tasks:
        Console().print(shown(task.name, [row for row in rows if row["task"] == task.name], arguments.seeds))


def measured(task: Any, methods: list[Method], seeds: int) -> list[dict[str, Any]]:
    """One row a method: means over budgets and seeds."""
    asked = [task.asked(seed) for seed in range(seeds)]
    return [
        row(task.name, method, [[run(method, each) for each in of_seed] for of_seed in asked])
        for method in track(methods, task.name, console=Console(stderr=True), transient=True)
    ]


def run(method: Method, asked: Asked) -> Numbers:
    """Regret, judged accuracy, trials, seconds; the first two are nan where the answer does not keep the budget."""
    begin, trials = time.perf_counter(), Trials(asked.problem, max_trials=method.most)
    try:
        result = search(method.algorithm, asked.problem, trials, **method.options)
    except OutcomeError:  # it judged no network within the budget
        return math.nan, math.nan, len(trials), time.perf_counter() - begin
    seconds, choice = time.perf_counter() - begin, method.answer(asked, result)
    fits = asked.problem.cost.total(asked.problem.space.architecture(choice)) <= asked.problem.budget
    accuracy = asked.judge(choice) if fits else math.nan
    return asked.best - accuracy, accuracy, method.trials(result) + method.more, seconds


def row(task: str, method: Method, runs: list[list[Numbers]]) -> dict[str, Any]:
    every = np.array(runs)  # (seeds, budgets, 4)
    by_seed = [float(np.nanmean(regrets)) for regrets in every[:, :, 0] if np.isfinite(regrets).any()]
    return {
        "task": task,
        "method": method.name,
        "trials": float(every[:, :, 2].mean()),
        "regret": float(np.nanmean(every[:, :, 0])),
        "standard_error": statistics.stdev(by_seed) / len(by_seed) ** 0.5 if len(by_seed) > 1 else None,
        "p90": float(np.nanquantile(every[:, :, 0], 0.9)),
        "accuracy": float(np.nanmean(every[:, :, 1])),
        "unanswered": float(np.isnan(every[:, :, 0]).mean()),
        "seconds": float(every[:, :, 3].mean()),
        "options": {**method.options, "max_trials": method.most},
    }


def shown(task: str, rows: list[dict[str, Any]], seeds: int) -> Table:
    table = Table(
        "method",
        "trials",
        "regret",
        "± s.e.",
        "p90",
        "accuracy",
        "no answer",
        "s a run",
        title=f"{task}, {seeds} seeds",
    )
    for each in rows:
        error = "-" if each["standard_error"] is None else f"{each['standard_error']:.3f}"
        digits = {"p90": ".3f", "accuracy": ".2f", "unanswered": ".0%", "seconds": ".2f"}
        numbers = (format(each[key], form) for key, form in digits.items())
        table.add_row(each["method"], f"{each['trials']:.0f}", f"{each['regret']:.3f}", error, *numbers)
    return table


if __name__ == "__main__":
    main()
