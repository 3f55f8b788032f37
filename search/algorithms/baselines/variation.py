"""Networks made from other networks: mutation, crossover, and the repair that keeps them members of their space.

Only the end of a stage restricts what may follow (``Option.ends``), so a repair closes the later layers of a stage that
was ended and leaves all other options as they are. A layer past the end of its stage carries no option of its own, so
it takes part again only when it is itself reopened.
"""

from __future__ import annotations

import random

from edgenas.search.space import Choice, Space


def mutated_once(space: Space, choice: Choice, rng: random.Random) -> Choice:
    """One layer, of those that have another option to take, takes another one (regularized evolution's mutation)."""
    others = [[edge.option for edge in edges if edge.option != taken.option] for taken, edges in space.steps(choice)]
    free = [i for i, options in enumerate(others) if options]
    if not free:
        return choice
    layer = rng.choice(free)
    return space.repaired([*choice[:layer], rng.choice(others[layer]), *choice[layer + 1 :]])


def mutated(space: Space, choice: Choice, probability: float, rng: random.Random) -> Choice:
    """Every layer, with ``probability``, takes any of the options it may take."""
    wanted = [
        rng.choice(edges).option if rng.random() < probability else taken.option for taken, edges in space.steps(choice)
    ]
    return space.repaired(wanted)


def crossed(space: Space, one: Choice, other: Choice, rng: random.Random) -> Choice:
    """Every layer takes the option of one parent or the other (uniform crossover)."""
    return space.repaired([rng.choice(pair) for pair in zip(one, other, strict=True)])
