"""LayerNAS: search layer by layer, one table cell for each bucket of cost (Fan et al., arXiv 2304.11517).

M[layer][bucket] holds the best prefixes of the layers searched so far. Every prefix of layer l - 1 is extended by every
option of layer l. The child is completed by default options for the later layers, so that each trial is a whole network
that can be trained; it takes its bucket when its accuracy is higher. Cost is not part of the reward: ``select`` removes
prefixes that cannot reach the target range.

Departures, needed where options choose widths: a cell belongs to (bucket, width, size, ended), every prefix has its
exact cost as well as its bucket, and the default is the most expensive completion of a network, not the most expensive
option of each layer. A network that occurs again is not trained again. Where no trial was within the budget, the last
one completes a kept prefix within it, also where the cost of a network is not the sum of its blocks: a search never
ends without an answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from edgenas.base.errors import InputError
from edgenas.base.naming import among
from edgenas.search.algorithms.within import best_within
from edgenas.search.feasible import checked_graph
from edgenas.search.graph import BestCompletions, Floats, Graph, Ints, best_rest
from edgenas.search.problem import Problem, Result
from edgenas.search.space import Choice
from edgenas.search.trials import Trials, TrialsExhaustedError

Fill = Literal["max", "mid", "min"]

SLACK = 1e-9  #: relative tolerance: a bound on the later layers is added in another order than an exact cost


@dataclass(frozen=True, slots=True)
class _Prefix:
    options: Choice
    state: int
    cost: float
    also: Floats = field(compare=False)  # (limits,): weights for the further limits


def layernas(
    problem: Problem,
    trials: Trials,
    *,
    buckets: int = 100,
    keep: int = 1,
    fill: Fill = "max",
    passes: int = 1,
    lowest: float = 0.0,
) -> Result:
    """Search for the best network with cost <= ``problem.budget`` that keeps the limits.

    Buckets are of the cost that has the budget. ``select`` also removes prefixes whose cheapest completion exceeds a
    further limit. Trials of the first layers, completed with expensive options, may all exceed the budget: one trial is
    kept for an answer until one is known.

    buckets   H: number of cells of equal width between 0 and the budget (100 in the paper)
    keep      K: number of prefixes that a cell keeps, against noise of training
    fill      options of the later layers: 'max' the most expensive completion (as in the paper), 'min' the cheapest,
              'mid' the option of middle cost in each layer
    passes    number of sweeps over all layers; from the second on, later layers are those of the best network so far
    lowest    lower end of the target range, in the cost's unit: prefixes that cannot reach it are removed
    """
    _check_options(problem, buckets, keep, fill, passes, lowest)
    graph = checked_graph(problem)
    search = _Search(problem, trials, graph, buckets, keep, fill, lowest)
    before = len(trials)
    try:
        for number in range(passes):
            best = trials.best()
            search.sweep(best.choice if number and best is not None else None)
    except TrialsExhaustedError:
        pass
    if trials.best() is None:  # too few trials, or a budget that equals the smallest cost up to rounding
        search.rescue()
    assert len(trials) - before <= passes * most_trials(graph, buckets, keep) + 1
    notes = {"H": buckets, "K": keep, "fill": fill, "passes": passes, "target": [lowest, problem.budget]}
    notes |= {"layers": len(graph.layers), "layers_searched": search.searched}
    return trials.result("layernas", notes)


def most_trials(graph: Graph, buckets: int, keep: int) -> int:
    """Return the paper's bound H |S| L on the trials of one sweep, with K prefixes per cell and a cell per state."""
    fanouts = [int(np.bincount(layer.source).max()) for layer in graph.layers]
    return fanouts[0] + sum(buckets * keep * n * s for n, s in zip(graph.states[1:-1], fanouts[1:], strict=True))


@dataclass
class _Search:
    problem: Problem
    trials: Trials
    graph: Graph
    buckets: int
    keep: int
    fill: Fill
    lowest: float
    cheapest: BestCompletions = field(init=False)
    least_also: list[Floats] = field(init=False)  # before each layer (states, limits): smallest weights of a completion
    dearest: BestCompletions = field(init=False)
    kept: list[_Prefix] = field(init=False, default_factory=list)  # M of the last layer that is finished
    searched: int = field(init=False, default=0)  # layers that the present sweep has finished
    default: tuple[Ints, ...] = field(init=False)  # for each layer and state: the edge that completes a prefix

    def __post_init__(self) -> None:
        costs = [layer.cost for layer in self.graph.layers]
        self.cheapest = best_rest(self.graph, costs)
        self.dearest = best_rest(self.graph, costs, largest=True)
        kinds = [[layer.also[kind] for layer in self.graph.layers] for kind in range(len(self.graph.most))]
        bounds = [best_rest(self.graph, kind).bound for kind in kinds]
        self.least_also = [
            np.stack([bound[i] for bound in bounds], axis=1) if bounds else np.zeros((states, 0))
            for i, states in enumerate(self.graph.states)
        ]
        match self.fill:
            case "max":
                self.default = self.dearest.edge
            case "min":
                self.default = self.cheapest.edge
            case "mid":
                self.default = _middle_edges(self.graph)

    def sweep(self, best: Choice | None) -> None:
        """Search all layers once; children are completed by the layers of ``best`` where possible, else by ``fill``."""
        self.kept, self.searched = [self._root()], 0
        for i in range(len(self.graph.layers)):
            children = [child for prefix in self.kept for child in self._children(i, prefix)]
            rest = {state: self._complete(i + 1, state, best) for state in {child.state for child in children}}
            networks = [child.options + rest[child.state] for child in children]
            spare = 1 if self.trials.best() is None else 0
            self.kept = self._select(children, self.trials.rewards(networks, spare))
            self.searched = i + 1
            if not self.kept:
                break

    def rescue(self) -> None:
        """Judge the most expensive network within the budget and limits that begins with the best kept prefix, or of
        all networks; used when no trial was within them."""
        prefix = self.kept[0] if self.kept else self._root()
        fixed = [layer.option == option for layer, option in zip(self.graph.layers, prefix.options, strict=False)]
        free = [np.ones(len(layer), bool) for layer in self.graph.layers[len(fixed) :]]
        found = best_within(self.problem, self.graph, [layer.cost for layer in self.graph.layers], [*fixed, *free])
        self.trials.rewards([] if found is None else [found])

    def _root(self) -> _Prefix:
        return _Prefix((), 0, 0.0, np.zeros(len(self.graph.most)))

    def _children(self, i: int, prefix: _Prefix) -> Iterator[_Prefix]:
        """Yield ``prefix`` with each option of layer i after which the target range can still be reached."""
        layer, budget, most = self.graph.layers[i], self.problem.budget, np.array(self.graph.most)
        last = i + 1 == len(self.graph.layers)
        slack = 0.0 if last else SLACK * budget
        most_also = most if last else most * (1 + SLACK)
        for edge in np.flatnonzero(layer.source == prefix.state).tolist():
            state, cost = int(layer.target[edge]), prefix.cost + float(layer.cost[edge])
            low = cost + float(self.cheapest.bound[i + 1][state])
            high = cost + float(self.dearest.bound[i + 1][state])
            also = prefix.also + layer.also[:, edge]
            keeps = bool((also + self.least_also[i + 1][state] <= most_also).all())
            if keeps and low <= budget + slack and high >= self.lowest - slack:
                yield _Prefix((*prefix.options, int(layer.option[edge])), state, cost, also)

    def _select(self, children: list[_Prefix], rewards: list[float]) -> list[_Prefix]:
        """The K best children of every cell, by reward, then lower cost, then order; the best of all cells first."""
        cells: dict[tuple[int, int], list[tuple[float, float, int]]] = {}
        for order, (child, reward) in enumerate(zip(children, rewards, strict=True)):
            bucket = min(self.buckets - 1, int(self.buckets * child.cost / self.problem.budget))
            cells.setdefault((bucket, child.state), []).append((-reward, child.cost, order))
        winners = sorted(label for cell in cells.values() for label in sorted(cell)[: self.keep])
        return [children[order] for *_, order in winners]

    def _complete(self, i: int, state: int, best: Choice | None) -> Choice:
        """Options of layers i and later that complete a prefix in ``state``."""
        options = []
        for j in range(i, len(self.graph.layers)):
            layer, edge = self.graph.layers[j], int(self.default[j][state])
            if best is not None:
                same = np.flatnonzero((layer.source == state) & (layer.option == best[j]))
                edge = int(same[0]) if len(same) else edge
            options.append(int(layer.option[edge]))
            state = int(layer.target[edge])
        return tuple(options)


def _middle_edges(graph: Graph) -> tuple[Ints, ...]:
    """For each layer and state, the edge of middle cost."""
    middle = []
    for layer, count in zip(graph.layers, graph.states[:-1], strict=True):
        leaving = [np.flatnonzero(layer.source == state) for state in range(count)]
        middle.append(np.array([e[np.argsort(layer.cost[e], kind="stable")[len(e) // 2]] for e in leaving]))
    return tuple(middle)


def _check_options(problem: Problem, buckets: int, keep: int, fill: str, passes: int, lowest: float) -> None:
    for name, value in (("buckets", buckets), ("keep", keep), ("passes", passes)):
        if value < 1:
            raise InputError(f"{name} {value} is below 1")
    if fill not in get_args(Fill):
        raise InputError(f"fill {fill!r} is not one of {among(fill, get_args(Fill))}")
    if not 0 <= lowest <= problem.budget:
        raise InputError(f"lowest {lowest:g} is outside 0..{problem.budget:g}, the budget")
