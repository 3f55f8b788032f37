"""Option, Layer, Space: the set of networks that a search may choose from, as data.

An option has no input width; a block has one: ``Option.blocks(size, c_in)`` returns the blocks of an option: one, or
several that are chosen together. A space is therefore a layered graph. Its states are (width, size, ended) before each
layer, its edges are options, and every edge holds its blocks::

    >>> from edgenas.search.spaces import space
    >>> macro = space('nas_bench_macro')
    >>> macro.networks, len(macro.blocks())
    (6561, 18)
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from typing import Any

from edgenas.base.code import Code
from edgenas.base.counted import counted
from edgenas.base.errors import InputError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.size import ImageSize, height, parse_size, size_json, width
from edgenas.blocks.spec import BlockSpec
from edgenas.search.edges import Edge as Edge
from edgenas.search.edges import EdgeTable, edge_tables, without_blocks
from edgenas.search.edges import State as State
from edgenas.search.keys import keys_text, option_number
from edgenas.search.option import Layer as Layer
from edgenas.search.option import Option as Option
from edgenas.search.option import edges_from

Choice = tuple[int, ...]  #: one option index per layer

#: a state of one layer: option -> (its blocks, the node after them)
_Node = dict[int, tuple[tuple[BlockSpec, ...], "_Node"]]


@dataclass(frozen=True, repr=False)
class Space:
    """A named chain of layers for images of ``in_size`` pixels and ``c_in`` channels.

    ``source`` cites the publication of the space; ``code`` is the user's code that defines the space, None for spaces
    of edgenas. No network has one of the blocks ``forbidden``; the numbers of options stay those of the whole space.
    """

    name: str
    in_size: ImageSize
    layers: tuple[Layer, ...]
    c_in: int = 3
    source: str = field(default="", compare=False)
    code: Code | None = field(default=None, compare=False, repr=False)
    forbidden: frozenset[BlockSpec] = field(default=frozenset(), compare=False, repr=False)

    def __repr__(self) -> str:
        sides = f"{width(self.in_size)} x {height(self.in_size)}"
        return f"<Space {self.name}: {counted(len(self.layers), 'layer')}, images {sides} x {self.c_in}>"

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values: what ``edgenas spaces NAME --json`` prints."""
        return {
            "name": self.name,
            "in_size": size_json(self.in_size),
            "c_in": self.c_in,
            "networks": self.networks,
            "distinct_blocks": len(self.blocks()),
            "source": self.source,
            "layers": [{"layer": layer.name, "options": [o.key for o in layer.options]} for layer in self.layers],
        }

    def without(self, blocks: Iterable[BlockSpec]) -> Space:
        """Return the space of the networks that have none of ``blocks``; InputError where there is no such network."""
        forbidden = self.forbidden | frozenset(blocks)
        if forbidden == self.forbidden:
            return self
        found = replace(self, forbidden=forbidden)
        if not found._steps[0]:
            raise InputError(f"space {self.name} has no network without these blocks: {', '.join(map(str, blocks))}")
        return found

    @property
    def sizes(self) -> tuple[ImageSize, ...]:
        """Sizes of images that a network may take, in pixels: one, or several to choose from, in ascending order."""
        first = self.layers[0].options if self.layers else ()
        return tuple(parse_size(o.key) for o in first) if first and first[0].image else (self.in_size,)

    def size_of(self, choice: Sequence[int]) -> ImageSize:
        """Return the size of the images that the network of ``choice`` takes, in pixels."""
        return self.sizes[choice[0]] if len(self.sizes) > 1 else self.in_size

    def at_size(self, choice: Sequence[int], size: ImageSize) -> Choice:
        """Return the network with the options of ``choice`` for images of ``size``, one of ``sizes``."""
        return tuple(choice) if len(self.sizes) == 1 else self.repaired((self.sizes.index(size), *choice[1:]))

    @property
    def start(self) -> State:
        """The state before the first layer: the image."""
        return State(self.c_in, self.in_size)

    @property
    def classes(self) -> int:
        """Number of classes: the output width of the last layer."""
        first = self.layers[-1].options[0]
        return (first.more or (first,))[-1].c_out

    @cached_property
    def _steps(self) -> tuple[dict[State, tuple[Edge, ...]], ...]:
        """For each layer and each state that some member reaches: its edges, states in order of first appearance."""
        states = [self.start]
        steps: list[dict[State, tuple[Edge, ...]]] = []
        for layer, after in zip(self.layers, (*self.layers[1:], None), strict=True):
            here = {state: edges_from(layer, after, state) for state in states}
            steps.append(here)
            states = list(dict.fromkeys(edge.target for edges in here.values() for edge in edges))
        return without_blocks(steps, self.forbidden) if self.forbidden else tuple(steps)

    @cached_property
    def edges(self) -> tuple[tuple[Edge, ...], ...]:
        """For each layer, every edge reachable from the image, sources in order of first appearance."""
        return tuple(tuple(edge for edges in here.values() for edge in edges) for here in self._steps)

    @cached_property
    def edge_tables(self) -> tuple[EdgeTable, ...]:
        """The edges of each layer as arrays."""
        return edge_tables(self.start, self.edges)

    @cached_property
    def _ranks(self) -> tuple[dict[State, list[int]], ...]:
        """For each layer and state: the number of ways to complete a network by each edge or an earlier one."""
        ranks: list[dict[State, list[int]]] = []
        after: dict[State, int] | None = None
        for here in reversed(self._steps):
            ways = {s: [1 if after is None else after[e.target] for e in edges] for s, edges in here.items()}
            ranks.append({state: list(accumulate(counts)) for state, counts in ways.items()})
            after = {state: sum(counts) for state, counts in ways.items()}
        return tuple(reversed(ranks))

    @cached_property
    def _taken(self) -> tuple[dict[tuple[State, int], Edge], ...]:
        """For each layer: the edge of each (state, option)."""
        return tuple({(e.source, e.option): e for e in edges} for edges in self.edges)

    @cached_property
    def _first(self) -> _Node:
        """The first layer as a node: from it, each option of a choice is one look-up."""
        after: dict[State, _Node] = {}
        for here in reversed(self._steps):
            after = {s: {e.option: (e.blocks, after.get(e.target, {})) for e in edges} for s, edges in here.items()}
        return after[self.start]

    def open_edges(self, layer: int, state: State) -> tuple[Edge, ...]:
        """Return the edges that leave ``state`` before layer number ``layer``; none for a state that no member
        reaches."""
        return self._steps[layer].get(state, ())

    @property
    def networks(self) -> int:
        """Number of networks (choices) in the space; 0 without layers, or with a layer without options."""
        ranks = self._ranks[0][self.start] if self.layers else []
        return ranks[-1] if ranks else 0

    def blocks(self) -> tuple[BlockSpec, ...]:
        """Return the distinct blocks of all members, in order of first appearance; without skips, which cost
        nothing."""
        every = (block for edges in self.edges for edge in edges for block in edge.blocks)
        return tuple(block for block in dict.fromkeys(every) if block.kind != "skip")

    def parts(self, choice: Sequence[int]) -> list[tuple[BlockSpec, ...]]:
        """Return the blocks of each layer of the network that ``choice`` describes; InputError when it is not a
        member."""
        if len(choice) != len(self.layers):
            raise InputError(
                f"space {self.name} has {counted(len(self.layers), 'layer')}, but {tuple(choice)} names {len(choice)}"
            )
        node = self._first
        parts: list[tuple[BlockSpec, ...]] = []
        for index in choice:
            found = node.get(index)
            if found is None:
                layer = self.layers[len(parts)]
                keys = keys_text([f"{option} {layer.options[option].key}" for option in node])
                raise InputError(f"space {self.name}, layer {layer.name}: option {index} is not one of {keys}")
            blocks, node = found
            parts.append(blocks)
        return parts

    def architecture(self, choice: Sequence[int]) -> Architecture:
        """Return the network that ``choice`` describes; InputError when it is not a member."""
        parts = self.parts(choice)
        blocks = tuple(block for part in parts for block in part)
        together = () if len(blocks) == len(parts) else tuple(map(len, parts))
        return Architecture(f"{self.name}/{self.key(choice)}", blocks, together)

    @cached_property
    def _free(self) -> tuple[int, ...]:
        """Numbers of the layers with more than one option."""
        return tuple(i for i, layer in enumerate(self.layers) if len(layer.options) > 1)

    def key(self, choice: Sequence[int]) -> str:
        """Return a choice as text: the option indices of all layers with more than one option, joined by dots."""
        return ".".join([str(choice[i]) for i in self._free])

    def options(self, choice: Sequence[int]) -> dict[str, str]:
        """Return a choice as the key of the option of each layer with more than one, by the name of the layer."""
        return {self.layers[i].name: self.layers[i].options[choice[i]].key for i in self._free}

    def parse(self, key: str) -> Choice:
        """Return the choice of a key: the inverse of ``key``, where the key of an option may replace its number.
        InputError where the text is not a key of this space."""
        parts = key.split(".") if key else []
        free = zip(self._free, parts, strict=False)
        numbers = [number for i, part in free if (number := option_number(part, self.layers[i].options)) is not None]
        if not len(numbers) == len(parts) == len(self._free):
            raise InputError(
                f"{key!r} is not a network of {self.name}: it takes {len(self._free)} option numbers joined by dots"
            )
        choice = [0] * len(self.layers)
        for i, number in zip(self._free, numbers, strict=True):
            choice[i] = number
        self.parts(choice)
        return tuple(choice)

    def sample(self, rng: random.Random) -> Choice:
        """Draw a member, with equal probability for every network."""
        state, choice = self.start, []
        for here, ranks in zip(self._steps, self._ranks, strict=True):
            edge = here[state][bisect_right(ranks[state], rng.randrange(ranks[state][-1]))]
            choice.append(edge.option)
            state = edge.target
        return tuple(choice)

    def steps(self, wanted: Sequence[int]) -> Iterator[tuple[Edge, tuple[Edge, ...]]]:
        """Yield for each layer (edge taken, edges possible); where the wanted option is not possible, the first
        possible edge is taken."""
        state = self.start
        for i, option in enumerate(wanted):
            edges = self.open_edges(i, state)
            taken = self._taken[i].get((state, option), edges[0])
            yield taken, edges
            state = taken.target

    def repaired(self, wanted: Sequence[int]) -> Choice:
        """Return the member with the wanted option of each layer where it is possible, else the first possible one."""
        return tuple(taken.option for taken, _ in self.steps(wanted))
