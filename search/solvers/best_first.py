"""Enumeration of the networks within a budget in order of descending value, by best-first search.

A* (Hart, Nilsson and Raphael, IEEE Transactions on Systems Science 4, 1968): the prefix whose best completion has the
highest value is extended next. The values of best completions are exact (``completions``), so no prefix is extended
unnecessarily.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator

import numpy as np

from edgenas.search.graph import Floats
from edgenas.search.solvers.completions import Completions
from edgenas.search.space import Choice


def best_first(ends: Completions, budget: float) -> Iterator[Choice]:
    """Yield the networks whose cost is at most ``budget`` and that keep the limits (both up to rounding), by descending
    value; as many as the caller takes.

    Under further limits, completions that ``completions`` thinned out are missing, and networks with them.
    """
    layers, age = ends.graph.layers, itertools.count()
    heap: list[tuple[float, int, Choice, int, float, Floats, float]] = []  # (-bound, age), options, state, costs, value

    def add(options: Choice, state: int, cost: float, also: Floats, value: float) -> None:
        index = ends.best(len(options), state, budget, cost, also)
        if index >= 0:
            bound = value + float(ends.endings[len(options)][state].value[index])
            heapq.heappush(heap, (-bound, next(age), options, state, cost, also, value))

    add((), 0, 0.0, np.zeros(len(ends.graph.most)), 0.0)
    while heap:
        _, _, options, state, cost, also, value = heapq.heappop(heap)
        if len(options) == len(layers):
            yield options
            continue
        layer = layers[len(options)]
        for edge in np.flatnonzero(layer.source == state).tolist():
            longer, after = (*options, int(layer.option[edge])), int(layer.target[edge])
            worth = value + float(layer.value[edge])
            add(longer, after, cost + float(layer.cost[edge]), also + layer.also[:, edge], worth)
