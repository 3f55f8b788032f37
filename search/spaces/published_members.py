"""Members of a space whose weights others published (``edgenas.blocks.pretrained.published``)."""

from __future__ import annotations

from edgenas.blocks.architecture import Architecture
from edgenas.blocks.pretrained.published import PUBLISHED
from edgenas.search.space import Choice, Space, State


def member_of(space: Space, network: Architecture) -> Choice | None:
    """Return the member of ``space`` that has the blocks of ``network``, apart from skips; None where there is none."""
    wanted = [block for block in network.blocks if block.kind != "skip"]

    def rest(layer: int, state: State, at: int) -> Choice | None:
        if layer == len(space.layers):
            return () if at == len(wanted) else None
        for edge in space.open_edges(layer, state):
            blocks = [block for block in edge.blocks if block.kind != "skip"]
            if wanted[at : at + len(blocks)] == blocks:
                found = rest(layer + 1, edge.target, at + len(blocks))
                if found is not None:
                    return (edge.option, *found)
        return None

    return rest(0, State(space.c_in, space.in_size), 0) if space.layers else None


def published_members(space: Space) -> dict[str, Choice]:
    """Return 'LAYOUT/MODEL' -> member, for every published network that is a member of ``space``, with its padding, at
    any size and number of classes."""
    head = space.layers[-1].options[0] if space.layers else None
    if head is None or head.kind != "head":
        return {}
    found: dict[str, Choice] = {}
    for name, entry in PUBLISHED.items():
        choice = member_of(space, entry.network(space.in_size, head.c_out or 1000, space.c_in))
        if choice is not None:
            found[name] = choice
    return found
