"""All convolutions that the spaces, their supernets and the published networks contain; see ``convolution_trap``.

A convolution is a ``edgenas.blocks.ops.Op`` without its name and activation: kind, channels, kernel, stride, size of
its input, and whether batch norm follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from itertools import product

from edgenas.blocks.ops import INPUT, Op, OpKind, lower
from edgenas.blocks.reference import REFERENCE
from edgenas.blocks.spec import BlockSpec
from edgenas.search.accuracy.shared_weights import places, sharing
from edgenas.search.space import Space
from edgenas.search.spaces import SPACES
from edgenas.search.spaces.nas_bench_macro import STEM_WIDTH, nas_bench_macro
from edgenas.training.data import TrainRecipe
from tools.bench.convolution_case import Case, Largest

IN_SIZE = 32  #: pixels that spaces and networks are built for, beside their own
BATCHES = (1, 8, TrainRecipe(epochs=1).batch)
COSTLY = (
    10_000_000  #: multiply-adds of a forward pass: an input is halved until it takes fewer, or has this few pixels:
)
SMALLEST_INPUT = 7
NARROW = tuple(d for d in (2, 4, 8, 16, 32) if STEM_WIDTH % d == 0)  #: what ``nas_bench_macro`` is divided by
ORDERS = ("NHWC", "NCHW")
NARROW_SPACES = ("nas_bench_macro", "digits", "mobilenet_v3_small")  #: that tests run without the others
GRID = "grid of narrow layers"


@cache
def spaces(narrow: bool = False) -> dict[str, tuple[Space, ...]]:
    """Return name -> the space at its own size and at ``IN_SIZE``; with ``narrow``, only spaces with the fewest
    channels.
    """
    builds = {name: build for name, build in SPACES.items() if not narrow or name in NARROW_SPACES}
    found = {name: (build(), build(in_size=IN_SIZE)) for name, build in builds.items()}
    for divided in NARROW:
        built = tuple(nas_bench_macro(size, divided=divided) for size in (16, IN_SIZE))
        found[f"nas_bench_macro / {divided}"] = built
    return found


@cache
def convolutions(narrow: bool = False) -> dict[str, frozenset[Op]]:
    """Return origin -> every distinct convolution from there; the grid of ``narrow_layers`` comes last."""
    found = {name: _of(block for space in built for block in space.blocks()) for name, built in spaces(narrow).items()}
    for name, network in REFERENCE.items():
        found[f"published {name}"] = _of(block for size in (224, IN_SIZE) for block in network(size).blocks)
    return {**found, GRID: frozenset(narrow_layers())}


def narrow_layers() -> Iterator[Op]:
    """Yield layers of few channels, also of shapes that no space has: further faults of a kernel would appear there."""
    for c_in, c_out, kernel, stride, size in product(
        (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17), (1, 2, 4, 6, 8, 9, 16), (1, 3, 5), (1, 2), (7, 8, 16)
    ):
        yield _bare("conv", size, c_in, c_out, kernel, stride)
    for c, kernel, stride, size in product((2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17), (1, 3, 5, 7), (1, 2), (7, 8, 16)):
        yield _bare("depthwise", size, c, c, kernel, stride)


@cache
def slices(narrow: bool = False) -> frozenset[tuple[Op, Largest]]:
    """Return every convolution of the spaces' supernets, with the largest weight that its own weight is a slice of."""
    found = set()
    for space in (space for built in spaces(narrow).values() for space in built):
        for blocks in places(space):
            for ops in sharing(blocks).values():
                bare = _convolutions(ops)
                if bare:
                    largest = Largest(
                        max(op.c_out for op in bare),
                        max(op.c_in for op in bare),
                        tuple(sorted({op.kernel for op in bare})),
                    )
                    found |= {(op, largest) for op in bare}
    return frozenset(found)


def everything() -> list[Case]:
    """Return all cases: each convolution of ``convolutions`` and of ``slices`` at two of its sizes, and the grid of
    narrow layers as torch's own convolutions.
    """
    made = frozenset[Op]().union(*(ops for name, ops in convolutions().items() if name != GRID))
    grid = {Case(op, "plain", order, 8) for op in convolutions()[GRID] for order in ORDERS}
    return _ordered({*cases(_two_sizes(made), _two_sizes_of_slices()), *grid})


def cases(ops: Iterable[Op], largest: Iterable[tuple[Op, Largest]], batches: Iterable[int] = BATCHES) -> list[Case]:
    """Return the cases of each convolution: as training builds it, as a slice of a supernet's weight, and as torch's
    own; in both memory orders; the smallest first.
    """
    found: set[Case] = set()
    whole = list(largest)
    for op in ops:
        for batch, order, layer in product(batches, ORDERS, ("trained", "plain")):
            found.add(halved(Case(op, layer, order, batch)))
        found.add(halved(Case(op, "trained", "NHWC", 8, bf16=True)))
    for (op, of), batch, order in product(whole, batches, ORDERS):
        found.add(halved(Case(op, "slice", order, batch, of)))
    return _ordered(found)


def _ordered(found: Iterable[Case]) -> list[Case]:
    return sorted(found, key=lambda case: (case.macs, str(case)))


def halved(case: Case) -> Case:
    """Return the case with a smaller input where its own input is too large: see ``COSTLY``."""
    while case.macs > COSTLY and case.op.in_size >= 2 * SMALLEST_INPUT:
        case = replace(case, op=replace(case.op, in_size=case.op.in_size // 2))
    return case


def sample() -> list[Case]:
    """Return some cases of ``everything``, for tests: all of narrow spaces and of networks with fewer than 8 channels
    on a side, and the narrowest of each kind, kernel and stride; 8 images.
    """
    made = frozenset[Op]().union(*(ops for name, ops in convolutions(narrow=True).items() if name != GRID))
    by_kind: dict[tuple[str, int, int, bool], list[Op]] = {}
    for op in made:
        by_kind.setdefault((op.kind, op.kernel, op.stride, op.bn), []).append(replace(op, in_size=0))
    chosen = {replace(op, in_size=0) for op in made if min(op.c_in, op.c_out) < 8}
    chosen |= {min(alike, key=lambda op: (op.c_in * op.c_out, op.c_in)) for alike in by_kind.values()}
    taken = {op for op in _two_sizes(made) if replace(op, in_size=0) in chosen}
    one_each = {op: (op, whole) for op, whole in sorted(slices(narrow=True), key=str) if op in taken}
    return cases(taken, one_each.values(), (8,))


def _two_sizes(ops: Iterable[Op]) -> set[Op]:
    """Return, of convolutions that differ only in their input size, the smallest and the first of 8 pixels or more."""
    by_shape: dict[Op, list[Op]] = {}
    for op in sorted(ops, key=lambda op: op.in_size):
        by_shape.setdefault(replace(op, in_size=0), []).append(op)
    return {op for some in by_shape.values() for op in (some[0], next((o for o in some if o.in_size >= 8), some[-1]))}


def _two_sizes_of_slices() -> set[tuple[Op, Largest]]:
    by_whole: dict[Largest, list[Op]] = {}
    for op, whole in slices():
        by_whole.setdefault(whole, []).append(op)
    return {(op, whole) for whole, ops in by_whole.items() for op in _two_sizes(ops)}


def _of(blocks: Iterable[BlockSpec]) -> frozenset[Op]:
    return frozenset(op for block in dict.fromkeys(blocks) for op in _convolutions(lower(block)))


def _convolutions(ops: Iterable[Op]) -> set[Op]:
    kinds = ("conv", "depthwise")
    return {
        _bare(op.kind, op.in_size, op.c_in, op.c_out, op.kernel, op.stride, op.bn) for op in ops if op.kind in kinds
    }


def _bare(kind: OpKind, in_size: int, c_in: int, c_out: int, kernel: int, stride: int, bn: bool = True) -> Op:
    return Op(kind, "conv", (INPUT,), in_size, c_in, c_out, kernel, stride, bn)
