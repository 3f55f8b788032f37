"""Writer of TFLite files from blocks and weights. XNNPACK runs them as one partition: NHWC, no TRANSPOSE, no RESHAPE.

Operators for each operation of ``edgenas.blocks.ops``:

    conv, depthwise   CONV_2D with weights (O, k, k, I), DEPTHWISE_CONV_2D with (1, k, k, C); relu and relu6 fused
    hswish            a HARD_SWISH behind the operator
    padding           torch pads kernel // 2 on every side. SAME does the same, except for stride 2 on an even height or
                      width, where it pads one less before than after: such layers get an explicit PAD and VALID, which
                      costs no time in XNNPACK. Torch's last row or column of padding is never read there: it is left
                      out. Blocks with ``same`` take SAME, without PAD.
    pool, linear      MEAN with its 1x1 dimensions, then FULLY_CONNECTED, which flattens by itself: (1, classes)
    hsigmoid          relu6(x + 3) / 6: the 3 is added to the bias, the relu6 is fused, and the 1/6 moves through the
                      product into the weights of the 1x1 convolution behind it, exact up to one rounding of each
                      weight (2^-24 relative). Squeeze-and-excitation takes MEAN, two CONV_2D and one MUL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from edgenas.blocks.ops import Op, OpAct
from edgenas.blocks.padding import same_differs
from edgenas.blocks.size import axes
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import Array, Weights
from edgenas.profiler.export.tflite_pack import Subgraph, Tensor, pack
from edgenas.profiler.export.walk import INPUT_NAME, Step, output_shapes, steps

#: values of the schema's ActivationFunctionType and Padding
_FUSED: dict[OpAct, int] = {"none": 0, "relu": 1, "relu6": 3, "hswish": 0, "hsigmoid": 3}
_SAME, _VALID = 0, 1


def write_tflite(
    blocks: Sequence[BlockSpec],
    weights: Sequence[Weights],
    *,
    name: str = "main",
    outputs: Mapping[int, str] | None = None,
) -> bytes:
    """Return a float32 TFLite file: 'input' (1, H, W, C) to 'output' (1, H', W', C'), or (1, classes) after a head.
    ``outputs`` names the outputs of blocks by their number, in place of 'output'.

    ``weights`` has one dictionary per block, as ``edgenas.blocks.weights`` describes. Equal arguments give equal bytes.
    InputError when the blocks do not chain, when none of them computes anything, or when the weights do not fit.
    """
    walk = steps(blocks, weights, name, outputs)
    writer = _Writer()
    writer.graph.tensor(Tensor(INPUT_NAME, (1, *axes(blocks[0].in_size), blocks[0].c_in)))
    for step in walk:
        writer.add(step)
    return pack(writer.graph, name=name, input_name=INPUT_NAME, output_names=tuple(output_shapes(blocks, outputs)))


class _Writer:
    """Converter of steps to operators. ``times`` maps a tensor to the factor by which its values are scaled."""

    def __init__(self) -> None:
        self.graph = Subgraph()
        self.times: dict[int, int] = {}

    def add(self, step: Step) -> None:
        inputs = tuple(self.graph.index[name] for name in step.inputs)
        op = step.op
        match op.kind:
            case "conv" | "depthwise" | "linear":
                self._weighted(step, inputs[0])
            case "multiply":
                output = self.graph.operator("MUL", inputs, _activation(step.label, op))
                self.times[output] = self.times.get(inputs[0], 1) * self.times.get(inputs[1], 1)
            case "add":
                assert not any(i in self.times for i in inputs), "a multiple must not be added"
                self.graph.operator("ADD", inputs, _activation(step.label, op))
            case "pool":
                axes = Tensor("height_and_width", (2,), "INT32", np.array([1, 2], "<i4").tobytes())
                self.graph.operator(
                    "MEAN", (inputs[0], self.graph.tensor(axes)), _activation(step.label, op), KeepDims=True
                )

    def _weighted(self, step: Step, source: int) -> None:
        op, label = step.op, step.label
        weight, bias = step.weights[f"{op.name}.weight"], step.weights[f"{op.name}.bias"]
        if source in self.times:
            weight = weight / np.float32(self.times[source])
        if op.act == "hsigmoid":
            bias = bias + np.float32(3)
        constants = (
            self._constant(f"{label}.weight", _tflite_order(op, weight)),
            self._constant(f"{label}.bias", bias),
        )
        linear = f"{label}.before_hswish" if op.act == "hswish" else label
        fused = _FUSED[op.act]
        if op.kind == "linear":
            output = self.graph.operator(
                "FULLY_CONNECTED",
                (source, *constants),
                Tensor(linear, (1, op.c_out)),
                FusedActivationFunction=fused,
            )
        else:
            output = self._convolution(op, self._padded(label, op, source), constants, linear, fused)
        if op.act == "hswish":
            output = self.graph.operator("HARD_SWISH", (output,), self.graph.tensors[output]._replace(name=label))
        elif op.act == "hsigmoid":
            self.times[output] = 6

    def _convolution(self, op: Op, source: int, constants: tuple[int, int], label: str, fused: int) -> int:
        depthwise = op.kind == "depthwise"
        return self.graph.operator(
            "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D",
            (source, *constants),
            _activation(label, op),
            Padding=_VALID if needs_pad(op) else _SAME,
            StrideW=op.stride,
            StrideH=op.stride,
            FusedActivationFunction=fused,
            **({"DepthMultiplier": 1} if depthwise else {}),
        )

    def _padded(self, label: str, op: Op, source: int) -> int:
        """Return the tensor ``source`` with torch's padding where SAME pads differently, else unchanged."""
        if not needs_pad(op):
            return source
        before = op.kernel // 2
        rows, columns = sides = [(before, before - 1 + n % 2) for n in axes(op.in_size)]
        amounts = np.array([(0, 0), rows, columns, (0, 0)], "<i4")
        name = "_".join(["padding", str(op.kernel), *([] if rows == columns else [f"{rows[1]}x{columns[1]}"])])
        padded = (n + sum(side) for n, side in zip(axes(op.in_size), sides, strict=True))
        return self.graph.operator(
            "PAD",
            (source, self.graph.tensor(Tensor(name, (4, 2), "INT32", amounts.tobytes()))),
            Tensor(f"{label}.padded", (1, *padded, op.c_in)),
        )

    def _constant(self, name: str, values: Array) -> int:
        return self.graph.tensor(Tensor(name, values.shape, data=values.astype("<f4", copy=False).tobytes()))


def needs_pad(op: Op) -> bool:
    """Return whether SAME differs from padding kernel // 2 on every side, which the operation asks for."""
    return op.kind in ("conv", "depthwise") and not op.same and same_differs(op.kernel, op.stride, op.in_size)


def _activation(label: str, op: Op) -> Tensor:
    return Tensor(label, (1, *axes(op.out_size), op.c_out))


def _tflite_order(op: Op, weight: Array) -> Array:
    """Return weights in TFLite's order of axes, from torch's (``Op.weight_shape``)."""
    if op.kind == "linear":
        return weight  # (O, I) in both
    if op.kind == "depthwise":
        return weight.transpose(1, 2, 3, 0)  # (C, 1, k, k) -> (1, k, k, C)
    return weight.transpose(0, 2, 3, 1)  # (O, I, k, k) -> (O, k, k, I)
