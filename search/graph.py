"""The layered graph of a space, as arrays of numbers: the input of the solvers.

A network is a path from the single state before the first layer to any state after the last layer. Each edge has an
exact cost, an additive value, and a weight for each further limit (a limit in addition to the budget). All sums are
added in the order of the layers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edgenas.base.errors import InputError
from edgenas.blocks.spec import BlockSpec
from edgenas.search.edges import EdgeTable
from edgenas.search.problem import ActiveLimit, BudgetError, Cost, Limit, Peak
from edgenas.search.space import Choice, Space

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class GraphLayer:
    """The edges of one layer as arrays of equal length; ``source`` and ``target`` index the states before and after.
    ``also`` (limits, edges) is the weight of each edge for each further limit."""

    source: Ints
    target: Ints
    option: Ints
    cost: Floats
    value: Floats
    also: Floats = field(default_factory=lambda: np.zeros((0, 0)))

    def __post_init__(self) -> None:
        if not len(self.also):
            object.__setattr__(self, "also", np.zeros((0, len(self.source))))

    @cached_property
    def weights(self) -> Floats:
        """Array (edges, 1 + limits): the cost of each edge, then its weights for the further limits."""
        return np.column_stack([self.cost, *self.also])

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True, eq=False)
class Graph:
    """A layered graph with ``states[i]`` states before layer i, and ``states[-1]`` after the last; ``states[0]`` is 1.
    ``most`` has the largest sum of weights that a path may have for each further limit.

    InputError on arrays of different lengths, states out of range, or numbers that are not finite.
    """

    states: tuple[int, ...]
    layers: tuple[GraphLayer, ...]
    most: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not self.layers or len(self.states) != len(self.layers) + 1 or self.states[0] != 1:
            raise InputError("a layered graph has at least one layer, one state before it, and states after each layer")
        for i, layer in enumerate(self.layers):
            arrays = (layer.source, layer.target, layer.option, layer.cost, layer.value)
            if len({len(array) for array in arrays}) != 1 or layer.also.shape != (len(self.most), len(layer)):
                raise InputError(f"layer {i}: its arrays have different lengths {[len(array) for array in arrays]}")
            for name, ends, count in (
                ("source", layer.source, self.states[i]),
                ("target", layer.target, self.states[i + 1]),
            ):
                if len(ends) and not 0 <= ends.min() <= ends.max() < count:
                    raise InputError(f"layer {i}: a {name} is not one of its {count} states")
            if not all(np.isfinite(numbers).all() for numbers in (layer.cost, layer.value, layer.also)):
                raise InputError(f"layer {i}: a cost or value is not a finite number")

    def with_values(self, values: Sequence[Floats]) -> Graph:
        """Return the same graph with other values, one array per layer."""
        layers = [replace(layer, value=value) for layer, value in zip(self.layers, values, strict=True)]
        return replace(self, layers=tuple(layers))

    def with_costs(self, costs: Sequence[Floats]) -> Graph:
        """Return the same graph with other costs, one array per layer."""
        layers = [replace(layer, cost=cost) for layer, cost in zip(self.layers, costs, strict=True)]
        return replace(self, layers=tuple(layers))

    def with_limits(self, also: Sequence[Floats], most: Sequence[float]) -> Graph:
        """Return the same graph with other further limits, one array (limits, edges) per layer."""
        layers = [replace(layer, also=rows) for layer, rows in zip(self.layers, also, strict=True)]
        return Graph(self.states, tuple(layers), tuple(most))

    def restricted(self, keep: Sequence[Bools]) -> Graph:
        """Return the graph with only the edges that ``keep`` marks, one array per layer."""
        layers = [
            GraphLayer(x.source[mask], x.target[mask], x.option[mask], x.cost[mask], x.value[mask], x.also[:, mask])
            for x, mask in zip(self.layers, keep, strict=True)
        ]
        return replace(self, layers=tuple(layers))

    def path(self, choice: Sequence[int]) -> list[int]:
        """Return the edges of ``choice`` (one option per layer), one per layer; InputError where an edge is missing."""
        state, edges = 0, []
        for i, (layer, option) in enumerate(zip(self.layers, choice, strict=True)):
            matching = np.flatnonzero((layer.source == state) & (layer.option == option))
            if len(matching) != 1:
                raise InputError(f"layer {i} has no option {option} in state {state}")
            edges.append(int(matching[0]))
            state = int(layer.target[matching[0]])
        return edges

    def solution(self, edges: Sequence[int]) -> Solution:
        """Return the path along ``edges`` (one per layer) with its cost and value."""
        cost = value = 0.0
        for layer, edge in zip(self.layers, edges, strict=True):
            cost += float(layer.cost[edge])
            value += float(layer.value[edge])
        choice = tuple(int(layer.option[edge]) for layer, edge in zip(self.layers, edges, strict=True))
        return Solution(choice, cost, value)

    def keeps(self, edges: Sequence[int]) -> bool:
        """Return whether the path along ``edges`` keeps every further limit."""
        total = np.zeros(len(self.most))
        for layer, edge in zip(self.layers, edges, strict=True):
            total = total + layer.also[:, edge]
        return bool((total <= np.array(self.most)).all())


@dataclass(frozen=True, slots=True)
class Solution:
    """A path through the graph: its options, exact cost and value."""

    choice: Choice
    cost: float
    value: float


#: (graph, budget) -> the path of greatest value whose cost is at most the budget and that keeps the graph's further
#: limits; None when there is no such path.
Solver = Callable[[Graph, float], Solution | None]


def layered_graph(space: Space, cost: Cost, limits: Sequence[Limit] = ()) -> Graph:
    """Return the graph of ``space`` with ``cost`` on its edges and value 0; edge k of layer i is ``space.edges[i][k]``.
    The fixed cost of every network is part of the first layer's edges.

    For a limit on a peak, the weight of an edge is 1 where its block is above the limit, and the weights of a path must
    sum to 0.
    """
    layers: list[GraphLayer] = []
    for table in space.edge_tables:
        edges = len(table.option)
        layers.append(
            GraphLayer(
                table.source,
                table.target,
                table.option,
                table.sums(cost.of) + (0.0 if layers else cost.fixed),
                np.zeros(edges),
                np.array([_limited(limit, table, not layers) for limit in limits]).reshape(len(limits), edges),
            )
        )
    states = (1, *(table.targets for table in space.edge_tables))
    most = tuple(0.0 if isinstance(limit.cost, Peak) else limit.most for limit in limits)
    return Graph(states, tuple(layers), most)


def edge_sums(space: Space, of: Callable[[BlockSpec], float]) -> list[Floats]:
    """Return the sum of ``of`` over the blocks of each edge of ``layered_graph``, one array per layer."""
    return [table.sums(of) for table in space.edge_tables]


def _limited(limit: Limit, table: EdgeTable, first: bool) -> Floats:
    """Weights of the edges for a limit; the first layer's include the fixed cost."""
    if isinstance(limit.cost, Peak):
        return (np.maximum(table.largest(limit.cost.of), limit.cost.fixed) > limit.most).astype(float)
    return table.sums(limit.cost.of) + (limit.cost.fixed if first else 0.0)


def edge_values(space: Space, values: Sequence[Sequence[float]], ended: Sequence[float] | None = None) -> list[Floats]:
    """Return the values of each (layer, option) as values of the edges of ``layered_graph``, one array per layer.

    In a stage that has ended, layer i adds ``ended[i]`` (0 by default), whatever the values of its options.
    """
    ended = [0.0] * len(space.layers) if ended is None else ended
    if [len(row) for row in values] != [len(layer.options) for layer in space.layers] or len(ended) != len(values):
        raise InputError(f"values for {space.name} must have one row per layer and one number per option")
    return [
        np.array([rest if edge.source.ended else float(row[edge.option]) for edge in edges])
        for edges, row, rest in zip(space.edges, values, ended, strict=True)
    ]


@dataclass(frozen=True, eq=False)
class BestCompletions:
    """Best completions from every state: ``bound[i][s]`` is the best sum over layers i and later from state s,
    ``edge[i][s]`` its first edge (infinite and -1 where there is no completion)."""

    bound: tuple[Floats, ...]
    edge: tuple[Ints, ...]

    def complete(self, graph: Graph, layer: int, state: int) -> Choice:
        """Return the options of the best completion, from ``layer`` to the last layer."""
        options = []
        for i in range(layer, len(graph.layers)):
            edge = self.edge[i][state]
            options.append(int(graph.layers[i].option[edge]))
            state = int(graph.layers[i].target[edge])
        return tuple(options)


def best_rest(graph: Graph, weights: Sequence[Floats], largest: bool = False) -> BestCompletions:
    """Return the completion of smallest (or largest) sum of ``weights`` from every state to the end; of equal sums the
    one with the first edge."""
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
    return BestCompletions(tuple(sign * bound for bound in reversed(bounds)), tuple(reversed(edges)))


def smallest_cost(graph: Graph) -> float:
    """Cost of the cheapest path; infinite when there is no path."""
    cost = np.zeros(1)
    for layer, count in zip(graph.layers, graph.states[1:], strict=True):
        after = np.full(count, np.inf)
        np.minimum.at(after, layer.target, cost[layer.source] + layer.cost)
        cost = after
    return float(cost.min())


def largest_cost(graph: Graph) -> float:
    """Cost of the most expensive path."""
    return float(best_rest(graph, [layer.cost for layer in graph.layers], largest=True).bound[0][0])


def check_smallest(graph: Graph, space: Space, budget: float, unit: str, name: str = "") -> None:
    """Raise BudgetError, with the smallest reachable cost, when no network costs at most ``budget``."""
    smallest = smallest_cost(graph)
    if smallest > budget:
        raise BudgetError(space.name, [ActiveLimit(unit, budget, smallest, name)])
