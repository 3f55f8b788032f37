"""Published benchmark spaces in which each name is a network of its own, as in the publications.

The searches know that a skip in one layer or in the next makes one network, and never pay for it twice. Published
tables trained both names: NAS-Bench-Macro has 6,561 rows of 3,969 networks. Here every name is a network of its own,
as in the papers that report on these tables. NAS-Bench-201's cells are no chains of this project's blocks at all: an
operation on an edge of the cell is an option of a layer, and only its name and its work are true.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from edgenas.blocks.spec import BlockSpec
from edgenas.search.space import Layer, Option, Space
from edgenas.search.spaces import space

#: operations (arXiv 2001.00326, figure 1) and the multiply-accumulates of each for a pixel and a pair of channels
CELL_OPERATIONS = {"none": 0, "skip_connect": 0, "nor_conv_1x1": 1, "nor_conv_3x3": 9, "avg_pool_3x3": 0}
CELL_EDGES = ("1<0", "2<0", "2<1", "3<0", "3<1", "3<2")  #: of the cell, in the order of the published strings
CELL_SIZE, CELL_WIDTH = 32, 16  #: of the first of its three stages; all three take as much work
CELLS_IN_NETWORK = 15
#: stem, two reduction blocks, classifier: (3 16 9 32^2) + 2 (16 32 9 + 32^2 9 + 16 32) 16^2 + 640, the least published
OUTSIDE_CELLS = 7_783_040


@dataclass(frozen=True, slots=True)
class NamedBlock(BlockSpec):
    """Block that is identified by its name, not by its shape."""

    name: str = ""
    named_macs: int = 0
    named_params: int = 0

    def __str__(self) -> str:
        return self.name

    @property
    def macs(self) -> int:
        return self.named_macs

    @property
    def params(self) -> int:
        return self.named_params


@dataclass(frozen=True, slots=True)
class NamedOption(Option):
    """Option of one layer, identified by its name; ``macs`` is its work where its block is not a block of edgenas."""

    layer: str = ""
    stands_for: Option | None = None
    macs: int = 0

    def block(self, size: int, c_in: int) -> BlockSpec:
        name, known = f"{self.layer} {self.key}", self.stands_for
        if known is None:
            return NamedBlock("conv", size, c_in, c_out=c_in, name=name, named_macs=self.macs)
        real = known.block(size, c_in)
        shape = {"c_out": real.c_out, "stride": real.stride}
        return NamedBlock("conv", size, c_in, **shape, name=name, named_macs=real.macs, named_params=real.params)


def nas_bench_macro_by_name() -> Space:
    """Return NAS-Bench-Macro with its 6,561 names as networks."""
    known = space("nas_bench_macro")
    layers = [
        Layer(layer.name, tuple(NamedOption(o.key, "conv", layer=layer.name, stands_for=o) for o in layer.options))
        if len(layer.options) > 1
        else layer
        for layer in known.layers
    ]
    return replace(known, name="nas_bench_macro_by_name", layers=tuple(layers))


def nas_bench_201(seed: int = 0) -> Space:
    """Return NAS-Bench-201's 15,625 cells. The edges of a cell have no natural order, so the seed draws one. The work
    outside the cells is counted at the first edge.
    """
    edges = list(CELL_EDGES)
    random.Random(seed).shuffle(edges)
    pairs = CELLS_IN_NETWORK * CELL_SIZE**2 * CELL_WIDTH**2
    layers = []
    for edge in edges:
        more = 0 if layers else OUTSIDE_CELLS
        options = [(o, pairs * n + more) for o, n in CELL_OPERATIONS.items()]
        layers.append(Layer(edge, tuple(NamedOption(o, "conv", layer=edge, macs=macs) for o, macs in options)))
    return Space(f"nas_bench_201-{seed}", CELL_SIZE, tuple(layers), c_in=CELL_WIDTH, source="arXiv 2001.00326")
