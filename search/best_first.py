"""Every network within a budget, best first: best-first search with the exact hope that completions give.

A* (Hart, Nilsson and Raphael, IEEE Transactions on Systems Science 4, 1968): the prefix that may still become the best
network is grown next; what it may become is exact, so nothing is grown in vain.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator

import numpy as np

from search.completions import Completions
from search.space import Choice


def best_first(ends: Completions, budget: float) -> Iterator[Choice]:
    """Networks whose cost is at most ``budget``, up to rounding, by descending value; as many as the caller takes."""
    layers, age = ends.graph.layers, itertools.count()
    heap: list[tuple[float, int, Choice, int, float, float]] = []  # (-hope, age), options, state, cost, value

    def add(options: Choice, state: int, cost: float, value: float) -> None:
        ending = ends.endings[len(options)][state]
        index = int(np.searchsorted(ending.cost, budget * (1 + 1e-9) - cost, side="right")) - 1
        if index >= 0:
            heapq.heappush(heap, (-value - float(ending.value[index]), next(age), options, state, cost, value))

    add((), 0, 0.0, 0.0)
    while heap:
        _, _, options, state, cost, value = heapq.heappop(heap)
        if len(options) == len(layers):
            yield options
            continue
        layer = layers[len(options)]
        for edge in np.flatnonzero(layer.source == state).tolist():
            longer, after = (*options, int(layer.option[edge])), int(layer.target[edge])
            add(longer, after, cost + float(layer.cost[edge]), value + float(layer.value[edge]))
