"""The smallest and the largest network of a space by a cost that is a sum over blocks, such as MACs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from edgenas.blocks.spec import BlockSpec
from edgenas.search.space import Choice, Space, State

BlockCost = Callable[[BlockSpec], float]


def smallest(space: Space, cost: BlockCost) -> Choice:
    """Return the network whose blocks cost least in sum; the first of equals. Exact, by dynamic programming over the
    states of the space."""
    return _extreme(space, cost, 1)


def largest(space: Space, cost: BlockCost) -> Choice:
    """Return the network whose blocks cost most in sum."""
    return _extreme(space, cost, -1)


def _extreme(space: Space, cost: BlockCost, sign: int) -> Choice:
    known = cache(cost)
    after: dict[State, tuple[float, Choice]] = {}
    for number in reversed(range(len(space.layers))):
        here: dict[State, tuple[float, Choice]] = {}
        for edge in space.edges[number]:
            rest, choice = after[edge.target] if number + 1 < len(space.layers) else (0.0, ())
            total = rest + sign * sum(known(block) for block in edge.blocks)
            if edge.source not in here or total < here[edge.source][0]:
                here[edge.source] = total, (edge.option, *choice)
        after = here
    return after[space.start][1]
