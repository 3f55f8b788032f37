"""Measure the time of the exact solvers on spaces of realistic sizes, compared with HiGHS and OR-Tools CP-SAT.

    python -m tools.bench.solvers
    python -m tools.bench.solvers --repeats 5 --json solvers.json

Costs and values are seeded random numbers: values grow with the logarithm of cost, plus noise, as accuracy does.
``tunas_v3`` is the real graph of that space with seeded costs near its MACs, ``mathnas_mobilenet_v3`` that of MathNAS's
nodes, with MACs and capacities: values that are additive inside of a node leave the most labels. Times are milliseconds
on one thread of this machine, the smallest of the repeats for the dynamic program, one run for HiGHS and CP-SAT. The
dynamic program finds the whole front (MiB: the most that numpy and Python held for it), the others the best network for
one budget. Every answer is compared: with every path, where they can be tried one by one, and with what HiGHS and
CP-SAT prove; the program fails where they differ, or where a front takes longer than its bar.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from rich.table import Table

from edgenas.base.errors import OutcomeError
from edgenas.search.cost import macs_cost
from edgenas.search.graph import Graph, GraphLayer, layered_graph
from edgenas.search.lazy import capacity_values
from edgenas.search.solvers import brute_force, charnes_cooper, dinkelbach, milp, pareto_dp
from edgenas.search.spaces import space
from tools.bench import cp_sat
from tools.bench.command import not_installed, options, run, show

CHAINS = ((8, 6), (22, 9), (24, 72), (5, 7371))
BARS_MS = {
    "22 x 9": 50.0,
    "24 x 72": 400.0,
    "5 x 7371": 50.0,
    "mathnas_mobilenet_v3": 50.0,
    "tunas_v3": 5000.0,
}  #: for the whole front
LIMIT_S = 60.0  #: of HiGHS and CP-SAT
CLOSE = 1e-5  #: relative: HiGHS's tolerances, CP-SAT's whole numbers
#: solvers that need a package -> (module, extra)
PEERS = {"CP-SAT": ("ortools", "bench")}
#: key -> heading; the fraction is MathNAS's
HEADINGS = {
    "graph": "graph",
    "edges": "edges",
    "front_points": "points",
    "front_ms": "front",
    "bar_ms": "bar",
    "met": "",
    "front_mib": "MiB",
    "brute_force": "brute force",
    "one_budget_ms": "budget",
    "fraction_ms": "fraction",
    "iterations": "steps",
    "highs_ms": "HiGHS",
    "cp_sat_ms": "CP-SAT",
    "highs_fraction_ms": "HiGHS fraction",
}


def main(argv: Sequence[str] | None = None) -> int:
    parser = options(__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--alone", action="store_true", help="leave out HiGHS and CP-SAT, which take minutes")
    arguments = parser.parse_args(argv)
    graphs = {f"{layers} x {options}": chain(layers, options) for layers, options in CHAINS}
    graphs |= {"mathnas_mobilenet_v3": nodes_graph(), "tunas_v3": tunas_graph()}
    absent = {} if arguments.alone else not_installed(PEERS)
    rows = [measured(name, graph, arguments.repeats, not arguments.alone) for name, graph in graphs.items()]
    table = Table(*HEADINGS.values(), title=f"milliseconds; - was not run, or no proof within {LIMIT_S:.0f} s")
    for row in rows:
        table.add_row(*(shown(row[key]) for key in HEADINGS))
    show({"rows": rows, "absent": absent}, [table], arguments.json, absent)
    return 0 if all(row["met"] is not False for row in rows) else 1


def shown(value: Any) -> str:
    if isinstance(value, bool):
        return "met" if value else "NOT MET"
    return "-" if value is None else f"{value:.1f}" if isinstance(value, float) else str(value)


def measured(name: str, graph: Graph, repeats: int, others: bool) -> dict[str, Any]:
    """Return one row; compare the answers of the solvers."""
    front, whole_ms = timed(lambda: pareto_dp.pareto_front(graph), repeats)
    budget = float(front.costs[0] + 0.4 * (front.costs[-1] - front.costs[0]))
    answer, budget_ms = timed(lambda: pareto_dp.solve(graph, budget), repeats)
    loss, size = ratio_terms(graph)
    ratio, ratio_ms = timed(lambda: dinkelbach.solve(graph, budget, loss, size), repeats)
    bar = BARS_MS.get(name)
    row: dict[str, Any] = {
        "graph": name,
        "layers": len(graph.layers),
        "edges": sum(len(layer) for layer in graph.layers),
        "front_points": len(front),
        "front_ms": whole_ms,
        "bar_ms": bar,
        "met": None if bar is None else whole_ms < bar,
        "front_mib": most_mib(lambda: pareto_dp.pareto_front(graph)),
        "brute_force": "-",
        "one_budget_ms": budget_ms,
        "fraction_ms": ratio_ms,
        "iterations": ratio.iterations,
        "highs_ms": None,
        "cp_sat_ms": None,
        "highs_fraction_ms": None,
    }
    if brute_force.count_paths(graph) <= brute_force.MOST_PATHS:
        row["brute_force"] = same_front(name, graph, front)
    if others:
        found, row["highs_ms"] = within_limit(lambda: milp.solve(graph, budget, LIMIT_S))
        check(name, "HiGHS", found and found.value, answer.value)
        if not not_installed(PEERS):
            found, row["cp_sat_ms"] = within_limit(lambda: cp_sat.solve(graph, budget, LIMIT_S))
            check(name, "CP-SAT", found and found.value, answer.value)
        same, row["highs_fraction_ms"] = within_limit(lambda: charnes_cooper.solve(graph, budget, loss, size, LIMIT_S))
        check(name, "HiGHS, the fraction", same and same.ratio, ratio.ratio)
    return row


def check(name: str, solver: str, found: float | None, exact: float) -> None:
    if found is not None and abs(found - exact) > CLOSE * abs(exact):
        raise SystemExit(f"{name}: {solver} found {found}, the dynamic program {exact}")


def same_front(name: str, graph: Graph, front: pareto_dp.ParetoFront) -> str:
    """Return 'equal' where the enumeration of every path gives the same front, point by point and to the last bit."""
    paths = brute_force.all_paths(graph)
    order = np.lexsort((-paths.values, paths.costs))
    values = paths.values[order]
    rises = np.append(True, values[1:] > np.maximum.accumulate(values)[:-1])
    if not (np.array_equal(paths.costs[order][rises], front.costs) and np.array_equal(values[rises], front.values)):
        raise SystemExit(f"{name}: trying every path gives another front than the dynamic program")
    return "equal"


def within_limit(run: Callable[[], Any]) -> tuple[Any, float | None]:
    """Return (answer, ms) of one run; (None, None) where the time limit comes before a proof."""
    try:
        return timed(run, 1)
    except OutcomeError:
        return None, None


def timed(run: Callable[[], Any], repeats: int) -> tuple[Any, float]:
    """Return (answer, smallest time in ms)."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        answer = run()
        times.append((time.perf_counter() - start) * 1e3)
    return answer, min(times)


def most_mib(run: Callable[[], Any]) -> float:
    tracemalloc.start()
    run()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return float(most / 2**20)


def chain(layers: int, options: int) -> Graph:
    """Return a graph of one state, with the same number of options in every layer."""
    rng = np.random.default_rng(0)
    zero = np.zeros(options, np.int64)
    made = []
    for _ in range(layers):
        cost = rng.uniform(0.1, 3, options)
        value = np.log(cost) + 0.5 * rng.normal(size=options)
        made.append(GraphLayer(zero, zero, np.arange(options), cost, value))
    return Graph((1,) * (layers + 1), tuple(made))


def nodes_graph() -> Graph:
    """MathNAS's 5 nodes of 7,371 options, by MACs and by the capacities of their blocks."""
    nodes = space("mathnas_mobilenet_v3")
    return layered_graph(nodes, macs_cost()).with_values(capacity_values(nodes))


def tunas_graph() -> Graph:
    """Return the graph of tunas_v3, whose blocks cost about their MACs^0.9, in milliseconds."""
    graph = layered_graph(space("tunas_v3"), macs_cost())
    rng = np.random.default_rng(0)
    graph = graph.with_costs([(x.cost / 1e6) ** 0.9 * rng.uniform(0.8, 1.2, len(x)) for x in graph.layers])
    return graph.with_values([np.log1p(x.cost) * rng.uniform(0.5, 1.5, len(x)) for x in graph.layers])


def ratio_terms(graph: Graph) -> tuple[list[Any], list[Any]]:
    """Return the losses and sizes of a fraction: the distance of each option to the best value of its layer, and its
    cost with noise.
    """
    rng = np.random.default_rng(1)
    loss = [layer.value.max() - layer.value for layer in graph.layers]
    return loss, [(layer.cost + 0.01) * rng.uniform(0.9, 1.1, len(layer)) for layer in graph.layers]


if __name__ == "__main__":
    run(main)
