"""The network of greatest value that keeps the budget and the limits exactly, also where a cost is not a sum."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from edgenas.search.graph import Bools, Floats, Graph, largest_cost
from edgenas.search.problem import Problem
from edgenas.search.solvers import limited
from edgenas.search.solvers.best_first import best_first
from edgenas.search.solvers.completions import completions
from edgenas.search.space import Choice

LOOKED_AT = 20_000  #: networks that are compared with the limits before the next way is tried


def best_within(
    problem: Problem, graph: Graph, values: Sequence[Floats], keep: Sequence[Bools] | None = None
) -> Choice | None:
    """Return the network of greatest value, the sum of ``values`` over its edges, that keeps budget and limits.

    ``graph`` is that of the problem. ``keep`` marks the edges that may be used, one array per layer; where no network
    of these fits, all edges are used. Networks are compared with the limits in the order of descending value; where
    none of the first ``LOOKED_AT`` fits, in the order of ascending cost. None where no network was found.
    """
    costs = [-layer.cost for layer in graph.layers]
    every = graph.with_values(values)
    graphs = [*([] if keep is None else [every.restricted(keep)]), every, graph.with_values(costs)]
    return next((choice for each in graphs for choice in _by_value(problem, each) if problem.fits(choice)), None)


def _by_value(problem: Problem, graph: Graph) -> Iterator[Choice]:
    bound = min(problem.cost.most_sum(problem.budget), largest_cost(graph))
    ends = completions(graph, bound)
    if len(ends.endings[0][0].cost):
        yield from islice(best_first(ends, bound), LOOKED_AT)
    if graph.most:  # of many endings under several limits, completions keeps some
        found = limited.solve(graph, problem.budget)
        if found is not None:
            yield found.choice
