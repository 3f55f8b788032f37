"""The best network under one budget by OR-Tools CP-SAT (extra ``bench``): an independent check of the solvers."""

from __future__ import annotations

import numpy as np

from edgenas.base.errors import MissingExtraError, OutcomeError
from edgenas.search.graph import Floats, Graph, Solution

STEPS = 10**7  #: of the budget, and of the largest value: CP-SAT knows whole numbers only


def solve(graph: Graph, budget: float, time_limit_s: float) -> Solution | None:
    """Return the path of greatest value with cost <= budget; None when there is none, OutcomeError when the time limit
    is reached.

    Costs are rounded up to a ten-millionth of the budget, values to a ten-millionth of the largest: the answer keeps
    the budget, and falls short of the best by a few millionths at most.
    """
    try:
        from ortools.sat.python import cp_model
    except ImportError as error:
        raise MissingExtraError("ortools", "bench", "CP-SAT") from error
    model = cp_model.CpModel()
    layers = [[model.new_bool_var("") for _ in range(len(layer))] for layer in graph.layers]
    for i, (layer, taken) in enumerate(zip(graph.layers, layers, strict=True)):
        model.add_exactly_one(taken)
        before = layers[i - 1] if i else []
        for state in range(graph.states[i]) if graph.states[i] > 1 else ():  # as many leave a state as enter it
            into = [before[edge] for edge in np.flatnonzero(graph.layers[i - 1].target == state)]
            out = [taken[edge] for edge in np.flatnonzero(layer.source == state)]
            model.add(sum(into) == sum(out))
    flat = [variable for taken in layers for variable in taken]
    cost, value = (np.concatenate([getattr(layer, name) for layer in graph.layers]) for name in ("cost", "value"))
    costs = np.ceil(cost / budget * STEPS).astype(np.int64).tolist()
    model.add(cp_model.LinearExpr.weighted_sum(flat, costs) <= STEPS)
    model.maximize(cp_model.LinearExpr.weighted_sum(flat, _whole(value)))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_time_in_seconds = time_limit_s
    status = solver.solve(model)
    if status == cp_model.INFEASIBLE:
        return None
    if status != cp_model.OPTIMAL:
        raise OutcomeError(f"CP-SAT proved nothing within {time_limit_s:g} s")
    return graph.solution([next(k for k, v in enumerate(taken) if solver.boolean_value(v)) for taken in layers])


def _whole(value: Floats) -> list[int]:
    found: list[int] = np.round(value / (np.abs(value).max() or 1.0) * STEPS).astype(np.int64).tolist()
    return found
