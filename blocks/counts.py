"""MACs, parameters and bytes of a block, counted over its operations.

MACs are those of convolutions and linear layers, as the MobileNet papers count them ("multiply-adds"): pooling,
activations, additions and the squeeze-and-excitation product are left out.
"""

from __future__ import annotations

from blocks.ops import Op, lower
from blocks.spec import BlockSpec


def macs(block: BlockSpec) -> int:
    """Multiply-accumulates for one image."""
    return sum(_op_macs(op) for op in lower(block))


def params(block: BlockSpec) -> int:
    """Trainable parameters as papers and torchvision count them: batch norm has 2 a channel, not yet folded."""
    return sum(_weights(op) + (2 if op.bn else 1) * op.c_out for op in lower(block) if op.has_weights)


def weight_bytes(block: BlockSpec, bytes_per_value: int = 4) -> int:
    """Bytes of the weights and biases that ship, batch norm folded."""
    return bytes_per_value * sum(_weights(op) + op.c_out for op in lower(block) if op.has_weights)


def bytes_moved(block: BlockSpec, bytes_per_value: int = 4) -> int:
    """Bytes each operation reads and writes, activations and weights, with no reuse between operations: the
    traffic term of a roofline."""
    activations = sum(op.in_elements + op.out_elements for op in lower(block))
    return bytes_per_value * activations + weight_bytes(block, bytes_per_value)


def _weights(op: Op) -> int:
    count = 1
    for n in op.weight_shape:
        count *= n
    return count


def _op_macs(op: Op) -> int:
    return _weights(op) * op.out_size**2 if op.has_weights else 0
