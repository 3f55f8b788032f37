"""Mutation and crossover of networks, with the repair that keeps the results members of their space.

Only the end of a stage restricts the later options (``Option.ends``), so the repair ends the later layers of a stage
that has ended and leaves all other options as they are. A layer after the end of its stage keeps no earlier option: it
has a block again only where a mutation or crossover gives it one.
"""

from __future__ import annotations

import random

from edgenas.search.space import Choice, Space


def mutated_once(space: Space, choice: Choice, rng: random.Random) -> Choice:
    """Change the option of one random layer, among those with another possible option (the mutation of regularized
    evolution)."""
    others = [[edge.option for edge in edges if edge.option != taken.option] for taken, edges in space.steps(choice)]
    free = [i for i, options in enumerate(others) if options]
    if not free:
        return choice
    layer = rng.choice(free)
    return space.repaired([*choice[:layer], rng.choice(others[layer]), *choice[layer + 1 :]])


def mutated(space: Space, choice: Choice, probability: float, rng: random.Random) -> Choice:
    """Draw the option of every layer again with ``probability``, from its possible options."""
    wanted = [
        rng.choice(edges).option if rng.random() < probability else taken.option for taken, edges in space.steps(choice)
    ]
    return space.repaired(wanted)


def crossed(space: Space, one: Choice, other: Choice, rng: random.Random) -> Choice:
    """Cross two parents: every layer takes the option of either parent with equal probability (uniform crossover)."""
    return space.repaired([rng.choice(pair) for pair in zip(one, other, strict=True)])
