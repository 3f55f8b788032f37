"""A cost whose blocks are each known within an interval: the sum of what is expected, and the root of the sum of
squares of how far off each may be.

Blocks measured apart are off independently, so a network is off by less than all its blocks together. The root makes it
no sum, but sqrt(q) <= sqrt(Q) / 2 + q / (2 sqrt(Q)) for every Q, with equality for q = Q: the tangent is a sum over
blocks that never falls short, and says the exact cost of networks that are as uncertain as the one it touches at.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from edgenas.blocks.architecture import Architecture
from edgenas.blocks.spec import BlockSpec
from edgenas.search.graph import Floats, Graph, best_rest, layered_graph
from edgenas.search.problem import Cost, Limit
from edgenas.search.solvers import limited
from edgenas.search.space import Choice, Space

STEP = 1.3  #: from one tangent that is tried to the next, of the sum of squares
MOST_SPREAD = 1e4  #: of the sums of squares that are told apart


@dataclass(frozen=True, slots=True)
class RootSumSquare(Cost):
    """``total`` is exact; ``of`` and ``fixed`` are the tangent, never less. ``expected`` is a sum, ``half_width`` how
    far off a block may be, in the cost's unit."""

    expected: Cost = field(kw_only=True)
    half_width: Callable[[BlockSpec], float] = field(kw_only=True)

    def total(self, architecture: Architecture) -> float:
        """What is expected, and the root of the sum of squared half-widths."""
        return self.expected.total(architecture) + math.sqrt(squares(architecture, self.half_width))


def squares(architecture: Architecture, half_width: Callable[[BlockSpec], float]) -> float:
    """Sum of squared half-widths."""
    total = 0.0
    for block in architecture.blocks:
        total += half_width(block) ** 2
    return total


def touching(expected: Cost, half_width: Callable[[BlockSpec], float], square: float) -> Cost:
    """The cost with its tangent where the squares sum to ``square``; the expected cost itself for 0."""
    if square <= 0:
        return expected
    root = math.sqrt(square)

    def of(block: BlockSpec) -> float:
        return expected.of(block) + half_width(block) ** 2 / (2 * root)

    return RootSumSquare(
        expected.unit, of, expected.fixed + root / 2, name=expected.name, expected=expected, half_width=half_width
    )


def root_sum_square(
    space: Space,
    expected: Cost,
    half_width: Callable[[BlockSpec], float],
    budget: float,
    values: list[Floats],
    limits: tuple[Limit, ...] = (),
) -> Cost:
    """The cost with the tangent under which the best network within ``budget`` is worth most, by ``values`` (an array a
    layer, on the edges of the graph). Of tangents at STEPs over the whole range one is always within .0025 of the root
    of any network; the last touches where the best so far is. Where no network fits, at the cheapest."""
    expectation = layered_graph(space, expected, limits).with_values(values)
    weights = [np.array([half_width(edge.block) ** 2 for edge in edges]) for edges in space.edges]
    least, most = (float(best_rest(expectation, weights, largest).bound[0][0]) for largest in (False, True))
    if most <= 0:
        return expected

    def tangent(square: float) -> Graph:
        return layered_graph(space, touching(expected, half_width, square), limits).with_values(values)

    def square_of(choice: Choice) -> float:
        return squares(space.architecture(choice), half_width)

    least = max(least, most / MOST_SPREAD)
    steps = max(1, math.ceil(math.log(most / least) / math.log(STEP)))
    tried = [least * (most / least) ** (step / steps) for step in range(steps + 1)]
    found = [best for square in tried if (best := limited.solve(tangent(square), budget)) is not None]
    if found:
        return touching(expected, half_width, square_of(max(found, key=lambda best: best.value).choice))
    cheapest = [_cheapest(tangent(square)) for square in tried]
    networks = [space.architecture(choice) for choice in cheapest]
    exact = RootSumSquare(expected.unit, expected.of, name=expected.name, expected=expected, half_width=half_width)
    return touching(expected, half_width, squares(min(networks, key=exact.total), half_width))


def _cheapest(graph: Graph) -> Choice:
    """The options of the cheapest path."""
    return best_rest(graph, [layer.cost for layer in graph.layers]).complete(graph, 0, 0)
