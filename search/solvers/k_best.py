"""The k best networks of any exact solver, by Lawler's partition (Management Science 18, 1972).

The best network splits all others into disjoint sets: those that leave its path at layer 0, at layer 1, and so on. The
solver finds the best network of each set; the best of these is the next network, and its own set is split again.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from edgenas.search.graph import Bools, Graph
from edgenas.search.space import Choice


@dataclass(frozen=True, slots=True)
class Scored:
    """A network, its exact cost, and its score, which is minimised."""

    choice: Choice
    cost: float
    score: float


#: mask of edges (one array per layer) -> the network of smallest score that uses only these edges; None when there is
#: none.
MaskedSolver = Callable[[list[Bools]], Scored | None]


def k_best(graph: Graph, solve: MaskedSolver) -> Iterator[Scored]:
    """Yield the networks of ``graph`` by ascending score, equal scores by cost, then by options; as many as the caller
    takes."""
    heap: list[tuple[float, float, Choice, int, list[Bools]]] = []

    def add(first_free: int, keep: list[Bools]) -> None:
        found = solve(keep)
        if found is not None:
            heapq.heappush(heap, (found.score, found.cost, found.choice, first_free, keep))

    add(0, [np.ones(len(layer), bool) for layer in graph.layers])
    while heap:
        score, cost, choice, first_free, keep = heapq.heappop(heap)
        yield Scored(choice, cost, score)
        path = graph.path(choice)
        for i in range(first_free, len(path)):
            here = keep[i].copy()
            here[path[i]] = False
            source = graph.layers[i].source
            if not (here & (source == source[path[i]])).any():
                continue
            fixed = [_only(len(layer), edge) for layer, edge in zip(graph.layers[:i], path[:i], strict=True)]
            add(i, [*fixed, here, *keep[i + 1 :]])


def _only(length: int, edge: int) -> Bools:
    mask = np.zeros(length, bool)
    mask[edge] = True
    return mask
