"""The exact Pareto front of a layered graph: greatest value for every cost, by dynamic programming over labels.

A label is a (cost, value) that some path from the image to a state has; one that costs no less and is worth no more
than another of its state cannot be part of a better network, whatever follows, and is dropped. Layer by layer, labels
meet edges, are sorted by cost, and a running maximum of value says which stay. Nothing is rounded. Ties keep the label
found first: edges in the order of the graph, then labels by cost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgenas.base.errors import InputError
from edgenas.search.graph import Floats, Graph, GraphLayer, Ints, Solution, best_rest


@dataclass(frozen=True, eq=False)
class _Labels:
    """The front of one state, cost and value both ascending; ``edge`` and ``before`` say where each came from."""

    cost: Floats
    value: Floats
    edge: Ints
    before: Ints  # index into the labels of the edge's source


@dataclass(frozen=True, eq=False)
class ParetoFront:
    """Every network that no other beats on both counts: ``costs`` and ``values`` ascending, both strictly."""

    costs: Floats
    values: Floats
    _graph: Graph
    _last: Ints  # state after the last layer
    _label: Ints  # index into that state's labels
    _history: tuple[tuple[_Labels, ...], ...]

    def __len__(self) -> int:
        return len(self.costs)

    def solution(self, index: int) -> Solution:
        """The network behind point ``index``."""
        state, label, edges = int(self._last[index]), int(self._label[index]), []
        for layer, labels in zip(reversed(self._graph.layers), reversed(self._history), strict=True):
            edge = int(labels[state].edge[label])
            label = int(labels[state].before[label])
            edges.append(edge)
            state = int(layer.source[edge])
        return self._graph.solution(edges[::-1])

    def best(self, budget: float) -> Solution | None:
        """The network of greatest value with cost <= budget, None when there is none."""
        index = int(np.searchsorted(self.costs, budget, side="right")) - 1
        return None if index < 0 else self.solution(index)


def pareto_front(graph: Graph, budget: float | None = None) -> ParetoFront:
    """The whole front, or with ``budget`` its part up to there, in less time; for a graph without further limits, which
    ``edgenas.search.solvers.limited`` takes."""
    if graph.most:
        raise InputError(f"a front of cost and value knows nothing of {len(graph.most)} further limits")
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
    kept = _undominated(costs, values)
    if budget is not None:
        kept = kept[costs[kept] <= budget]
    return ParetoFront(costs[kept], values[kept], graph, last[kept], label[kept], tuple(history))


def solve(graph: Graph, budget: float) -> Solution | None:
    """The path of greatest value with cost <= budget, the cheapest of equals; None when there is none."""
    return pareto_front(graph, budget).best(budget)


def _step(layer: GraphLayer, count: int, labels: tuple[_Labels, ...], limit: Floats) -> tuple[_Labels, ...]:
    """The labels of the ``count`` states after ``layer``; ``limit``: the most a label of each state may cost."""
    useful = _useful_edges(layer)
    after = []
    for target in range(count):
        parts = []
        into = useful[layer.target[useful] == target]
        for source in np.unique(layer.source[into]):
            edges, front = into[layer.source[into] == source], labels[source]
            cost = np.add.outer(layer.cost[edges], front.cost).ravel()  # (edges x labels,)
            value = np.add.outer(layer.value[edges], front.value).ravel()
            before = np.tile(np.arange(len(front.cost)), len(edges))
            parts.append((cost, value, np.repeat(edges, len(front.cost)), before))
        if not parts:
            empty = np.zeros(0, np.int64)
            after.append(_Labels(np.zeros(0), np.zeros(0), empty, empty))
            continue
        cost, value, edge, before = (np.concatenate(column) for column in zip(*parts, strict=True))
        affordable = np.flatnonzero(cost <= limit[target])
        kept = affordable[_undominated(cost[affordable], value[affordable])]
        after.append(_Labels(cost[kept], value[kept], edge[kept], before[kept]))
    return tuple(after)


def _undominated(cost: Floats, value: Floats) -> Ints:
    """Indices of the front, by ascending cost; of equal labels the first."""
    order = np.argsort(cost, kind="stable")
    sorted_value = value[order]
    best_so_far = np.maximum.accumulate(sorted_value)
    rises = np.ones(len(order), bool)
    rises[1:] = sorted_value[1:] > best_so_far[:-1]
    front = order[rises]
    cheaper_than_next = np.ones(len(front), bool)  # a later label of equal cost is worth more
    cheaper_than_next[:-1] = cost[front[:-1]] < cost[front[1:]]
    return front[cheaper_than_next]


def _useful_edges(layer: GraphLayer) -> Ints:
    """Edges that no parallel edge (same source, same target) beats, in their order."""
    ends = layer.source * (layer.target.max(initial=0) + 1) + layer.target
    order = np.argsort(ends, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(ends[order])) + 1)
    return np.sort(np.concatenate([edges[_undominated(layer.cost[edges], layer.value[edges])] for edges in groups]))
