"""The exact Pareto front of a layered graph: greatest value for every cost, by dynamic programming over labels.

A label is the (cost, value) of some path from the start to a state. A label is dominated when another label of its
state has at most its cost and at least its value; it cannot be part of a better network and is removed. Layer by layer,
each label is extended by each edge, the new labels are sorted by cost, and those above the running maximum of value
stay. Nothing is rounded. Of equal labels the first stays: edges in the order of the graph, then labels by cost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgenas.base.errors import InputError
from edgenas.search.graph import Floats, Graph, GraphLayer, Ints, Solution, best_rest
from edgenas.search.solvers.sums import front, pairs, useful_edges


@dataclass(frozen=True, eq=False)
class _Labels:
    """The front of one state, cost and value both ascending; ``edge`` is the last edge of each label, ``before`` the
    index of its previous label."""

    cost: Floats
    value: Floats
    edge: Ints
    before: Ints  # index into the labels of the edge's source


@dataclass(frozen=True, eq=False)
class ParetoFront:
    """The Pareto front of cost and value: ``costs`` and ``values`` of its networks, both strictly ascending."""

    costs: Floats
    values: Floats
    _graph: Graph
    _last: Ints  # state after the last layer
    _label: Ints  # index into that state's labels
    _history: tuple[tuple[_Labels, ...], ...]

    def __len__(self) -> int:
        return len(self.costs)

    def solution(self, index: int) -> Solution:
        """Return the network of point ``index``."""
        state, label, edges = int(self._last[index]), int(self._label[index]), []
        for layer, labels in zip(reversed(self._graph.layers), reversed(self._history), strict=True):
            edge = int(labels[state].edge[label])
            label = int(labels[state].before[label])
            edges.append(edge)
            state = int(layer.source[edge])
        return self._graph.solution(edges[::-1])

    def best(self, budget: float) -> Solution | None:
        """Return the network of greatest value with cost <= budget; None when there is none."""
        index = int(np.searchsorted(self.costs, budget, side="right")) - 1
        return None if index < 0 else self.solution(index)


def pareto_front(graph: Graph, budget: float | None = None) -> ParetoFront:
    """Return the whole front, or with ``budget`` only its part with cost <= budget, which takes less time.

    InputError for a graph with further limits; ``edgenas.search.solvers.limited`` solves these.
    """
    if graph.most:
        raise InputError(
            f"a front of cost and value cannot keep the {len(graph.most)} further limits of this graph; use "
            "edgenas.search.solvers.limited"
        )
    slack = np.inf if budget is None else budget + 1e-9 * abs(budget)  # bounds are added in another order than costs
    rest = best_rest(graph, [layer.cost for layer in graph.layers]).bound
    labels: tuple[_Labels, ...] = (_Labels(np.zeros(1), np.zeros(1), np.zeros(1, np.int64), np.zeros(1, np.int64)),)
    history = []
    for i, layer in enumerate(graph.layers):
        limit = np.where(np.isfinite(rest[i + 1]), slack - np.nan_to_num(rest[i + 1]), -np.inf)
        labels = _step(layer, graph.states[i + 1], labels, limit)
        history.append(labels)
    last = np.concatenate([np.full(len(state.cost), s) for s, state in enumerate(labels)])
    label = np.concatenate([np.arange(len(state.cost)) for state in labels])
    costs = np.concatenate([state.cost for state in labels])
    values = np.concatenate([state.value for state in labels])
    kept = front(costs, values)
    if budget is not None:
        kept = kept[costs[kept] <= budget]
    return ParetoFront(costs[kept], values[kept], graph, last[kept], label[kept], tuple(history))


def solve(graph: Graph, budget: float) -> Solution | None:
    """Return the path of greatest value with cost <= budget, the cheapest of equals; None when there is none."""
    return pareto_front(graph, budget).best(budget)


def _step(layer: GraphLayer, count: int, labels: tuple[_Labels, ...], limit: Floats) -> tuple[_Labels, ...]:
    """Return the labels of the ``count`` states after ``layer``; ``limit`` is the largest cost of a label per state."""
    useful = useful_edges(layer)
    after = []
    for target in range(count):
        parts = []
        into = useful[layer.target[useful] == target]
        for source in np.unique(layer.source[into]):
            edges, known = into[layer.source[into] == source], labels[source]
            nth, before = pairs(layer.cost[edges], layer.value[edges], known.cost, known.value)
            edge = edges[nth]
            parts.append((layer.cost[edge] + known.cost[before], layer.value[edge] + known.value[before], edge, before))
        if not parts:
            empty = np.zeros(0, np.int64)
            after.append(_Labels(np.zeros(0), np.zeros(0), empty, empty))
            continue
        cost, value, edge, before = (np.concatenate(column) for column in zip(*parts, strict=True))
        affordable = np.flatnonzero(cost <= limit[target])
        kept = affordable[front(cost[affordable], value[affordable])]
        after.append(_Labels(cost[kept], value[kept], edge[kept], before[kept]))
    return tuple(after)
