"""MathNAS's fractional program, solved as in the paper: a mixed-integer linear program by Charnes and Cooper's
substitution.

With z = 1 / sum(size) and w = z x for each edge's binary x, the smallest  sum(loss) / sum(size)  is the smallest
sum(loss w) with sum(size w) = 1 and w in {0, z}, which big-M constraints express (arXiv 2311.04943, section 4). HiGHS
solves the program (``program``). Its tolerances can cut off a network that is within 1e-6 of the budget, or let one in
that is just over it. ``solve`` therefore begins Dinkelbach's method at HiGHS's network: one exact step proves that no
network is better, or continues to the best one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgenas.base.errors import OutcomeError
from edgenas.search.graph import Floats, Graph, Solution, best_rest, smallest_cost
from edgenas.search.solvers import dinkelbach
from edgenas.search.solvers.dinkelbach import Ratio
from edgenas.search.solvers.flow import conservation, path_of, scale_of, scaled_limits, stacked
from edgenas.search.solvers.highs import solved


def solve(
    graph: Graph, budget: float, loss: Sequence[Floats], size: Sequence[Floats], time_limit_s: float | None = None
) -> Ratio | None:
    """Return the network of smallest  sum(loss) / sum(size)  with cost <= budget that keeps the further limits; None
    when there is none. The answer is proven by ``dinkelbach.solve``. OutcomeError when ``time_limit_s`` is over."""
    start = program(graph, budget, loss, size, time_limit_s)
    return dinkelbach.solve(graph, budget, loss, size, start=start)


def program(
    graph: Graph, budget: float, loss: Sequence[Floats], size: Sequence[Floats], time_limit_s: float | None = None
) -> Solution | None:
    """Return HiGHS's answer to the program, without proof: its ratio may exceed the smallest, by about 1e-6 of its
    scale, and by more where the best network is within HiGHS's tolerance of the budget. None when it finds no network
    that keeps the budget and the limits to the last bit. OutcomeError when ``time_limit_s`` is over."""
    from scipy.optimize import LinearConstraint
    from scipy.sparse import bmat, csr_matrix, identity

    if smallest_cost(graph) > budget:
        return None
    flat_loss = stacked(loss)
    unit = float(best_rest(graph, size).bound[0][0])  # the smallest size, so that z is at most 1
    least_z = unit / float(best_rest(graph, size, largest=True).bound[0][0])
    flat_size, n = stacked(size) / unit, len(flat_loss)
    matrix, right = conservation(graph)
    one, column = identity(n), np.zeros((n, 1))

    # variables: w (n), x (n), z (1)
    def rows(w: Any, x: Any, z: Any, low: Any, high: Any) -> LinearConstraint:
        return LinearConstraint(bmat([[w, x, csr_matrix(z)]], format="csr"), low, high)

    constraints = [
        rows(csr_matrix(matrix.shape), matrix, np.zeros((len(right), 1)), right, right),  # x is a path
        rows(matrix, csr_matrix(matrix.shape), -right[:, None], 0, 0),  # w is z times a path
        rows(one, -one, column, -np.inf, 0),  # the big M: w <= x, and so, being a flow of z, w = z x
        rows(one, -least_z * one, column, 0, np.inf),  # w >= least_z x
        rows(flat_size[None, :], np.zeros((1, n)), [[0.0]], 1, 1),
    ]
    for row, most in scaled_limits(graph, budget):
        constraints.append(rows(row[None, :], np.zeros((1, n)), [[-most]], -np.inf, 0))
        constraints.append(rows(np.zeros((1, n)), row[None, :], [[0.0]], -np.inf, most))
    objective = np.concatenate([flat_loss / scale_of(flat_loss), np.zeros(n + 1)])
    integral = np.concatenate([np.zeros(n), np.ones(n), [0.0]])
    answer = solved(objective, integral, constraints, time_limit_s)
    if answer.status == 1:
        raise OutcomeError(f"HiGHS found no best network within {budget:g}: {answer.message}")
    if answer.x is None:
        return None
    try:
        edges = path_of(graph, answer.x[n : 2 * n])
    except OutcomeError:  # no path: numbers beyond HiGHS's tolerances
        return None
    solution = graph.solution(edges)
    return solution if solution.cost <= budget and graph.keeps(edges) else None
