"""Measure the quality of the networks that each search finds on published benchmarks, and its cost in trainings.

    python -m tools.bench.search_quality --macro nas-bench-macro_cifar10.json --cells nasbench201.csv.gz
    python -m tools.bench.search_quality --macro FILE --cells FILE --seeds 30 --json quality.json
    python -m tools.bench.search_quality --made --seeds 30

Regret is the best judged value of any network within the budget less that of the network found, in points; its standard
error is over seeds, p90 over all runs. "no answer" is the share of runs whose answer breaks the budget; no other number
counts them. The last table holds every bar (``tools/bench/search_bars.py``): what was asked for, what was found, met or
NOT MET; one that is not met makes the exit status 1. Methods are described in ``tools/bench/search_methods.py``, tasks
in ``tools/bench/search_tasks.py``; budgets are quantiles of all networks. ``--made`` runs hybrid on made-up spaces
(``tools/bench/search_made.py``), where changes to it are tried before these benchmarks see them.
"""

from __future__ import annotations

import math
import re
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from edgenas.base.errors import OutcomeError
from edgenas.search.algorithms.by_name import search
from edgenas.search.problem import Result
from edgenas.search.trials import Trials
from tools.bench.command import STDOUT, options, run, show
from tools.bench.search_bars import bars_table, compared
from tools.bench.search_made import MadeUp
from tools.bench.search_methods import FREE, MACRO, MADE, MERGED, PI4, Method
from tools.bench.search_tasks import Asked, CellsFreely, CellsOnPi4, Macro

Numbers = tuple[float, float, int, float]


def main(argv: Sequence[str] | None = None) -> int:
    parser = options(__doc__)
    parser.add_argument("--macro", type=Path, help="NAS-Bench-Macro as published, JSON")
    parser.add_argument("--cells", type=Path, help="NAS-Bench-201 joined with latencies, CSV")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--made", action="store_true", help="made-up spaces, hybrid only")
    parser.add_argument("--methods", default="", metavar="REGEX", help="only those whose name it is found in")
    arguments = parser.parse_args(argv)
    tasks: list[tuple[Any, list[Method]]] = [(MadeUp(), MADE)] if arguments.made else []
    if arguments.macro:
        tasks += [(Macro(arguments.macro), MACRO), (Macro(arguments.macro, merged=True), MERGED)]
    if arguments.cells:
        tasks += [(CellsFreely(arguments.cells, data), FREE) for data in ("cifar10", "cifar100")]
        tasks += [(CellsOnPi4(arguments.cells, data), PI4) for data in ("cifar10", "cifar100")]
    if not tasks:
        parser.error("name --macro FILE, --cells FILE, --made or several of them")
    wanted = re.compile(arguments.methods).search
    tasks = [(task, [method for method in methods if wanted(method.name)]) for task, methods in tasks]
    rows = list[dict[str, Any]]()
    for task, methods in tasks:
        rows += measured(task, methods, arguments.seeds)
        table = shown(task.name, [row for row in rows if row["task"] == task.name], arguments.seeds)
        if arguments.json != STDOUT:
            show({"rows": rows, "bars": compared(rows)}, [table], arguments.json)  # hours may follow
    bars = compared(rows)
    show({"rows": rows, "bars": bars}, [bars_table(bars)], arguments.json)
    return 0 if all(bar["met"] for bar in bars) else 1


def measured(task: Any, methods: list[Method], seeds: int) -> list[dict[str, Any]]:
    """Return one row for each method: means over budgets and seeds."""
    asked = [task.asked(seed) for seed in range(seeds)]
    known: dict[Any, Any] = {}  # searches that several methods read their answers from
    return [
        row(task.name, method, [[run_once(method, each, known) for each in of_seed] for of_seed in asked])
        for method in track(methods, task.name, console=Console(stderr=True), transient=True)
    ]


def run_once(method: Method, asked: Asked, known: dict[Any, Any]) -> Numbers:
    """Return regret, judged accuracy, trials and seconds of one search; the first two are nan where the answer does not
    keep the budget.
    """
    key = (id(asked), method.algorithm, method.most, *sorted(method.options.items()))
    if key not in known:
        known[key] = searched(method, asked)
    result, trials, seconds = known[key]
    if result is None:
        return math.nan, math.nan, trials, seconds
    choice = method.answer(asked, result)
    accuracy = asked.judge(choice) if asked.problem.fits(choice) else math.nan
    return asked.best - accuracy, accuracy, method.trials(result) + method.more, seconds


def searched(method: Method, asked: Asked) -> tuple[Result | None, int, float]:
    """Return (result, or None where no network within the budget was judged; trials; seconds)."""
    begin, trials = time.perf_counter(), Trials(asked.problem, max_trials=method.most)
    try:
        result = search(method.algorithm, asked.problem, trials, **method.options)
    except OutcomeError:
        return None, len(trials), time.perf_counter() - begin
    return result, len(trials), time.perf_counter() - begin


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
    run(main)
