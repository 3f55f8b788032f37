"""The best completions of a network: for every state of a layered graph, the exact Pareto front of the paths from it to
the end.

The reverse of ``edgenas.search.solvers.pareto_dp``: labels of (cost, value) are extended from the last layer to the
first. An ending is removed when another ending of its state has at most its cost and at least its value: no best
network needs it. Under further limits the other ending must also have at most its weight for each limit. Where a state
has more than ``MOST_ENDINGS`` endings, only these stay: the ending of highest value in each cell of a grid of costs,
and the ending of smallest weight for each limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgenas.search.graph import Floats, Graph, Ints
from edgenas.search.solvers.sums import useful_edges
from edgenas.search.solvers.undominated import undominated
from edgenas.search.space import Choice

MOST_ENDINGS = 2000  #: largest number of endings of one state under several limits
SLACK = 1e-9  #: relative tolerance: the cost of an ending is added in another order than that of a network


@dataclass(frozen=True, eq=False)
class Endings:
    """The front of one state's endings, by strictly ascending value and, without further limits, ascending cost.

    ``edge`` is the first edge of each ending, ``after`` the index of its rest among the endings of that edge's target,
    ``also`` (endings, limits) its weights for the further limits.
    """

    cost: Floats
    value: Floats
    edge: Ints
    after: Ints
    also: Floats


@dataclass(frozen=True, eq=False)
class Completions:
    """The endings of every state: ``endings[i][state]`` are the paths through layers i and later from ``state``."""

    graph: Graph
    endings: tuple[tuple[Endings, ...], ...]

    def best(self, layer: int, state: int, budget: float, cost: float, also: Floats, below: int | None = None) -> int:
        """Return the index of the ending of highest value that a prefix with this cost can take within ``budget`` and
        the limits, up to rounding; -1 when there is none. ``below`` restricts the indices to smaller ones.

        ``layer`` and ``state`` are where the prefix ends; ``also`` (limits,) are its weights for the further limits.
        """
        here = self.endings[layer][state]
        room = budget * (1 + SLACK) - cost
        if not self.graph.most:
            fits = int(np.searchsorted(here.cost, room, side="right"))
            return (fits if below is None else min(fits, below)) - 1
        most = np.array(self.graph.most) * (1 + SLACK) - also
        fitting = np.flatnonzero((here.cost[:below] <= room) & (here.also[:below] <= most).all(axis=1))
        return int(fitting[-1]) if len(fitting) else -1

    def options(self, layer: int, state: int, index: int) -> Choice:
        """Return the options of ending ``index``, from ``layer`` to the last layer."""
        options = []
        for i in range(layer, len(self.graph.layers)):
            here = self.endings[i][state]
            edge, index = int(here.edge[index]), int(here.after[index])
            options.append(int(self.graph.layers[i].option[edge]))
            state = int(self.graph.layers[i].target[edge])
        return tuple(options)


def completions(graph: Graph, budget: float) -> Completions:
    """Return the endings, by the values of ``graph``, of networks with cost <= ``budget`` (up to rounding) that keep
    the limits."""
    most = np.array([budget, *graph.most])
    kinds = range(len(most))
    least = [_least(graph, [layer.weights[:, kind] for layer in graph.layers]) for kind in kinds]
    nothing = Endings(*(np.zeros(0),) * 2, *(np.zeros(0, np.int64),) * 2, np.zeros((0, len(graph.most))))
    one = Endings(*(np.zeros(1),) * 2, *(np.full(1, -1),) * 2, np.zeros((1, len(graph.most))))
    after: tuple[Endings, ...] = (one,) * graph.states[-1]
    found = [after]
    for i in reversed(range(len(graph.layers))):
        layer, here = graph.layers[i], []
        useful = np.arange(len(layer)) if graph.most else useful_edges(layer)
        for state in range(graph.states[i]):
            edges = useful[layer.source[useful] == state]
            follow = [after[target] for target in layer.target[edges].tolist()]
            sizes = [len(ending.cost) for ending in follow]
            if not sum(sizes):
                here.append(nothing)
                continue
            edge = np.repeat(edges, sizes)
            cost = layer.cost[edge] + np.concatenate([ending.cost for ending in follow])
            value = layer.value[edge] + np.concatenate([ending.value for ending in follow])
            also = layer.also[:, edge].T + np.concatenate([ending.also for ending in follow])
            place = np.concatenate([np.arange(size) for size in sizes])
            spare = most + SLACK * np.abs(most) - np.array([least[kind][i][state] for kind in kinds])
            kept = np.flatnonzero((np.column_stack([cost, also]) <= spare).all(axis=1))
            best = _best(cost[kept], value[kept], also[kept]) if graph.most else _front(cost[kept], value[kept])
            kept = kept[best]
            here.append(Endings(cost[kept], value[kept], edge[kept], place[kept], also[kept]))
        after = tuple(here)
        found.append(after)
    return Completions(graph, tuple(reversed(found)))


def _front(cost: Floats, value: Floats) -> Ints:
    order = np.lexsort((-value, cost))
    rises = np.ones(len(order), bool)
    rises[1:] = value[order][1:] > np.maximum.accumulate(value[order])[:-1]
    return order[rises]


def _best(cost: Floats, value: Floats, also: Floats) -> Ints:
    """Indices of the undominated endings, by ascending value; of the grid's endings only, when there are too many."""
    weights = np.column_stack([cost, also])
    if len(cost) > MOST_ENDINGS:
        thin = _of_grid(weights, value)
        return thin[undominated(weights[thin], value[thin])][::-1]
    return undominated(weights, value)[::-1]


def _of_grid(weights: Floats, value: Floats) -> Ints:
    """Indices of the ending of highest value in each cell of the grid, and of the ending of smallest weight of each
    kind (cost and limits)."""
    spread = weights.max(axis=0) - weights.min(axis=0)
    spans = spread > 0
    if not spans.any():
        return np.array([int(np.argmax(value))])
    cells = int(MOST_ENDINGS ** (1 / spans.sum()))
    low = weights[:, spans].min(axis=0)
    place = np.minimum(cells - 1, cells * (weights[:, spans] - low) / spread[spans]).astype(int)
    number = place @ cells ** np.arange(place.shape[1])
    order = np.lexsort((-value, number))
    first = np.ones(len(order), bool)
    first[1:] = number[order][1:] != number[order][:-1]
    return np.unique(np.concatenate([order[first], weights.argmin(axis=0)]))


def _least(graph: Graph, weights: Sequence[Floats]) -> list[Floats]:
    """For each layer and state, the smallest weight of a path from the start to that state."""
    found = [np.zeros(1)]
    for layer, weight, count in zip(graph.layers, weights, graph.states[1:], strict=True):
        least = np.full(count, np.inf)
        np.minimum.at(least, layer.target, found[-1][layer.source] + weight)
        found.append(least)
    return found
