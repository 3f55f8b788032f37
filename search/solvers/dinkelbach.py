"""MathNAS's fractional program: the network of smallest  sum(loss) / sum(size)^power  whose cost is at most the budget.

The program of arXiv 2311.04943, section 4, is  max Acc(base) - sum(b^A meanF x) / sum(b^F x): ``power`` 1. Dinkelbach
(Management Science 13, 1967): at the ratio t of the best network so far, minimise  sum(loss) - t sum(size),  which is
additive, so that any exact solver can solve it; when the minimum is not below 0, t is the smallest ratio.

For 0 < power < 1 the size is replaced by the tangent of size^power at the best network. A tangent is above a concave
function, so for t >= 0 the same stopping rule proves the result. When the iteration ends without that proof, small
graphs are enumerated; for large graphs ``gap`` bounds the difference between the result and the smallest ratio.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgenas.base.errors import InputError
from edgenas.search.graph import Floats, Graph, Solution, Solver
from edgenas.search.solvers import brute_force, limited

MOST_ITERATIONS = 100


@dataclass(frozen=True, slots=True)
class Ratio:
    """A network, its exact cost and its ratio; ``iterations`` is the number of solver calls, ``gap`` the largest
    possible difference to the smallest ratio."""

    choice: tuple[int, ...]
    cost: float
    ratio: float
    iterations: int
    gap: float = 0.0


def solve(
    graph: Graph,
    budget: float,
    loss: Sequence[Floats],
    size: Sequence[Floats],
    power: float = 1.0,
    solver: Solver = limited.solve,
    start: Solution | None = None,
) -> Ratio | None:
    """Return the network of smallest  sum(loss) / sum(size)^power;  None when no path costs at most the budget and
    keeps the graph's further limits.

    ``loss`` and ``size`` have one array per layer, one number per edge; the size of every path must be above 0.
    ``power`` is within 0..1. ``start`` is a path within the limits from which the iteration begins; the result does not
    depend on it, except among equals. InputError for sizes and powers outside these ranges.
    """
    if not 0 <= power <= 1:
        raise InputError(f"power {power!r} is outside 0..1")
    if start is None or power == 0:
        start = solver(_with_loss(graph, loss), budget)
    best = _ratio_of(graph, start, loss, size, power)
    if best is None or power == 0:
        return None if best is None else Ratio(best[1].choice, best[1].cost, best[0], 1)
    iterations = 1
    while iterations < MOST_ITERATIONS:
        iterations += 1
        ratio, solution, sum_size = best
        slope = power * sum_size ** (power - 1)
        intercept = (1 - power) * sum_size**power
        found = _ratio_of(
            graph, solver(_relaxed(graph, loss, size, ratio, slope, intercept), budget), loss, size, power
        )
        if found is None or found[0] >= ratio:
            break
        best = found
    ratio, solution, sum_size = best
    answer = Ratio(solution.choice, solution.cost, ratio, iterations)
    if power == 1:
        return answer
    return _proven(graph, budget, loss, size, power, solver, answer, sum_size)


def _proven(
    graph: Graph,
    budget: float,
    loss: Sequence[Floats],
    size: Sequence[Floats],
    power: float,
    solver: Solver,
    answer: Ratio,
    sum_size: float,
) -> Ratio:
    """Return ``answer`` when it is proven to be the best; else the best path by enumeration; on graphs too large for
    enumeration, ``answer`` with its gap."""
    bound = _lower_bound(graph, budget, loss, size, power, solver, sum_size)
    if bound >= answer.ratio - 1e-12 * max(1.0, abs(answer.ratio)):
        return answer
    if brute_force.count_paths(graph) > brute_force.MOST_PATHS // 10:
        return Ratio(answer.choice, answer.cost, answer.ratio, answer.iterations, answer.ratio - bound)
    paths = brute_force.all_paths(graph)
    losses, sizes = brute_force.sums(paths, loss), brute_force.sums(paths, size)
    ratios = np.where(brute_force.fitting(graph, paths, budget), losses / sizes**power, np.inf)
    best = int(np.lexsort((paths.costs, ratios))[0])
    solution = graph.solution([int(edge) for edge in paths.edges[best]])
    return Ratio(solution.choice, solution.cost, float(ratios[best]), answer.iterations)


def _lower_bound(
    graph: Graph,
    budget: float,
    loss: Sequence[Floats],
    size: Sequence[Floats],
    power: float,
    solver: Solver,
    sum_size: float,
) -> float:
    """Lower bound on the ratio of all paths within the budget: by the tangent at ``sum_size`` where the bound is >= 0,
    else by the chord, which is below size^power."""
    slope, intercept = power * sum_size ** (power - 1), (1 - power) * sum_size**power
    line = _linear_ratio(graph, budget, loss, size, slope, intercept, solver)
    if line >= 0:
        return line
    low, high = (_extreme(graph, budget, size, sign, solver) for sign in (-1.0, 1.0))
    slope = (high**power - low**power) / (high - low) if high > low else 0.0
    return _linear_ratio(graph, budget, loss, size, slope, low**power - slope * low, solver)


def _linear_ratio(
    graph: Graph,
    budget: float,
    loss: Sequence[Floats],
    size: Sequence[Floats],
    slope: float,
    intercept: float,
    solver: Solver,
) -> float:
    """Smallest  sum(loss) / (slope sum(size) + intercept)  of a path within the budget."""
    line = [slope * layer for layer in size]
    line[0] = line[0] + intercept
    found = solve(graph, budget, loss, line, 1.0, solver)
    assert found is not None  # the caller has a path within the budget
    return found.ratio


def _extreme(graph: Graph, budget: float, size: Sequence[Floats], sign: float, solver: Solver) -> float:
    found = solver(graph.with_values([sign * layer for layer in size]), budget)
    assert found is not None
    return sign * found.value


def _with_loss(graph: Graph, loss: Sequence[Floats]) -> Graph:
    return graph.with_values([-layer for layer in loss])


def _relaxed(
    graph: Graph, loss: Sequence[Floats], size: Sequence[Floats], ratio: float, slope: float, intercept: float
) -> Graph:
    """Return the graph with the values  ratio (slope size + intercept) - loss,  which are to be maximised."""
    values = [ratio * slope * s - a for a, s in zip(loss, size, strict=True)]
    values[0] = values[0] + ratio * intercept
    return graph.with_values(values)


def _ratio_of(
    graph: Graph, solution: Solution | None, loss: Sequence[Floats], size: Sequence[Floats], power: float
) -> tuple[float, Solution, float] | None:
    """Return (ratio, solution, sum of sizes) for a solver's solution; None for None."""
    if solution is None:
        return None
    edges = graph.path(solution.choice)
    sum_loss = sum(float(layer[edge]) for layer, edge in zip(loss, edges, strict=True))
    sum_size = sum(float(layer[edge]) for layer, edge in zip(size, edges, strict=True))
    if not sum_size > 0:
        raise InputError(f"network {solution.choice} has size {sum_size:g}: a ratio needs sizes above 0")
    return sum_loss / sum_size**power, solution, sum_size
