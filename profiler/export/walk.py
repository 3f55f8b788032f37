"""Operations of a network in order, with their weights: the input of both writers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from edgenas.base.errors import InputError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.ops import INPUT, Op, lower
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import Weights, check_weights

#: Names of the only input of every exported file, and of its output where it has one.
INPUT_NAME, OUTPUT_NAME = "input", "output"


class Step(NamedTuple):
    """One operation of a network: ``label`` names its output tensor in a file, ``inputs`` the tensors that it reads.

    The label is the block's number in the network and the operation's name, such as '3.expand'. The label of an output
    is its name: 'output' for the last operation, unless the file has outputs of other names.
    """

    label: str
    inputs: tuple[str, ...]
    op: Op
    weights: Weights


def steps(
    blocks: Sequence[BlockSpec], weights: Sequence[Weights], name: str, outputs: Mapping[int, str] | None = None
) -> Iterator[Step]:
    """Yield every operation of a network in order; skips have none. ``outputs`` names the outputs of blocks by their
    number.

    InputError (before the first step) when the blocks do not chain, when none of them computes anything, or when the
    weights do not fit.
    """
    if len(weights) != len(blocks):
        raise InputError(f"network {name!r} has {len(blocks)} blocks, but weights for {len(weights)}")
    Architecture(name, tuple(blocks))
    for block, arrays in zip(blocks, weights, strict=True):
        check_weights(block, arrays)
    ops = [(i, op) for i, block in enumerate(blocks) for op in lower(block)]
    if not ops:
        raise InputError(f"network {name!r} computes nothing: {', '.join(map(str, blocks))}; export at least one block")
    return _label(ops, weights, _named(ops, outputs))


def output_shapes(blocks: Sequence[BlockSpec], outputs: Mapping[int, str] | None) -> dict[str, BlockSpec]:
    """Return the name of each output of a file, in order, with the block that computes it."""
    return {name: blocks[i] for i, name in sorted((outputs or {len(blocks) - 1: OUTPUT_NAME}).items())}


def _named(ops: Sequence[tuple[int, Op]], outputs: Mapping[int, str] | None) -> dict[int, str]:
    """Return the names of outputs by the number of their operation: the last one up to the end of the block."""
    if outputs is None:
        return {len(ops) - 1: OUTPUT_NAME}
    return {max(number for number, (i, _) in enumerate(ops) if i <= block): name for block, name in outputs.items()}


def _label(ops: Sequence[tuple[int, Op]], weights: Sequence[Weights], named: Mapping[int, str]) -> Iterator[Step]:
    block, last, block_input = -1, INPUT_NAME, INPUT_NAME
    for number, (i, op) in enumerate(ops):
        if i != block:
            block, block_input = i, last
        label = named.get(number, f"{i}.{op.name}")
        yield Step(label, tuple(block_input if n == INPUT else f"{i}.{n}" for n in op.inputs), op, weights[i])
        last = label
