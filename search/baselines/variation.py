"""Networks made from other networks: mutation, crossover, and the repair that keeps them members of their space.

Only the end of a stage restricts what may follow (``Option.ends``), so a repair closes the later layers of a stage that
was ended and leaves all other options as they are. A layer past the end of its stage carries no option of its own, so
it takes part again only when it is itself reopened.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from search.space import Choice, Edge, Space, State


def repaired(space: Space, wanted: Sequence[int]) -> Choice:
    """The member that takes the wanted option wherever it may, and the first that may be taken elsewhere."""
    return tuple(edge.option for edge, _ in _steps(space, wanted))


def mutated_once(space: Space, choice: Choice, rng: random.Random) -> Choice:
    """One layer, of those that have another option to take, takes another one (regularized evolution's mutation)."""
    others = [[edge.option for edge in edges if edge.option != taken.option] for taken, edges in _steps(space, choice)]
    free = [i for i, options in enumerate(others) if options]
    if not free:
        return choice
    layer = rng.choice(free)
    return repaired(space, [*choice[:layer], rng.choice(others[layer]), *choice[layer + 1 :]])


def mutated(space: Space, choice: Choice, probability: float, rng: random.Random) -> Choice:
    """Every layer, with ``probability``, takes any of the options it may take."""
    wanted = [
        rng.choice(edges).option if rng.random() < probability else taken.option
        for taken, edges in _steps(space, choice)
    ]
    return repaired(space, wanted)


def crossed(space: Space, one: Choice, other: Choice, rng: random.Random) -> Choice:
    """Every layer takes the option of one parent or the other (uniform crossover)."""
    return repaired(space, [rng.choice(pair) for pair in zip(one, other, strict=True)])


def _steps(space: Space, wanted: Sequence[int]) -> Iterator[tuple[Edge, tuple[Edge, ...]]]:
    """For each layer what is taken there and what may be; a wanted option that may not be taken yields the first."""
    state = State(space.c_in, space.in_size)
    for i, option in enumerate(wanted):
        edges = space.open_edges(i, state)
        taken = next((edge for edge in edges if edge.option == option), edges[0])
        yield taken, edges
        state = taken.target
