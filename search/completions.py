"""The best ways to end a network: for every state of a layered graph, the exact front of what may follow it.

The mirror image of ``search.solvers.pareto_dp``: labels of (cost, value) grow from the last layer towards the image. An
ending that costs no less and is worth no more than another of its state can end no best network and is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from search.graph import Floats, Graph, Ints
from search.space import Choice


@dataclass(frozen=True, eq=False)
class Endings:
    """The front of one state, cost and value both strictly ascending; ``edge`` is the first edge of each ending,
    ``after`` its place among the endings of the state that edge leads to."""

    cost: Floats
    value: Floats
    edge: Ints
    after: Ints


@dataclass(frozen=True, eq=False)
class Completions:
    """``endings[i][state]``: what may stand in layers i.. after ``state``."""

    graph: Graph
    endings: tuple[tuple[Endings, ...], ...]

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
    """All endings, by the values of ``graph``, that some network of cost <= ``budget`` (up to rounding) may have."""
    spare = [budget + 1e-9 * abs(budget) - least for least in _least_costs(graph)]
    one = Endings(np.zeros(1), np.zeros(1), np.full(1, -1), np.full(1, -1))
    after: tuple[Endings, ...] = (one,) * graph.states[-1]
    found = [after]
    for i in reversed(range(len(graph.layers))):
        layer, here = graph.layers[i], []
        for state in range(graph.states[i]):
            edges = np.flatnonzero(layer.source == state)
            follow = [after[target] for target in layer.target[edges].tolist()]
            sizes = [len(ending.cost) for ending in follow]
            if not sum(sizes):
                empty = np.zeros(0, np.int64)
                here.append(Endings(np.zeros(0), np.zeros(0), empty, empty))
                continue
            edge = np.repeat(edges, sizes)
            cost = layer.cost[edge] + np.concatenate([ending.cost for ending in follow])
            value = layer.value[edge] + np.concatenate([ending.value for ending in follow])
            place = np.concatenate([np.arange(size) for size in sizes])
            kept = np.flatnonzero(cost <= spare[i][state])
            kept = kept[np.lexsort((-value[kept], cost[kept]))]
            rises = np.ones(len(kept), bool)
            rises[1:] = value[kept][1:] > np.maximum.accumulate(value[kept])[:-1]
            kept = kept[rises]
            here.append(Endings(cost[kept], value[kept], edge[kept], place[kept]))
        after = tuple(here)
        found.append(after)
    return Completions(graph, tuple(reversed(found)))


def _least_costs(graph: Graph) -> list[Floats]:
    """For each layer and state, the cost of the cheapest way from the image to there."""
    found = [np.zeros(1)]
    for layer, count in zip(graph.layers, graph.states[1:], strict=True):
        least = np.full(count, np.inf)
        np.minimum.at(least, layer.target, found[-1][layer.source] + layer.cost)
        found.append(least)
    return found
