"""The best network under several limits at once: by exact labels with one weight per limit, else by an integer program.

A resource-constrained longest path in a layered graph (Irnich and Desaulniers, Shortest Path Problems with Resource
Constraints, in Column Generation, 2005). A label is (cost, weight for each further limit, value). It is removed in
three cases: another label of its state has at most its weights and at least its value; its cheapest completion exceeds
a limit; or the relaxed value of its best completion is below the value of a known network within the limits. The
relaxation prices the limits by a subgradient method (Beasley and Christofides, Networks 19, 1989). Where more labels
than ``MOST_LABELS`` remain, HiGHS solves the problem (``milp``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgenas.search.graph import BestCompletions, Floats, Graph, Ints, Solution, best_rest
from edgenas.search.solvers import milp, pareto_dp
from edgenas.search.solvers.undominated import undominated

MOST_LABELS = 20_000  #: labels of one layer, above which HiGHS is faster
STEPS = 40  #: steps of the subgradient method
SLACK = 1e-9  #: relative tolerance: bounds are added in another order than costs


def solve(graph: Graph, budget: float, most_labels: int = MOST_LABELS) -> Solution | None:
    """Return the path of greatest value with cost <= budget that keeps the graph's further limits, the cheapest of
    equals; None when there is none."""
    if not graph.most:
        return pareto_dp.solve(graph, budget)
    search = _Search(graph, np.array([budget, *graph.most]))
    if not search.possible:
        return None
    return search.solution() if search.labelled(most_labels) else milp.solve(graph, budget)


@dataclass(frozen=True, eq=False)
class _Labels:
    """Labels after a layer: ``weights`` (labels, 1 + limits), value and state of each; ``edge`` is its last edge,
    ``before`` the index of its previous label."""

    weights: Floats
    value: Floats
    state: Ints
    edge: Ints
    before: Ints


class _Search:
    def __init__(self, graph: Graph, most: Floats) -> None:
        self.graph, self.most = graph, most
        self.slack = SLACK * np.abs(most)
        kinds = [[layer.weights[:, kind] for layer in graph.layers] for kind in range(len(most))]
        self.least = [best_rest(graph, weights).bound for weights in kinds]
        least = np.array([bound[0][0] for bound in self.least])
        self.possible = bool((least <= most + 2 * self.slack).all())
        self.known = -np.inf  # highest value of a known network within the limits
        if self.possible:
            self.prices, self.relaxed = self._priced()
        self.layers: list[_Labels] = []

    def labelled(self, most_labels: int) -> bool:
        """Extend the labels through all layers; return False when there are too many."""
        graph, count = self.graph, len(self.most)
        used = self._used_by_rest()
        start = np.zeros(1, np.int64)
        labels = _Labels(np.zeros((1, count)), np.zeros(1), start, start, start)
        for i, layer in enumerate(graph.layers):
            order = np.argsort(layer.source, kind="stable")
            ends = np.searchsorted(layer.source[order], np.arange(graph.states[i] + 1))
            leaving = np.diff(ends)[labels.state]
            before = np.repeat(np.arange(len(labels.value)), leaving)
            nth = np.arange(len(before)) - np.repeat(np.cumsum(leaving) - leaving, leaving)
            edge = order[ends[labels.state[before]] + nth]
            weights = labels.weights[before] + layer.weights[edge]
            value, state = labels.value[before] + layer.value[edge], layer.target[edge]
            rest = np.stack([bounds[i + 1][state] for bounds in self.least], axis=1)
            fits = (weights + rest <= self.most + self.slack).all(axis=1)
            done = value + used[i + 1][1][state]
            complete = fits & (weights + used[i + 1][0][state] <= self.most - self.slack).all(axis=1)
            self.known = max(self.known, float(done[complete].max(initial=-np.inf)))
            bound = value + self.relaxed.bound[i + 1][state] + (self.most - weights) @ self.prices
            margin = SLACK * max(1.0, abs(self.known)) if np.isfinite(self.known) else 0.0
            left = np.flatnonzero(fits & (bound >= self.known - margin))
            if len(left) > 50 * most_labels:
                return False
            kept = [
                here[undominated(weights[here], value[here])]
                for here in (left[state[left] == s] for s in range(graph.states[i + 1]))
            ]
            chosen = np.concatenate(kept)
            if len(chosen) > most_labels:
                return False
            labels = _Labels(weights[chosen], value[chosen], state[chosen], edge[chosen], before[chosen])
            self.layers.append(labels)
        return True

    def solution(self) -> Solution | None:
        """Return the path of the best final label that keeps every limit, compared to the last bit; None without."""
        last = self.layers[-1]
        fits = np.flatnonzero((last.weights <= self.most).all(axis=1))
        if not len(fits):
            return None
        label = int(fits[np.lexsort((last.weights[fits, 0], -last.value[fits]))[0]])
        edges: list[int] = []
        for labels in reversed(self.layers):
            edges.append(int(labels.edge[label]))
            label = int(labels.before[label])
        return self.graph.solution(edges[::-1])

    def _priced(self) -> tuple[Floats, BestCompletions]:
        """Return the prices with the smallest relaxed optimum, and the best completions at those prices."""
        scale = np.where(self.most > 0, self.most, 1.0)
        prices = np.zeros(len(self.most))
        best: tuple[float, Floats, BestCompletions] | None = None
        span = 0.0
        for step in range(STEPS):
            rest = self._rest(prices)
            edges = self._edges(rest)
            used = sum(layer.weights[edge] for layer, edge in zip(self.graph.layers, edges, strict=True))
            value = sum(float(layer.value[edge]) for layer, edge in zip(self.graph.layers, edges, strict=True))
            if (used <= self.most - self.slack).all():
                self.known = max(self.known, value)
            relaxed = float(rest.bound[0][0] + prices @ self.most)
            if best is None or relaxed < best[0]:
                best = (relaxed, prices, rest)
            over = (used - self.most) / scale
            if not span:
                span = max(self._span(), 1e-12)
            if not over.any():
                break
            gap = relaxed - self.known if np.isfinite(self.known) else 0.1 * span
            prices = np.maximum(0.0, prices + 0.9**step * min(gap, span) / float(over @ over) * over / scale)
        assert best is not None
        return best[1], best[2]

    def _rest(self, prices: Floats) -> BestCompletions:
        return best_rest(self.graph, [x.value - x.weights @ prices for x in self.graph.layers], largest=True)

    def _span(self) -> float:
        """Difference between the greatest and the least value of a network, without limits."""
        values = [layer.value for layer in self.graph.layers]
        high, low = (float(best_rest(self.graph, values, largest).bound[0][0]) for largest in (True, False))
        return high - low

    def _edges(self, rest: BestCompletions) -> list[int]:
        state, edges = 0, []
        for layer, first in zip(self.graph.layers, rest.edge, strict=False):
            edges.append(int(first[state]))
            state = int(layer.target[edges[-1]])
        return edges

    def _used_by_rest(self) -> list[tuple[Floats, Floats]]:
        """For each layer and state: weights and value of the completion that is best at the prices."""
        count = self.graph.states[-1]
        found = [(np.zeros((count, len(self.most))), np.zeros(count))]
        for layer, first in zip(reversed(self.graph.layers), reversed(self.relaxed.edge), strict=True):
            weights, value = found[-1]
            after = layer.target[first]  # -1, where nothing follows, takes the last edge: such a state has no labels
            known = first >= 0
            here = np.where(known[:, None], layer.weights[first] + weights[after], np.inf)
            found.append((here, np.where(known, layer.value[first] + value[after], -np.inf)))
        return found[::-1]
