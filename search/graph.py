"""A space as numbers: the layered graph that the solvers walk.

A network is a path from the one state before the first layer to any state after the last; each edge has an exact cost
and an additive value. Costs and values of a path are added from the first layer on, in that order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from blocks.errors import InputError
from search.problem import BudgetError, Cost
from search.space import Choice, Space, State

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class GraphLayer:
    """The edges of one layer as arrays of one length; ``source`` and ``target`` index the states before and after."""

    source: Ints
    target: Ints
    option: Ints
    cost: Floats
    value: Floats

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True, eq=False)
class Graph:
    """``states[i]`` states before layer i, ``states[-1]`` after the last; ``states[0]`` is 1.

    InputError on arrays of different lengths, states out of range, or numbers that are not finite.
    """

    states: tuple[int, ...]
    layers: tuple[GraphLayer, ...]

    def __post_init__(self) -> None:
        if not self.layers or len(self.states) != len(self.layers) + 1 or self.states[0] != 1:
            raise InputError("a layered graph has at least one layer, one state before it, and states after each layer")
        for i, layer in enumerate(self.layers):
            arrays = (layer.source, layer.target, layer.option, layer.cost, layer.value)
            if len({len(array) for array in arrays}) != 1:
                raise InputError(f"layer {i}: its arrays have different lengths {[len(array) for array in arrays]}")
            for name, ends, count in (
                ("source", layer.source, self.states[i]),
                ("target", layer.target, self.states[i + 1]),
            ):
                if len(ends) and not 0 <= ends.min() <= ends.max() < count:
                    raise InputError(f"layer {i}: a {name} is not one of its {count} states")
            if not (np.isfinite(layer.cost).all() and np.isfinite(layer.value).all()):
                raise InputError(f"layer {i}: a cost or value is not a finite number")

    def with_values(self, values: Sequence[Floats]) -> Graph:
        """The same graph with other values, one array a layer."""
        layers = [replace(layer, value=value) for layer, value in zip(self.layers, values, strict=True)]
        return Graph(self.states, tuple(layers))

    def with_costs(self, costs: Sequence[Floats]) -> Graph:
        """The same graph with other costs, one array a layer."""
        layers = [replace(layer, cost=cost) for layer, cost in zip(self.layers, costs, strict=True)]
        return Graph(self.states, tuple(layers))

    def restricted(self, keep: Sequence[Bools]) -> Graph:
        """Only the edges that ``keep`` marks, one array a layer."""
        layers = [
            GraphLayer(x.source[mask], x.target[mask], x.option[mask], x.cost[mask], x.value[mask])
            for x, mask in zip(self.layers, keep, strict=True)
        ]
        return Graph(self.states, tuple(layers))

    def path(self, choice: Sequence[int]) -> list[int]:
        """The edge a layer that ``choice`` (an option a layer) follows; InputError when there is none."""
        state, edges = 0, []
        for i, (layer, option) in enumerate(zip(self.layers, choice, strict=True)):
            found = np.flatnonzero((layer.source == state) & (layer.option == option))
            if len(found) != 1:
                raise InputError(f"layer {i} has no option {option} in state {state}")
            edges.append(int(found[0]))
            state = int(layer.target[found[0]])
        return edges

    def solution(self, edges: Sequence[int]) -> Solution:
        """The path along ``edges``, one a layer, with its cost and value."""
        cost = value = 0.0
        for layer, edge in zip(self.layers, edges, strict=True):
            cost += float(layer.cost[edge])
            value += float(layer.value[edge])
        choice = tuple(int(layer.option[edge]) for layer, edge in zip(self.layers, edges, strict=True))
        return Solution(choice, cost, value)


@dataclass(frozen=True, slots=True)
class Solution:
    """A path: its options, exact cost and value."""

    choice: Choice
    cost: float
    value: float


#: Finds the path of greatest value whose cost is at most the budget; None when there is none.
Solver = Callable[[Graph, float], Solution | None]


def layered_graph(space: Space, cost: Cost) -> Graph:
    """The graph of ``space`` with ``cost`` on its edges and value 0; edge k of layer i is ``space.edges[i][k]``. What
    every network costs is part of the first layer."""
    known = {block: float(cost.of(block)) for edges in space.edges for block in dict.fromkeys(e.block for e in edges)}
    before = [State(space.c_in, space.in_size)]
    states: list[int] = [1]
    layers: list[GraphLayer] = []
    for edges in space.edges:
        after = list(dict.fromkeys(edge.target for edge in edges))
        source, target = ({state: i for i, state in enumerate(s)} for s in (before, after))
        layers.append(
            GraphLayer(
                np.array([source[e.source] for e in edges]),
                np.array([target[e.target] for e in edges]),
                np.array([e.option for e in edges]),
                np.array([known[e.block] for e in edges]) + (0.0 if layers else cost.fixed),
                np.zeros(len(edges)),
            )
        )
        states.append(len(after))
        before = after
    return Graph(tuple(states), tuple(layers))


def edge_values(space: Space, values: Sequence[Sequence[float]], ended: Sequence[float] | None = None) -> list[Floats]:
    """Values given for each (layer, option), on the edges of ``layered_graph``.

    In a stage that has ended, layer i adds ``ended[i]`` (0 by default) whatever its options are worth.
    """
    ended = [0.0] * len(space.layers) if ended is None else ended
    if [len(row) for row in values] != [len(layer.options) for layer in space.layers] or len(ended) != len(values):
        raise InputError(f"values for {space.name} must have one row a layer and one number an option")
    return [
        np.array([rest if edge.source.ended else float(row[edge.option]) for edge in edges])
        for edges, row, rest in zip(space.edges, values, ended, strict=True)
    ]


@dataclass(frozen=True, eq=False)
class Rest:
    """Best completions: ``bound[i][s]`` is the best sum over layers i.. from state s, ``edge[i][s]`` its first edge
    (-1 and infinite where there is none)."""

    bound: tuple[Floats, ...]
    edge: tuple[Ints, ...]

    def complete(self, graph: Graph, layer: int, state: int) -> Choice:
        """The options from ``layer`` on that reach the bound."""
        options = []
        for i in range(layer, len(graph.layers)):
            edge = self.edge[i][state]
            options.append(int(graph.layers[i].option[edge]))
            state = int(graph.layers[i].target[edge])
        return tuple(options)


def best_rest(graph: Graph, weights: Sequence[Floats], largest: bool = False) -> Rest:
    """The smallest (or largest) sum of ``weights`` from every state to the end; ties take the first edge."""
    sign = -1.0 if largest else 1.0
    bounds, edges = [np.zeros(graph.states[-1])], []
    for layer, weight, count in zip(
        reversed(graph.layers), reversed(weights), reversed(graph.states[:-1]), strict=True
    ):
        total = sign * weight + bounds[-1][layer.target]
        order = np.lexsort((np.arange(len(total)), total, layer.source))
        states, first = np.unique(layer.source[order], return_index=True)
        bound, edge = np.full(count, np.inf), np.full(count, -1, dtype=np.int64)
        bound[states], edge[states] = total[order[first]], order[first]
        bounds.append(bound)
        edges.append(edge)
    return Rest(tuple(sign * bound for bound in reversed(bounds)), tuple(reversed(edges)))


def smallest_cost(graph: Graph) -> float:
    """Cost of the cheapest path, infinite when there is no path."""
    cost = np.zeros(1)
    for layer, count in zip(graph.layers, graph.states[1:], strict=True):
        after = np.full(count, np.inf)
        np.minimum.at(after, layer.target, cost[layer.source] + layer.cost)
        cost = after
    return float(cost.min())


def check_budget(graph: Graph, space: Space, budget: float, unit: str) -> None:
    """BudgetError, with the smallest reachable cost, when no network costs as little as ``budget``."""
    smallest = smallest_cost(graph)
    if smallest > budget:
        raise BudgetError(space.name, budget, smallest, unit)
