"""Counts of a block over its operations: MACs, parameters, and bytes.

MACs are counted for convolutions and linear layers, as in the MobileNet papers ("multiply-adds"). Pooling,
activations, additions and the squeeze-and-excitation product are not counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgenas.blocks.ops import INPUT, Op, lower
from edgenas.blocks.size import pixels

if TYPE_CHECKING:
    from edgenas.blocks.spec import BlockSpec


def macs(block: BlockSpec) -> int:
    """Return the multiply-accumulates for one image."""
    return sum(_op_macs(op) for op in lower(block))


def params(block: BlockSpec) -> int:
    """Return the number of trainable parameters as in papers and torchvision: batch norm, not folded, has 2 a
    channel."""
    return sum(_weights(op) + (2 if op.bn else 1) * op.c_out for op in lower(block) if op.has_weights)


def weight_bytes(block: BlockSpec, bytes_per_value: int = 4) -> int:
    """Return the bytes of the weights and biases in the exported files, where batch norm is folded."""
    return bytes_per_value * sum(_weights(op) + op.c_out for op in lower(block) if op.has_weights)


def bytes_moved(block: BlockSpec, bytes_per_value: int = 4) -> int:
    """Return the bytes that all operations read and write, activations and weights, with no reuse between operations:
    the memory traffic of a roofline model."""
    activations = sum(op.in_elements + op.out_elements for op in lower(block))
    return bytes_per_value * activations + weight_bytes(block, bytes_per_value)


def peak_bytes(block: BlockSpec, bytes_per_value: int = 4) -> int:
    """Return the peak memory of activations, in bytes, over the operations of ``block``.

    The memory of an operation is its inputs, its output, and the tensors that later operations still read, such as the
    input that a residual adds. Operations run one after another, none in place.
    """
    ops = lower(block)
    elements = {INPUT: pixels(block.in_size) * block.c_in, **{op.name: op.out_elements for op in ops}}
    last_read = {name: number for number, op in enumerate(ops) for name in op.inputs}
    peak, made = 0, [INPUT]
    for number, op in enumerate(ops):
        live = sum(elements[name] for name in made if last_read.get(name, -1) >= number)
        peak = max(peak, live + elements[op.name])
        made.append(op.name)
    return bytes_per_value * peak


def _weights(op: Op) -> int:
    count = 1
    for n in op.weight_shape:
        count *= n
    return count


def _op_macs(op: Op) -> int:
    return _weights(op) * pixels(op.out_size) if op.has_weights else 0
