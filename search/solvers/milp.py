"""The best network under a budget and further limits as an integer program, by HiGHS through scipy. It checks the
dynamic programs, and replaces them where several limits lead to too many labels.

Results agree with ``pareto_dp.solve`` up to HiGHS's tolerances: a value may be below the best by about 1e-6 of the
largest edge value. The budget and the limits are kept exactly: a network that is over them by less than HiGHS's
tolerance is excluded, and HiGHS solves again.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgenas.base.errors import OutcomeError
from edgenas.search.graph import Graph, Solution, smallest_cost
from edgenas.search.solvers.flow import conservation, path_of, scale_of, scaled_limits, stacked
from edgenas.search.solvers.highs import solved

MOST_REPAIRS = 50  #: largest number of paths just over a limit, excluded one by one


def solve(graph: Graph, budget: float, time_limit_s: float | None = None) -> Solution | None:
    """Return the path of greatest value with cost <= budget that keeps the further limits; None when there is none.

    OutcomeError when ``time_limit_s`` is over, or after ``MOST_REPAIRS`` paths just over the budget.
    """
    from scipy.optimize import LinearConstraint

    if smallest_cost(graph) > budget:
        return None
    cost, value = stacked([x.cost for x in graph.layers]), stacked([x.value for x in graph.layers])
    matrix, right = conservation(graph)
    constraints: list[Any] = [
        LinearConstraint(matrix, right, right),
        *(LinearConstraint(row[None, :], -np.inf, most) for row, most in scaled_limits(graph, budget)),
    ]
    for _ in range(MOST_REPAIRS):
        answer = solved(-value / scale_of(value), np.ones(len(cost)), constraints, time_limit_s)
        if answer.status == 2 and graph.most:
            return None
        if answer.x is None or answer.status == 1:
            raise OutcomeError(f"HiGHS found no proven best network within {budget:g}: {answer.message}")
        edges = path_of(graph, answer.x)
        solution = graph.solution(edges)
        if solution.cost <= budget and graph.keeps(edges):
            return solution
        chosen = np.zeros(len(cost))
        chosen[np.cumsum([0, *(len(x) for x in graph.layers[:-1])]) + np.array(edges)] = 1.0
        constraints.append(LinearConstraint(chosen[None, :], -np.inf, len(edges) - 1))
    raise OutcomeError(f"HiGHS keeps answering with networks just over {budget:g}; use the dynamic program")
