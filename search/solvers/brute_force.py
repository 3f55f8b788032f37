"""Enumeration of all paths of a small graph: the reference that the other solvers are checked against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgenas.base.errors import InputError
from edgenas.search.graph import Bools, Floats, Graph, Ints, Solution

MOST_PATHS = 3_000_000


@dataclass(frozen=True, eq=False)
class Paths:
    """All paths of a graph in lexicographic order of their edges: ``edges`` (paths, layers), ``costs`` and ``values``
    (paths,)."""

    edges: Ints
    costs: Floats
    values: Floats


def all_paths(graph: Graph) -> Paths:
    """Enumerate all paths of ``graph``; InputError above ``MOST_PATHS`` paths."""
    total = count_paths(graph)
    if total > MOST_PATHS:
        raise InputError(f"{total:.3g} networks are too many to try one by one (at most {MOST_PATHS:,}); use the DP")
    state, cost, value = np.zeros(1, np.int64), np.zeros(1), np.zeros(1)
    columns: list[Ints] = []
    for layer, count in zip(graph.layers, graph.states[:-1], strict=True):
        leaving = [np.flatnonzero(layer.source == s) for s in range(count)]
        fanout = np.array([len(edges) for edges in leaving])[state]  # (paths,)
        parent = np.repeat(np.arange(len(state)), fanout)  # (longer paths,)
        edge = np.concatenate([leaving[s] for s in state.tolist()]) if len(state) else np.zeros(0, np.int64)
        columns = [column[parent] for column in columns] + [edge]
        state, cost, value = layer.target[edge], cost[parent] + layer.cost[edge], value[parent] + layer.value[edge]
    return Paths(np.stack(columns, axis=1), cost, value)


def count_paths(graph: Graph) -> int:
    """Exact number of paths of ``graph``."""
    counts = [1] * graph.states[-1]
    for layer, states in zip(reversed(graph.layers), reversed(graph.states[:-1]), strict=True):
        here = [0] * states
        for source, target in zip(layer.source.tolist(), layer.target.tolist(), strict=True):
            here[source] += counts[target]
        counts = here
    return counts[0]


def solve(graph: Graph, budget: float) -> Solution | None:
    """Return the path of greatest value with cost <= budget that keeps the further limits, the cheapest of equals; None
    when there is none."""
    paths = all_paths(graph)
    fits = np.flatnonzero(fitting(graph, paths, budget))
    if len(fits) == 0:
        return None
    best = fits[np.lexsort((paths.costs[fits], -paths.values[fits]))[0]]
    return graph.solution([int(edge) for edge in paths.edges[best]])


def fitting(graph: Graph, paths: Paths, budget: float) -> Bools:
    """Return a mask (paths,) of the paths that cost at most the budget and keep the further limits."""
    fits = paths.costs <= budget
    for kind, most in enumerate(graph.most):
        fits &= sums(paths, [layer.also[kind] for layer in graph.layers]) <= most
    return fits


def sums(paths: Paths, weights: Sequence[Floats]) -> Floats:
    """Return the sums (paths,) of other edge weights along every path; ``weights`` has one array per layer."""
    total = np.zeros(len(paths.costs))
    for column, weight in zip(paths.edges.T, weights, strict=True):
        total += weight[column]
    return total
