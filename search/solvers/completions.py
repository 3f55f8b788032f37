"""The best ways to end a network: for every state of a layered graph, the exact front of what may follow it.

The mirror image of ``edgenas.search.solvers.pareto_dp``: labels of (cost, value) grow from the last layer towards the
image. An ending that costs no less and is worth no more than another of its state can end no best network and is
dropped. Under further limits an ending must also leave no less of each; where a state has more than ``MOST_ENDINGS``,
those stay that are worth most in each cell of a grid of costs, and the one that uses least of each limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgenas.search.graph import Floats, Graph, Ints
from edgenas.search.solvers.undominated import undominated
from edgenas.search.space import Choice

MOST_ENDINGS = 2000  #: of one state under several limits
SLACK = 1e-9  #: relative; an ending's cost is added in another order than a network's


@dataclass(frozen=True, eq=False)
class Endings:
    """The front of one state, value strictly ascending and, without further limits, cost as well; ``edge`` is the first
    edge of each ending, ``after`` its place among the endings of the state that edge leads to, ``also`` (endings,
    limits) what it adds to each further limit."""

    cost: Floats
    value: Floats
    edge: Ints
    after: Ints
    also: Floats


@dataclass(frozen=True, eq=False)
class Completions:
    """``endings[i][state]``: what may stand in layers i.. after ``state``."""

    graph: Graph
    endings: tuple[tuple[Endings, ...], ...]

    def best(self, layer: int, state: int, budget: float, cost: float, also: Floats, below: int | None = None) -> int:
        """The ending in layers ``layer``.. worth most that a prefix of this cost can take within ``budget`` and the
        limits, up to rounding; of those before ``below``; -1 when there is none."""
        here = self.endings[layer][state]
        room = budget * (1 + SLACK) - cost
        if not self.graph.most:
            fits = int(np.searchsorted(here.cost, room, side="right"))
            return (fits if below is None else min(fits, below)) - 1
        most = np.array(self.graph.most) * (1 + SLACK) - also
        found = np.flatnonzero((here.cost[:below] <= room) & (here.also[:below] <= most).all(axis=1))
        return int(found[-1]) if len(found) else -1

    def options(self, layer: int, state: int, index: int) -> Choice:
        """The options from ``layer`` on of ending ``index``."""
        found = []
        for i in range(layer, len(self.graph.layers)):
            here = self.endings[i][state]
            edge, index = int(here.edge[index]), int(here.after[index])
            found.append(int(self.graph.layers[i].option[edge]))
            state = int(self.graph.layers[i].target[edge])
        return tuple(found)


def completions(graph: Graph, budget: float) -> Completions:
    """All endings, by the values of ``graph``, that some network of cost <= ``budget`` (up to rounding) within the
    limits may have."""
    most = np.array([budget, *graph.most])
    kinds = range(len(most))
    least = [_least(graph, [layer.weights[:, kind] for layer in graph.layers]) for kind in kinds]
    nothing = Endings(*(np.zeros(0),) * 2, *(np.zeros(0, np.int64),) * 2, np.zeros((0, len(graph.most))))
    one = Endings(*(np.zeros(1),) * 2, *(np.full(1, -1),) * 2, np.zeros((1, len(graph.most))))
    after: tuple[Endings, ...] = (one,) * graph.states[-1]
    found = [after]
    for i in reversed(range(len(graph.layers))):
        layer, here = graph.layers[i], []
        for state in range(graph.states[i]):
            edges = np.flatnonzero(layer.source == state)
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
    """By ascending value those that no other beats, or when there are too many those of the grid."""
    weights = np.column_stack([cost, also])
    if len(cost) > MOST_ENDINGS:
        thin = _of_grid(weights, value)
        return thin[undominated(weights[thin], value[thin])][::-1]
    return undominated(weights, value)[::-1]


def _of_grid(weights: Floats, value: Floats) -> Ints:
    """The most valuable in each cell, and the one of least weight of every kind."""
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
    """For each layer and state, the least weight of a way from the image to there."""
    found = [np.zeros(1)]
    for layer, weight, count in zip(graph.layers, weights, graph.states[1:], strict=True):
        least = np.full(count, np.inf)
        np.minimum.at(least, layer.target, found[-1][layer.source] + weight)
        found.append(least)
    return found
