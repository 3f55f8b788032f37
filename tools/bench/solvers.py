"""How long the exact solvers take on spaces of the sizes that matter, beside HiGHS.

    python tools/bench/solvers.py
    python tools/bench/solvers.py --repeats 5 --json solvers.json

Costs and values are seeded random numbers: values grow with the logarithm of cost, plus noise, as accuracy does. Times
are the smallest of the repeats, in milliseconds, on one thread of this machine. ``tunas_v3`` is the real graph of that
space with seeded costs near its MACs.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from blocks.errors import OutcomeError
from search.cost import macs_cost
from search.graph import Graph, GraphLayer, layered_graph
from search.solvers import charnes_cooper, dinkelbach, milp, pareto_dp
from search.spaces import space

CHAINS = ((22, 9), (24, 72), (5, 7371))
HIGHS_LIMIT_S = 60.0
#: key -> heading; the fraction is MathNAS's
HEADINGS = {
    "graph": "graph",
    "edges": "edges",
    "front_points": "points",
    "front_ms": "front",
    "one_budget_ms": "budget",
    "fraction_ms": "fraction",
    "iterations": "steps",
    "highs_ms": "HiGHS",
    "highs_fraction_ms": "HiGHS fraction",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-highs", action="store_true", help="leave out HiGHS, which takes seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers, - for standard output")
    arguments = parser.parse_args()
    graphs = {f"{layers} x {options}": chain(layers, options) for layers, options in CHAINS}
    graphs["tunas_v3"] = tunas_graph()
    rows = [measured(name, graph, arguments.repeats, not arguments.no_highs) for name, graph in graphs.items()]
    if str(arguments.json) == "-":
        print(json.dumps(rows, indent=2))
        return
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")
    table = Table(*HEADINGS.values(), title=f"milliseconds; - is no proof within {HIGHS_LIMIT_S:.0f} s of HiGHS")
    for row in rows:
        table.add_row(*(shown(row[key]) for key in HEADINGS))
    Console().print(table)


def shown(value: Any) -> str:
    return "-" if value is None else f"{value:.1f}" if isinstance(value, float) else str(value)


def measured(name: str, graph: Graph, repeats: int, highs: bool) -> dict[str, Any]:
    """One row; the answers of the solvers are compared on the way."""
    front, whole_ms = timed(lambda: pareto_dp.pareto_front(graph), repeats)
    budget = float(front.costs[0] + 0.4 * (front.costs[-1] - front.costs[0]))
    answer, budget_ms = timed(lambda: pareto_dp.solve(graph, budget), repeats)
    loss, size = ratio_terms(graph)
    ratio, ratio_ms = timed(lambda: dinkelbach.solve(graph, budget, loss, size), repeats)
    row: dict[str, Any] = {
        "graph": name,
        "layers": len(graph.layers),
        "edges": sum(len(layer) for layer in graph.layers),
        "front_points": len(front),
        "front_ms": whole_ms,
        "one_budget_ms": budget_ms,
        "fraction_ms": ratio_ms,
        "iterations": ratio.iterations,
        "highs_ms": None,
        "highs_fraction_ms": None,
    }
    if highs:
        found, row["highs_ms"] = within_limit(lambda: milp.solve(graph, budget, HIGHS_LIMIT_S))
        if found is not None and abs(found.value - answer.value) > 1e-5 * abs(answer.value):
            raise SystemExit(f"{name}: HiGHS found {found.value}, the dynamic program {answer.value}")
        same, row["highs_fraction_ms"] = within_limit(
            lambda: charnes_cooper.solve(graph, budget, loss, size, HIGHS_LIMIT_S)
        )
        if same is not None and abs(same.ratio - ratio.ratio) > 1e-5 * abs(ratio.ratio):
            raise SystemExit(f"{name}: HiGHS found the ratio {same.ratio}, Dinkelbach {ratio.ratio}")
    return row


def within_limit(run: Callable[[], Any]) -> tuple[Any, float | None]:
    """(answer, ms) of one run, (None, None) when HiGHS proves nothing within its limit."""
    try:
        return timed(run, 1)
    except OutcomeError:
        return None, None


def timed(run: Callable[[], Any], repeats: int) -> tuple[Any, float]:
    """(answer, smallest time in ms)."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        answer = run()
        times.append((time.perf_counter() - start) * 1e3)
    return answer, min(times)


def chain(layers: int, options: int) -> Graph:
    """One state, the same number of options in every layer."""
    rng = np.random.default_rng(0)
    zero = np.zeros(options, np.int64)
    made = []
    for _ in range(layers):
        cost = rng.uniform(0.1, 3, options)
        value = np.log(cost) + 0.5 * rng.normal(size=options)
        made.append(GraphLayer(zero, zero, np.arange(options), cost, value))
    return Graph((1,) * (layers + 1), tuple(made))


def tunas_graph() -> Graph:
    """The chain of widths: its blocks cost about their MACs^0.9, in milliseconds."""
    graph = layered_graph(space("tunas_v3"), macs_cost())
    rng = np.random.default_rng(0)
    graph = graph.with_costs([(x.cost / 1e6) ** 0.9 * rng.uniform(0.8, 1.2, len(x)) for x in graph.layers])
    return graph.with_values([np.log1p(x.cost) * rng.uniform(0.5, 1.5, len(x)) for x in graph.layers])


def ratio_terms(graph: Graph) -> tuple[list[Any], list[Any]]:
    """Losses and sizes of a fraction: what the best value of the layer loses, and the cost less noise."""
    rng = np.random.default_rng(1)
    loss = [layer.value.max() - layer.value for layer in graph.layers]
    return loss, [(layer.cost + 0.01) * rng.uniform(0.9, 1.1, len(layer)) for layer in graph.layers]


if __name__ == "__main__":
    main()
