"""Option, Layer, Space: the set of networks that a search may choose from, as data.

An option has no input width; a block has one: ``Option.block(size, c_in)`` returns the block of an option. A space is
therefore a layered graph. Its states are (width, size, ended) before each layer, its edges are options, and every edge
holds its BlockSpec::

    >>> from edgenas.search.spaces import space
    >>> macro = space('nas_bench_macro')
    >>> macro.networks, len(macro.blocks())
    (6561, 18)
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from edgenas.base.code import Code
from edgenas.base.errors import InputError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.reference import make_divisible
from edgenas.blocks.size import ImageSize, height, size_json, width
from edgenas.blocks.spec import Act, BlockSpec, Kind, skip

Choice = tuple[int, ...]  #: one option index per layer

_INDEX = r"(?:0|[1-9][0-9]{0,5})"
_KEY = re.compile(rf"(?:{_INDEX}(?:\.{_INDEX})*)?")


@dataclass(frozen=True, slots=True)
class Option:
    """One alternative for the block of a layer.

    c_out     output width in channels; 0 keeps the input width
    expand    expanded width = input width x expand, rounded to a multiple of 8
              (``edgenas.blocks.reference.make_divisible``)
    c_mid     expanded or hidden width as a number, where it is not a multiple of the input
    se        squeezed width of squeeze-and-excitation = (expanded) width x se, rounded in the same way; 0 for none
    residual  add the input to the output where the shapes allow it
    ends      a skip that also ends its stage: only options with ``ends`` may follow until the next stage begins
              (depth, once-for-all arXiv 1908.09791 section 3.2)
    """

    key: str
    kind: Kind
    c_out: int = 0
    kernel: int = 1
    stride: int = 1
    expand: float = 0.0
    c_mid: int = 0
    se: float = 0.0
    act: Act = "none"
    residual: bool = True
    ends: bool = False

    def block(self, size: ImageSize, c_in: int) -> BlockSpec:
        """Return the block of this option for an input of ``size`` pixels and ``c_in`` channels; InputError where the
        option does not fit that input."""
        c_out = self.c_out or c_in
        if self.kind == "skip":
            return skip(size, c_in)
        c_mid = self.c_mid or (make_divisible(c_in * self.expand) if self.expand else 0)
        c_se = make_divisible((c_mid or c_in) * self.se) if self.se else 0
        residual = self.residual and self.kind in ("ir", "sep") and self.stride == 1 and c_in == c_out
        return BlockSpec(self.kind, size, c_in, c_mid, c_out, self.kernel, self.stride, c_se, self.act, residual)


@dataclass(frozen=True, slots=True)
class Layer:
    """A position in the network and its options; stems and heads are layers with a single option."""

    name: str
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True, order=True)
class State:
    """Input of the next layer: width in channels, size in pixels, and whether the current stage has ended."""

    width: int
    size: ImageSize
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """Option ``option`` taken in state ``source``: its block for that input, and the state after it."""

    source: State
    option: int
    block: BlockSpec
    target: State


#: a state of one layer: option -> (its block, the node after it)
_Node = dict[int, tuple[BlockSpec, "_Node"]]


@dataclass(frozen=True, repr=False)
class Space:
    """A named chain of layers for images of ``in_size`` pixels and ``c_in`` channels.

    ``source`` cites the publication of the space; ``code`` is the user's code that defines the space, None for spaces
    of edgenas.
    """

    name: str
    in_size: ImageSize
    layers: tuple[Layer, ...]
    c_in: int = 3
    source: str = field(default="", compare=False)
    code: Code | None = field(default=None, compare=False, repr=False)

    def __repr__(self) -> str:
        sides = f"{width(self.in_size)} x {height(self.in_size)}"
        return f"<Space {self.name}: {len(self.layers)} layers, images {sides} x {self.c_in}>"

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

    @cached_property
    def _steps(self) -> tuple[dict[State, tuple[Edge, ...]], ...]:
        """For each layer and each state that some member reaches: its edges, states in order of first appearance."""
        states: list[State] = [State(self.c_in, self.in_size)]
        steps: list[dict[State, tuple[Edge, ...]]] = []
        for layer, after in zip(self.layers, (*self.layers[1:], None), strict=True):
            here = {state: _edges_from(layer, after, state) for state in states}
            steps.append(here)
            states = list(dict.fromkeys(edge.target for edges in here.values() for edge in edges))
        return tuple(steps)

    @cached_property
    def edges(self) -> tuple[tuple[Edge, ...], ...]:
        """For each layer, every edge reachable from the image, sources in order of first appearance."""
        return tuple(tuple(edge for edges in here.values() for edge in edges) for here in self._steps)

    @cached_property
    def _suffix_counts(self) -> tuple[dict[State, int], ...]:
        """For each layer: number of ways to complete a network from each state."""
        counts: list[dict[State, int]] = []
        after: dict[State, int] | None = None
        for here in reversed(self._steps):
            after = {s: sum(1 if after is None else after[e.target] for e in edges) for s, edges in here.items()}
            counts.append(after)
        return tuple(reversed(counts))

    @cached_property
    def _first(self) -> _Node:
        """The first layer as a node: from it, each option of a choice is one look-up."""
        after: dict[State, _Node] = {}
        for here in reversed(self._steps):
            after = {s: {e.option: (e.block, after.get(e.target, {})) for e in edges} for s, edges in here.items()}
        return after[State(self.c_in, self.in_size)]

    def open_edges(self, layer: int, state: State) -> tuple[Edge, ...]:
        """Return the edges that leave ``state`` before layer number ``layer``; none for a state that no member
        reaches."""
        return self._steps[layer].get(state, ())

    @property
    def networks(self) -> int:
        """Number of networks (choices) in the space; 0 without layers, or with a layer without options."""
        return self._suffix_counts[0][State(self.c_in, self.in_size)] if self.layers else 0

    def blocks(self) -> tuple[BlockSpec, ...]:
        """Return the distinct blocks of all members, in order of first appearance; without skips, which cost
        nothing."""
        return tuple(dict.fromkeys(e.block for edges in self.edges for e in edges if e.block.kind != "skip"))

    def _chain(self, choice: Sequence[int]) -> list[BlockSpec]:
        if len(choice) != len(self.layers):
            raise InputError(
                f"space {self.name} has {len(self.layers)} layers, but {tuple(choice)} names {len(choice)}"
            )
        node = self._first
        blocks: list[BlockSpec] = []
        for index in choice:
            found = node.get(index)
            if found is None:
                layer = self.layers[len(blocks)]
                keys = ", ".join(f"{option} {layer.options[option].key}" for option in node)
                raise InputError(f"space {self.name}, layer {layer.name}: option {index} is not one of {keys}")
            block, node = found
            blocks.append(block)
        return blocks

    def architecture(self, choice: Sequence[int]) -> Architecture:
        """Return the network that ``choice`` describes; InputError when it is not a member."""
        return Architecture(f"{self.name}/{self.key(choice)}", tuple(self._chain(choice)))

    @cached_property
    def _free(self) -> tuple[int, ...]:
        """Numbers of the layers with more than one option."""
        return tuple(i for i, layer in enumerate(self.layers) if len(layer.options) > 1)

    def key(self, choice: Sequence[int]) -> str:
        """Return a choice as text: the option indices of all layers with more than one option, joined by dots."""
        return ".".join([str(choice[i]) for i in self._free])

    def parse(self, key: str) -> Choice:
        """Return the choice of a key: the inverse of ``key``; InputError where the text is not a key of this space."""
        parts = key.split(".") if key else []
        if len(parts) != len(self._free) or not _KEY.fullmatch(key):
            raise InputError(
                f"{key!r} is not a network of {self.name}: it takes {len(self._free)} option numbers joined by dots"
            )
        choice = [0] * len(self.layers)
        for i, part in zip(self._free, parts, strict=True):
            choice[i] = int(part)
        self._chain(choice)
        return tuple(choice)

    def sample(self, rng: random.Random) -> Choice:
        """Draw a member, with equal probability for every network."""
        state, choice = State(self.c_in, self.in_size), []
        for i, here in enumerate(self._steps):
            edges = here[state]
            last = i + 1 == len(self.layers)
            rank = rng.randrange(self._suffix_counts[i][state])
            for edge in edges:
                rank -= 1 if last else self._suffix_counts[i + 1][edge.target]
                if rank < 0:
                    break
            choice.append(edge.option)
            state = edge.target
        return tuple(choice)

    def steps(self, wanted: Sequence[int]) -> Iterator[tuple[Edge, tuple[Edge, ...]]]:
        """Yield for each layer (edge taken, edges possible); where the wanted option is not possible, the first
        possible edge is taken."""
        state = State(self.c_in, self.in_size)
        for i, option in enumerate(wanted):
            edges = self.open_edges(i, state)
            taken = next((edge for edge in edges if edge.option == option), edges[0])
            yield taken, edges
            state = taken.target

    def repaired(self, wanted: Sequence[int]) -> Choice:
        """Return the member that takes the wanted option of each layer where it is possible, and the first possible
        option elsewhere: a stage that has ended stays ended, and all other layers keep their options."""
        return tuple(taken.option for taken, _ in self.steps(wanted))


def _edges_from(layer: Layer, after: Layer | None, state: State) -> tuple[Edge, ...]:
    """Edges of the options that are possible in ``state``: in an ended stage only those with ``ends``. A stage lasts
    while the next layer ``after`` has options with ``ends``; after the stage, ``State.ended`` is False again."""
    same_stage = after is not None and any(option.ends for option in after.options)
    edges = []
    for index, option in enumerate(layer.options):
        if option.ends or not state.ended:
            block = option.block(state.size, state.width)
            edges.append(Edge(state, index, block, State(block.c_out, block.out_size, option.ends and same_stage)))
    return tuple(edges)
