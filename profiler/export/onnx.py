"""Writer of ONNX files from blocks and weights: opset 17 and IR 8, which onnxruntime 1.12 (2022) and newer load.

Layout NCHW, batch norm folded. relu6 is Clip(0, 6); h-swish and hard-sigmoid are separate nodes (the runtime fuses or
expands them); pooling is GlobalAveragePool; a linear layer is Gemm with torch's weights, with a Flatten before the
first. The protobuf is filled in place, since ``onnx.helper`` copies each tensor twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgenas.blocks.ops import Op, OpAct
from edgenas.blocks.padding import same_sides
from edgenas.blocks.size import axes
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import Array, Weights
from edgenas.profiler.export.walk import INPUT_NAME, Step, output_shapes, steps

OPSET, IR_VERSION = 17, 8

_ACTIVATION: dict[OpAct, str] = {"relu": "Relu", "hswish": "HardSwish"}
_PLAIN = {"pool": "GlobalAveragePool", "multiply": "Mul", "add": "Add"}


def write_onnx(
    blocks: Sequence[BlockSpec],
    weights: Sequence[Weights],
    *,
    name: str = "main",
    outputs: Mapping[int, str] | None = None,
) -> bytes:
    """Return a float32 ONNX file: 'input' (1, C, H, W) to 'output' (1, C', H', W'), or (1, classes) after a head.
    ``outputs`` names the outputs of blocks by their number, in place of 'output'.

    ``weights`` has one dictionary per block, as ``edgenas.blocks.weights`` describes. Equal arguments give equal bytes.
    InputError when the blocks do not chain, when none of them computes anything, or when the weights do not fit.
    """
    walk = steps(blocks, weights, name, outputs)
    import onnx

    model = onnx.ModelProto(ir_version=IR_VERSION, producer_name="edgenas")
    model.opset_import.add(domain="", version=OPSET)
    model.graph.name = name
    _declare(model.graph.input, INPUT_NAME, (1, blocks[0].c_in, *axes(blocks[0].in_size)))
    for output, last in output_shapes(blocks, outputs).items():
        shape = (1, last.c_out) if last.kind == "head" else (1, last.c_out, *axes(last.out_size))
        _declare(model.graph.output, output, shape)
    writer = _Writer(model.graph)
    for step in walk:
        writer.add(step)
    return bytes(model.SerializeToString(deterministic=True))


class _Writer:
    """Writer that appends the nodes and initialisers of each step to ``graph``, a GraphProto."""

    def __init__(self, graph: Any) -> None:
        self.graph = graph
        self.flat: set[str] = set()  #: tensors of shape (1, C)
        self.constants: set[str] = set()

    def add(self, step: Step) -> None:
        op, label = step.op, step.label
        linear = label if op.act == "none" else f"{label}.before_{op.act}"
        match op.kind:
            case "conv" | "depthwise":
                self._node("Conv", (step.inputs[0], *self._weights(step)), linear, _conv_attributes(op))
            case "linear":
                source = step.inputs[0]
                if source not in self.flat:
                    self._node("Flatten", (source,), f"{label}.flat", {})
                    source = f"{label}.flat"
                self._node("Gemm", (source, *self._weights(step)), linear, {"transB": 1})
                self.flat.add(label)
            case plain:
                self._node(_PLAIN[plain], step.inputs, linear, {})
        self._activation(op.act, linear, label)

    def _activation(self, act: OpAct, source: str, label: str) -> None:
        match act:
            case "none":
                pass
            case "relu6":
                limits = (
                    self._constant("zero", np.zeros((), np.float32)),
                    self._constant("six", np.array(6, np.float32)),
                )
                self._node("Clip", (source, *limits), label, {})
            case "hsigmoid":
                self._node("HardSigmoid", (source,), label, {"alpha": 1 / 6, "beta": 0.5})
            case _:
                self._node(_ACTIVATION[act], (source,), label, {})

    def _weights(self, step: Step) -> tuple[str, str]:
        weight, bias = (f"{step.op.name}.{part}" for part in ("weight", "bias"))
        return (
            self._constant(f"{step.label}.weight", step.weights[weight]),
            self._constant(f"{step.label}.bias", step.weights[bias]),
        )

    def _constant(self, name: str, values: Array) -> str:
        if name not in self.constants:
            self.constants.add(name)
            raw = values.astype("<f4", copy=False).tobytes()
            self.graph.initializer.add(name=name, data_type=1, dims=values.shape, raw_data=raw)  # 1: FLOAT
        return name

    def _node(
        self, kind: str, inputs: Sequence[str], output: str, attributes: Mapping[str, int | float | Sequence[int]]
    ) -> None:
        node = self.graph.node.add(op_type=kind, name=output, input=inputs, output=[output])
        for name, value in attributes.items():  # types as AttributeProto numbers them: FLOAT 1, INT 2, INTS 7
            if isinstance(value, float):
                node.attribute.add(name=name, type=1, f=value)
            elif isinstance(value, int):
                node.attribute.add(name=name, type=2, i=value)
            else:
                node.attribute.add(name=name, type=7, ints=value)


def _conv_attributes(op: Op) -> dict[str, int | float | Sequence[int]]:
    return {
        "group": op.c_in if op.kind == "depthwise" else 1,
        "kernel_shape": [op.kernel] * 2,
        "pads": _pads(op),
        "strides": [op.stride] * 2,
    }


def _pads(op: Op) -> list[int]:
    """Return the padding before height and width, then behind them."""
    if not op.same:
        return [op.kernel // 2] * 4
    rows, columns = (same_sides(n, op.kernel, op.stride) for n in axes(op.in_size))
    return [rows[0], columns[0], rows[1], columns[1]]


def _declare(values: Any, name: str, shape: Sequence[int]) -> None:
    """Add a ValueInfoProto of a float32 tensor to ``values``."""
    tensor = values.add(name=name).type.tensor_type
    tensor.elem_type = 1  # FLOAT
    for size in shape:
        tensor.shape.dim.add(dim_value=size)
