"""How good the networks are that each search finds on NAS-Bench-Macro, and what they cost in trainings.

    python tools/bench/search_quality.py path/to/nas-bench-macro_cifar10.json
    python tools/bench/search_quality.py FILE --seeds 30 --json quality.json

Budgets are the .1, .25, .4, .55, .7 and .85 quantiles of all networks' FLOPs. A search sees one of the three published
trainings of a network, drawn by the seed; regret is the published mean of the best network within the budget less the
mean of the network found, in points. ``predicted`` is the network MathNAS predicts best, which it never trains.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from search.accuracy.tabular import NasBenchMacro
from search.algorithms import search
from search.cost import macs_cost
from search.problem import Candidate, Problem, Result
from search.space import Choice, Space
from search.spaces import space
from search.trials import Trials

QUANTILES = (0.1, 0.25, 0.4, 0.55, 0.7, 0.85)


@dataclass(frozen=True)
class Method:
    """An algorithm with its options; ``answer`` picks the network, ``trainings`` what it paid, from a result."""

    name: str
    algorithm: str
    options: dict[str, Any]
    answer: Callable[[Space, Result], Choice] = lambda _, result: result.best.choice
    trainings: Callable[[Result], int] = lambda result: len(result.trials)


METHODS = (
    Method("random 50", "random", {"samples": 50}),
    Method("random 100", "random", {"samples": 100}),
    Method("random 400", "random", {"samples": 400}),
    Method("LayerNAS H=10", "layernas", {"buckets": 10}),
    Method("LayerNAS H=20", "layernas", {"buckets": 20}),
    Method("LayerNAS H=100", "layernas", {"buckets": 100}),
    Method("LayerNAS H=10, 2 passes", "layernas", {"buckets": 10, "passes": 2}),
    Method("LayerNAS H=20, fill mid", "layernas", {"buckets": 20, "fill": "mid"}),
    *(
        method
        for power in (1.0, 0.0)
        for method in (
            Method(
                f"MathNAS power {power:g}, predicted", "mathnas", {"power": power},
                lambda s, result: s.parse(result.notes["predicted_best"]["network"]),
                lambda result: int(result.notes["estimated_from"]),
            ),
            Method(f"MathNAS power {power:g}, top 1", "mathnas", {"power": power}),
            Method(f"MathNAS power {power:g}, top 10", "mathnas", {"power": power, "top": 10}),
        )
    ),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="the published JSON")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers, - for standard output")
    arguments = parser.parse_args()
    rows = measured(arguments.table, arguments.seeds)
    if str(arguments.json) == "-":
        print(json.dumps(rows, indent=2))
        return
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")
    table = Table("method", "trainings", "regret", "± standard error", title=f"{arguments.seeds} seeds x 6 budgets")
    for row in rows:
        table.add_row(
            row["method"],
            f"{row['trainings']:.0f}",
            f"{row['regret']:.3f}",
            "-" if row["standard_error"] is None else f"{row['standard_error']:.3f}",
        )
    Console().print(table)


def measured(path: Path, seeds: int) -> list[dict[str, Any]]:
    """One row a method: mean trainings and mean regret over budgets and seeds, and its standard error over seeds."""
    s, judge = space("nas_bench_macro"), NasBenchMacro(path)
    published = json.loads(path.read_text())
    flops = np.array([row["flops"] for row in published.values()])
    means = np.array([sum(row["test_acc"]) / 3 for row in published.values()])
    budgets = [float(np.quantile(flops, q)) for q in QUANTILES]
    best = {budget: float(means[flops <= budget].max()) for budget in budgets}
    seen = [NasBenchMacro(path, "one", seed) for seed in range(seeds)]
    rows = []
    for method in track(METHODS, console=Console(stderr=True), transient=True):
        regrets, trainings = [], []
        for seed, accuracy in enumerate(seen):
            of_seed = []
            for budget in budgets:
                problem = Problem(s, macs_cost(), accuracy, budget, seed)
                result = search(method.algorithm, problem, Trials(problem), **method.options)
                choice = method.answer(s, result)
                of_seed.append(best[budget] - judge.accuracy(Candidate(choice, s.architecture(choice))))
                trainings.append(method.trainings(result))
            regrets.append(statistics.mean(of_seed))
        error = statistics.stdev(regrets) / len(regrets) ** 0.5 if len(regrets) > 1 else None
        rows.append(
            {
                "method": method.name,
                "trainings": statistics.mean(trainings),
                "regret": statistics.mean(regrets),
                "standard_error": error,
                "options": method.options,
            }
        )
    return rows


if __name__ == "__main__":
    main()
