"""The layered graph of a space: its states, its edges, and the edges of a layer as arrays."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgenas.blocks.size import ImageSize
from edgenas.blocks.spec import BlockSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, order=True)
class State:
    """Input of the next layer: width in channels, size in pixels, and whether the current stage has ended."""

    width: int
    size: ImageSize
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """Option ``option`` taken in state ``source``: its blocks for that input, and the state after them."""

    source: State
    option: int
    blocks: tuple[BlockSpec, ...]
    target: State

    @property
    def block(self) -> BlockSpec:
        """The block of an option that has one."""
        (block,) = self.blocks
        return block


@dataclass(frozen=True, eq=False)
class EdgeTable:
    """The edges of one layer, in the order of ``Space.edges``.

    source, target   (edges,): numbers of the states before and after the layer, in order of first appearance
    option           (edges,): numbers of the options
    targets          number of states after the layer
    blocks           the distinct blocks of all edges
    places           (most blocks of an edge, edges): numbers of the blocks of each edge in order; ``len(blocks)`` where
                     an edge has fewer
    """

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    option: NDArray[np.int64]
    targets: int
    blocks: tuple[BlockSpec, ...]
    places: NDArray[np.int64]

    def sums(self, of: Callable[[BlockSpec], float]) -> NDArray[np.float64]:
        """Return the sum of ``of`` over the blocks of each edge, added in their order, (edges,); 0 for no blocks."""
        import numpy as np

        values = self._values(of)
        total = np.zeros(self.places.shape[1])
        for place in self.places:
            total = total + values[place]
        return total

    def largest(self, of: Callable[[BlockSpec], float]) -> NDArray[np.float64]:
        """Return the largest ``of`` over the blocks of each edge, (edges,); 0 for no blocks."""
        largest: NDArray[np.float64] = self._values(of)[self.places].max(axis=0, initial=0.0)
        return largest

    def _values(self, of: Callable[[BlockSpec], float]) -> NDArray[np.float64]:
        """Return ``of`` of each block, and 0 for the place of no block."""
        import numpy as np

        return np.array([*(float(of(block)) for block in self.blocks), 0.0])


def without_blocks(
    steps: Sequence[Mapping[State, Sequence[Edge]]], forbidden: Collection[BlockSpec]
) -> tuple[dict[State, tuple[Edge, ...]], ...]:
    """Return the edges of each layer and state that lie on a network without the blocks ``forbidden``; no states where
    there is no such network."""
    found: list[dict[State, tuple[Edge, ...]]] = []
    after: Collection[State] | None = None  # None after the last layer, where every state ends a network
    for here in reversed(steps):
        left = {
            state: tuple(
                edge
                for edge in edges
                if (after is None or edge.target in after) and not any(block in forbidden for block in edge.blocks)
            )
            for state, edges in here.items()
        }
        after = {state: edges for state, edges in left.items() if edges}
        found.insert(0, after)
    reached = set(found[0])
    for here in found:
        for state in [state for state in here if state not in reached]:
            del here[state]
        reached = {edge.target for edges in here.values() for edge in edges}
    return tuple(found)


def edge_tables(start: State, layers: Sequence[Sequence[Edge]]) -> tuple[EdgeTable, ...]:
    """Return the table of each layer, given its edges and the state before the first layer."""
    import numpy as np

    tables, before = [], {start: 0}
    for edges in layers:
        after: dict[State, int] = {}
        for edge in edges:
            after.setdefault(edge.target, len(after))
        number: dict[BlockSpec, int] = {}
        for edge in edges:
            for block in edge.blocks:
                number.setdefault(block, len(number))
        places = np.full((max(len(edge.blocks) for edge in edges), len(edges)), len(number), np.int64)
        for i in range(len(places)):
            has = [e for e, edge in enumerate(edges) if len(edge.blocks) > i]
            places[i, has] = [number[edges[e].blocks[i]] for e in has]
        tables.append(
            EdgeTable(
                np.array([before[edge.source] for edge in edges]),
                np.array([after[edge.target] for edge in edges]),
                np.array([edge.option for edge in edges]),
                len(after),
                tuple(number),
                places,
            )
        )
        before = after
    return tuple(tables)
