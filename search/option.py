"""Option and Layer: the alternatives at each position of a network, and the edges that they are in a space's graph."""

from __future__ import annotations

from dataclasses import dataclass

from edgenas.blocks.padding import same_differs
from edgenas.blocks.reference import make_divisible
from edgenas.blocks.size import ImageSize, parse_size
from edgenas.blocks.spec import Act, BlockSpec, Kind, skip
from edgenas.search.edges import Edge, State

_Known = dict[tuple[int, ImageSize, int], BlockSpec]  # (id of an option, size and width of its input) -> its block


@dataclass(frozen=True, slots=True)
class Option:
    """One alternative for the block of a layer, or for the blocks of a stage that are chosen together.

    c_out     output width in channels; 0 keeps the input width
    expand    expanded width = input width x expand, rounded to a multiple of 8
              (``edgenas.blocks.reference.make_divisible``)
    c_mid     expanded or hidden width as a number, where it is not a multiple of the input
    se        squeezed width of squeeze-and-excitation = (expanded) width x se, rounded in the same way; 0 for none
    c_se      squeezed width as a number, where it is no such share
    residual  add the input to the output where the shapes allow it
    same      pad as TensorFlow's SAME, where that differs (``edgenas.blocks.padding``)
    ends      a skip that also ends its stage: only options with ``ends`` may follow until the next stage begins
              (depth, once-for-all arXiv 1908.09791 section 3.2)
    more      options of the further blocks that are chosen together with this one, in order; empty for one block
    image     the option is the size of a network's images, which ``key`` names, and has no block; only options of a
              first layer (``edgenas.search.spaces.sizes``)
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
    same: bool = False
    c_se: int = 0
    more: tuple[Option, ...] = ()
    image: bool = False

    def blocks(self, size: ImageSize, c_in: int, known: _Known | None = None) -> tuple[BlockSpec, ...]:
        """Return the blocks of this option for an input of ``size`` pixels and ``c_in`` channels; InputError
        where the option does not fit that input. ``known`` keeps blocks for further calls: options share parts."""
        if self.image:
            return ()
        known, key = {} if known is None else known, (id(self), size, c_in)
        if key not in known:
            known[key] = self.block(size, c_in)
        blocks: tuple[BlockSpec, ...] = (known[key],)
        for part in self.more:
            blocks += part.blocks(blocks[-1].out_size, blocks[-1].c_out, known)
        return blocks

    def block(self, size: ImageSize, c_in: int) -> BlockSpec:
        """Return the first of ``blocks``."""
        c_out = self.c_out or c_in
        if self.kind == "skip":
            return skip(size, c_in)
        c_mid = self.c_mid or (make_divisible(c_in * self.expand) if self.expand else 0)
        c_se = self.c_se or (make_divisible((c_mid or c_in) * self.se) if self.se else 0)
        residual = self.residual and self.kind in ("ir", "sep") and self.stride == 1 and c_in == c_out
        same = self.same and self.kind != "head" and same_differs(self.kernel, self.stride, size)
        act = self.act
        return BlockSpec(self.kind, size, c_in, c_mid, c_out, self.kernel, self.stride, c_se, act, residual, same)


@dataclass(frozen=True, slots=True)
class Layer:
    """A position in the network and its options; stems and heads are layers with a single option."""

    name: str
    options: tuple[Option, ...]


def edges_from(layer: Layer, after: Layer | None, state: State) -> tuple[Edge, ...]:
    """Return the edges of the options that are possible in ``state``: in an ended stage only those with ``ends``.

    A stage lasts while the next layer ``after`` has options with ``ends``; after the stage, ``State.ended`` is False
    again.
    """
    same_stage = after is not None and any(option.ends for option in after.options)
    edges, known = list[Edge](), _Known()
    for index, option in enumerate(layer.options):
        if option.ends or not state.ended:
            blocks = option.blocks(state.size, state.width, known)
            width, size = (blocks[-1].c_out, blocks[-1].out_size) if blocks else (state.width, parse_size(option.key))
            edges.append(Edge(state, index, blocks, State(width, size, option.ends and same_stage)))
    return tuple(edges)
