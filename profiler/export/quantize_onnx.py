"""Conversion of ONNX files to int8: onnxruntime's static QDQ, int8 weights (scale per channel), uint8 activations.

The QuantizeLinear of the input and the DequantizeLinear of each output are removed: a block alone then reads and writes
8 bits, as it does inside a network, and its time contains no conversion that a network does not have. Scale and zero
point stay in the file, on the first DequantizeLinear and the last QuantizeLinear
of each output.

A reduced range keeps weights within -64 .. 64 (7 bits): no sum of two products then saturates on processors that add
them in 16 bits (``edgenas.devices.facts.int8_products``). The file's metadata holds the number of bits.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from edgenas.base.errors import OutcomeError
from edgenas.blocks.weights import Array
from edgenas.profiler.export.walk import INPUT_NAME

WEIGHT_BITS = "edgenas.weight_bits"  #: key of the file's metadata: '7' or '8'
_UINT8 = 2  # TensorProto.UINT8


def to_int8(model: bytes, images: Array, reduce_range: bool = False) -> bytes:
    """Convert a float32 file: int8 weights (scale per channel; 7 bits with ``reduce_range``), uint8 activations (scale
    per tensor), uint8 input and output."""
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.quant_utils import add_pre_process_metadata

    floats = onnx.shape_inference.infer_shapes(onnx.load_from_string(model))
    add_pre_process_metadata(floats)  # prevents a log line that batch norm should be folded: it is
    with tempfile.TemporaryDirectory(prefix="edgenas-") as folder:
        path = Path(folder, "int8.onnx")
        quantize_static(
            floats,
            str(path),
            _Reader(images),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            op_types_to_quantize=sorted({node.op_type for node in floats.graph.node}),
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            reduce_range=reduce_range,
        )
        small = onnx.load(str(path))
    _integer_ends(small.graph)
    small.producer_name = "edgenas"
    del small.metadata_props[:]
    small.metadata_props.add(key=WEIGHT_BITS, value="7" if reduce_range else "8")
    onnx.checker.check_model(small)
    return bytes(small.SerializeToString(deterministic=True))


class _Reader:
    """A reader with the interface of onnxruntime's CalibrationDataReader: one picture at a time, in NCHW."""

    def __init__(self, images: Array) -> None:
        self._left: Iterator[Array] = iter(images)

    def get_next(self) -> dict[str, Array] | None:
        """Return the next feed; None at the end."""
        picture = next(self._left, None)
        if picture is None:
            return None
        return {INPUT_NAME: np.ascontiguousarray(picture.transpose(2, 0, 1)[None])}  # (H, W, C) -> (1, C, H, W)


def _integer_ends(graph: Any) -> None:
    """Remove the conversions from and to float at both ends of ``graph``, a GraphProto; OutcomeError where one of them
    is missing."""
    outputs = [value.name for value in graph.output]
    first = [node for node in graph.node if INPUT_NAME in node.input]
    last = [node for name in outputs for node in graph.node if name in node.output]
    kinds = [node.op_type for node in (*first, *last)]
    if kinds != ["QuantizeLinear", *["DequantizeLinear"] * len(outputs)]:
        raise OutcomeError(f"onnxruntime quantized the ends of the network otherwise than expected: {', '.join(kinds)}")
    read = {name for node in graph.node for name in node.input}
    inside = {first[0].output[0]: INPUT_NAME}
    graph.node.remove(first[0])
    for name, end in zip(outputs, last, strict=True):
        inside[end.input[0]] = name
        if name in read:  # a feature map that later blocks read as well keeps its DequantizeLinear, for them
            inside[name] = f"{name}.real"
        else:
            graph.node.remove(end)
    for node in graph.node:
        for names in (node.input, node.output):
            for i, name in enumerate(names):
                names[i] = inside.get(name, name)
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.elem_type = _UINT8
