"""Check that some network keeps a problem's budget and limits; else report the active limits and the smallest reachable
costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from edgenas.search.graph import Graph, best_rest, check_smallest, largest_cost, layered_graph, smallest_cost
from edgenas.search.problem import ActiveLimit, BudgetError, Cost, Limit, Peak
from edgenas.search.solvers import limited
from edgenas.search.space import Space


class Bounds(Protocol):
    """The budget and the limits of a search, such as a ``Problem``: what decides which networks it may choose."""

    @property
    def space(self) -> Space: ...

    @property
    def cost(self) -> Cost: ...

    @property
    def budget(self) -> float: ...

    @property
    def limits(self) -> tuple[Limit, ...]: ...


def checked_graph(problem: Bounds) -> Graph:
    """Return the graph of a problem, with its limits; BudgetError when no network keeps budget and limits."""
    graph = layered_graph(problem.space, problem.cost, problem.limits)
    check_feasible(graph, problem)
    return graph


def check_feasible(graph: Graph, problem: Bounds) -> None:
    """Raise BudgetError when no path of ``graph`` (the graph of ``problem``) keeps the budget and every limit.

    The error names a smallest set of limits that cannot be kept together: limits are removed one by one, as long as the
    others still cannot be kept.
    """
    check_smallest(graph, problem.space, problem.budget, problem.cost.unit, problem.cost.name)
    if not problem.limits or _possible(graph, problem.budget):
        return
    wanted = [Limit(problem.cost, problem.budget), *problem.limits]
    active = list(range(len(wanted)))
    for left_out in range(len(wanted)):
        fewer = [index for index in active if index != left_out]
        if fewer and not _possible(*_only(graph, problem.budget, fewer)):
            active = fewer
    raise BudgetError(
        problem.space.name,
        [
            ActiveLimit(limit.cost.unit, limit.most, _least(graph, problem, limit, index, active), limit.cost.name)
            for index, limit in enumerate(wanted)
            if index in active
        ],
    )


def _possible(graph: Graph, budget: float) -> bool:
    """Return whether a path keeps the budget and every limit; the path of the smallest scaled sum over all limits is
    tried first."""
    most = np.array([budget, *graph.most])
    scaled = [layer.weights @ (1 / np.where(most > 0, most, 1e-6)) for layer in graph.layers]
    choice = best_rest(graph, scaled).complete(graph, 0, 0)
    edges = graph.path(choice)
    if graph.solution(edges).cost <= budget and graph.keeps(edges):
        return True
    return limited.solve(graph.with_values([np.zeros(len(layer)) for layer in graph.layers]), budget) is not None


def _only(graph: Graph, budget: float, kept: Sequence[int]) -> tuple[Graph, float]:
    """Return the graph with only the limits ``kept`` (index 0 is the budget), the first of them as its cost, and the
    budget of that cost."""
    most = (budget, *graph.most)
    first, *others = kept
    costs = [layer.weights[:, first] for layer in graph.layers]
    also = [layer.weights[:, others].T for layer in graph.layers]
    return graph.with_costs(costs).with_limits(also, [most[index] for index in others]), most[first]


def _least(graph: Graph, problem: Bounds, limit: Limit, index: int, active: Sequence[int]) -> float:
    """Smallest cost, in the unit of ``limit``, of a network that keeps the other active limits."""
    if isinstance(limit.cost, Peak):
        return _least_peak(problem, limit, index, active)
    others = [other for other in active if other != index]
    values = [-layer.weights[:, index] for layer in graph.layers]
    if not others:
        return smallest_cost(graph.with_costs([-value for value in values]))
    within, most = _only(graph, problem.budget, others)
    found = limited.solve(within.with_values(values), most)
    return math.inf if found is None else limit.cost.total(problem.space.architecture(found.choice))


def _least_peak(problem: Bounds, limit: Limit, index: int, active: Sequence[int]) -> float:
    """Smallest peak of a network that keeps the other active limits, by bisection over the peaks of all blocks."""
    peaks = sorted({peak for peak in _peaks(problem.space, limit) if peak > limit.most})
    others = [other for other in active if other != index]
    low, high = 0, len(peaks)
    while low < high:
        middle = (low + high) // 2
        eased = [*problem.limits]
        eased[index - 1] = Limit(limit.cost, peaks[middle])
        tried = layered_graph(problem.space, problem.cost, eased)
        if _possible(*_only(tried, problem.budget, sorted([*others, index]))):
            high = middle
        else:
            low = middle + 1
    return peaks[low] if low < len(peaks) else math.inf


def largest(space: Space, cost: Cost) -> float:
    """Return the cost of the most expensive network of a space; an upper bound where ``cost`` is not a sum."""
    if isinstance(cost, Peak):
        return max(_peaks(space, Limit(cost, 1.0)))
    return largest_cost(layered_graph(space, cost))


def _peaks(space: Space, limit: Limit) -> list[float]:
    return [max(limit.cost.of(block), limit.cost.fixed) for block in space.blocks()]
