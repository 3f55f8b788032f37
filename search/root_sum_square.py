"""A cost for blocks with intervals: the sum of expected costs, plus the root of the sum of squared half-widths.

The errors of blocks that are measured separately are independent, so the error of a network is smaller than the sum of
the errors of its blocks. Because of the root, this cost is not a sum over blocks. But sqrt(q) <= sqrt(Q) / 2 + q / (2
sqrt(Q)) for every Q, with equality for q = Q: this tangent is a sum over blocks, it is never below the exact cost, and
it equals the exact cost for networks whose sum of squares q is the Q of the tangent.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from edgenas.blocks.architecture import Architecture
from edgenas.blocks.spec import BlockSpec
from edgenas.search.graph import Floats, Graph, best_rest, edge_sums, layered_graph
from edgenas.search.problem import Cost, Limit
from edgenas.search.solvers import limited
from edgenas.search.space import Choice, Space

STEP = 1.3  #: largest ratio between the sums of squares of two neighbouring tangents
MOST_SPREAD = 1e4  #: largest ratio between the sums of squares of the last and the first tangent


@dataclass(frozen=True, slots=True)
class RootSumSquare(Cost):
    """The cost with the root of squared half-widths. ``total`` is exact; ``of`` and ``fixed`` are a tangent, whose sum
    is never below ``total``. ``expected`` is the additive expected cost, ``half_width`` the half-width of the interval
    of a block's cost, in the cost's unit."""

    expected: Cost = field(kw_only=True)
    half_width: Callable[[BlockSpec], float] = field(kw_only=True)

    def total(self, architecture: Architecture) -> float:
        """Expected cost of the network, plus the root of the sum of squared half-widths."""
        return self.expected.total(architecture) + math.sqrt(squares(architecture, self.half_width))


def squares(architecture: Architecture, half_width: Callable[[BlockSpec], float]) -> float:
    """Sum of the squared half-widths over the blocks of a network."""
    total = 0.0
    for block in architecture.blocks:
        total += half_width(block) ** 2
    return total


def touching(expected: Cost, half_width: Callable[[BlockSpec], float], square: float) -> Cost:
    """Return the cost with the tangent at a sum of squares of ``square``; for 0, the expected cost itself."""
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
    """Return the cost with the tangent under which the best network within ``budget`` has the largest value, by
    ``values`` (one array per layer, on the edges of the graph).

    The tangents tried are at ratios of STEP over the whole range: for any network, one of them is within a share of
    0.0025 of its root. The tangent returned is at the sum of squares of the best network; where no network fits the
    budget, at that of the cheapest network.
    """
    expectation = layered_graph(space, expected, limits).with_values(values)
    weights = edge_sums(space, lambda block: half_width(block) ** 2)
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
    solutions = [best for square in tried if (best := limited.solve(tangent(square), budget)) is not None]
    if solutions:
        return touching(expected, half_width, square_of(max(solutions, key=lambda best: best.value).choice))
    cheapest = [_cheapest(tangent(square)) for square in tried]
    networks = [space.architecture(choice) for choice in cheapest]
    exact = RootSumSquare(expected.unit, expected.of, name=expected.name, expected=expected, half_width=half_width)
    return touching(expected, half_width, squares(min(networks, key=exact.total), half_width))


def _cheapest(graph: Graph) -> Choice:
    """Options of the cheapest path."""
    return best_rest(graph, [layer.cost for layer in graph.layers]).complete(graph, 0, 0)
