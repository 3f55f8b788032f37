"""Packing of tensors and operators into the bytes of a TFLite file: the flatbuffer half of the writer.

Schema: tensorflow/compiler/mlir/lite/schema/schema.fbs, version 3, as in the ``ai_edge_litert`` package. The schema's
builder functions are called directly, so that weights are copied once; the object API of the same module packs a vector
byte by byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

SCHEMA_VERSION = 3
IDENTIFIER = b"TFL3"
ALIGNMENT_BYTES = 16  #: alignment of every buffer in the file; kernels load weights in vectors of this width

#: operator -> its table of options in the schema; float32 needs only version 1 of each operator
OPTIONS = {
    "ADD": "AddOptions",
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "HARD_SWISH": "HardSwishOptions",
    "MEAN": "ReducerOptions",
    "MUL": "MulOptions",
    "PAD": "PadOptions",
}
OPERATOR_VERSION = 1


class Tensor(NamedTuple):
    """A tensor: ``dtype`` is a name in the schema's TensorType; ``data`` the bytes of a constant, empty for an
    activation."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "FLOAT32"
    data: bytes = b""


class Operator(NamedTuple):
    """An operator: ``inputs`` and ``output`` are indices of tensors; ``options`` are the fields of its table of
    options, by their names in the schema."""

    kind: str
    inputs: tuple[int, ...]
    output: int
    options: Mapping[str, int]


@dataclass(slots=True)
class Subgraph:
    """A subgraph being built: tensors by index, and indices by name."""

    tensors: list[Tensor] = field(default_factory=list)
    operators: list[Operator] = field(default_factory=list)
    index: dict[str, int] = field(default_factory=dict)

    def tensor(self, tensor: Tensor) -> int:
        """Return the index of ``tensor``, which is added unless the subgraph has one of its name."""
        index = self.index.setdefault(tensor.name, len(self.tensors))
        if index == len(self.tensors):
            self.tensors.append(tensor)
        return index

    def operator(self, kind: str, inputs: tuple[int, ...], output: Tensor, **options: int) -> int:
        """Append an operator and return the index of its output."""
        index = self.tensor(output)
        self.operators.append(Operator(kind, inputs, index, options))
        return index


#: inputs and outputs of a subgraph: name -> index of the tensor
_Ends = tuple[dict[str, int], dict[str, int]]


def pack(graph: Subgraph, *, name: str, input_name: str, output_names: Sequence[str]) -> bytes:
    """Return a TFLite file with one subgraph ``name``, one input, its outputs and the signature 'serving_default'.

    Equal graphs give equal bytes.
    """
    import ai_edge_litert.schema_py_generated as schema
    import flatbuffers

    constants_bytes = sum(len(t.data) for t in graph.tensors)
    builder = flatbuffers.Builder(constants_bytes + 512 * (len(graph.tensors) + 4))  # enough never to grow
    buffers = _buffers(builder, schema, graph)
    kinds = sorted({op.kind for op in graph.operators})
    codes = [_operator_code(builder, schema, getattr(schema.BuiltinOperator, kind)) for kind in kinds]
    ends = ({input_name: graph.index[input_name]}, {output: graph.index[output] for output in output_names})
    subgraph = _subgraph(builder, schema, graph, kinds, name, ends)
    signature = _signature(builder, schema, ends)
    description = builder.CreateString("edgenas")
    vectors = {
        "Buffers": _offsets(builder, buffers),
        "OperatorCodes": _offsets(builder, codes),
        "Subgraphs": _offsets(builder, [subgraph]),
        "SignatureDefs": _offsets(builder, [signature]),
    }
    schema.ModelStart(builder)
    schema.ModelAddVersion(builder, SCHEMA_VERSION)
    schema.ModelAddDescription(builder, description)
    for field_name, offset in vectors.items():
        getattr(schema, f"ModelAdd{field_name}")(builder, offset)
    builder.Finish(schema.ModelEnd(builder), IDENTIFIER)
    return bytes(memoryview(builder.Bytes)[builder.Head() :])


def _buffers(builder: Any, schema: Any, graph: Subgraph) -> list[int]:
    """Add the buffers and return their offsets: buffer 0 is empty and used by every activation, then one buffer for
    each constant, in order of tensors."""
    offsets = []
    for data in (b"", *(t.data for t in graph.tensors if t.data)):
        vector = 0
        if data:
            builder.Prep(ALIGNMENT_BYTES, len(data))
            vector = builder.CreateByteVector(data)
        schema.BufferStart(builder)
        if data:
            schema.BufferAddData(builder, vector)
        offsets.append(schema.BufferEnd(builder))
    return offsets


def _operator_code(builder: Any, schema: Any, code: int) -> int:
    schema.OperatorCodeStart(builder)
    schema.OperatorCodeAddDeprecatedBuiltinCode(builder, min(code, 127))  # read by runtimes from before 2020
    schema.OperatorCodeAddBuiltinCode(builder, code)
    schema.OperatorCodeAddVersion(builder, OPERATOR_VERSION)
    return int(schema.OperatorCodeEnd(builder))


def _subgraph(builder: Any, schema: Any, graph: Subgraph, kinds: list[str], name: str, ends: _Ends) -> int:
    tensors, constants = [], 0
    for tensor in graph.tensors:
        constants += bool(tensor.data)
        tensors.append(_tensor(builder, schema, tensor, constants if tensor.data else 0))
    operators = [_operator(builder, schema, op, kinds.index(op.kind)) for op in graph.operators]
    text = builder.CreateString(name)
    vectors = {
        "Tensors": _offsets(builder, tensors),
        "Operators": _offsets(builder, operators),
        "Inputs": _int32s(builder, tuple(ends[0].values())),
        "Outputs": _int32s(builder, tuple(ends[1].values())),
    }
    schema.SubGraphStart(builder)
    schema.SubGraphAddName(builder, text)
    for field_name, offset in vectors.items():
        getattr(schema, f"SubGraphAdd{field_name}")(builder, offset)
    return int(schema.SubGraphEnd(builder))


def _tensor(builder: Any, schema: Any, tensor: Tensor, buffer: int) -> int:
    name, shape = builder.CreateString(tensor.name), _int32s(builder, tensor.shape)
    schema.TensorStart(builder)
    schema.TensorAddName(builder, name)
    schema.TensorAddShape(builder, shape)
    schema.TensorAddType(builder, getattr(schema.TensorType, tensor.dtype))
    schema.TensorAddBuffer(builder, buffer)
    return int(schema.TensorEnd(builder))


def _operator(builder: Any, schema: Any, operator: Operator, code_index: int) -> int:
    table = OPTIONS[operator.kind]
    getattr(schema, f"{table}Start")(builder)
    for field_name, value in operator.options.items():
        getattr(schema, f"{table}Add{field_name}")(builder, value)
    options = getattr(schema, f"{table}End")(builder)
    inputs, outputs = _int32s(builder, operator.inputs), _int32s(builder, (operator.output,))
    schema.OperatorStart(builder)
    schema.OperatorAddOpcodeIndex(builder, code_index)
    schema.OperatorAddInputs(builder, inputs)
    schema.OperatorAddOutputs(builder, outputs)
    schema.OperatorAddBuiltinOptionsType(builder, getattr(schema.BuiltinOptions, table))
    schema.OperatorAddBuiltinOptions(builder, options)
    return int(schema.OperatorEnd(builder))


def _signature(builder: Any, schema: Any, ends: _Ends) -> int:
    """Add the signature, with named input and outputs, that CompiledModel and quantizers use; return its offset."""
    maps = []
    for named in ends:
        entries = []
        for name, index in named.items():
            text = builder.CreateString(name)
            schema.TensorMapStart(builder)
            schema.TensorMapAddName(builder, text)
            schema.TensorMapAddTensorIndex(builder, index)
            entries.append(schema.TensorMapEnd(builder))
        maps.append(_offsets(builder, entries))
    key = builder.CreateString("serving_default")
    schema.SignatureDefStart(builder)
    schema.SignatureDefAddInputs(builder, maps[0])
    schema.SignatureDefAddOutputs(builder, maps[1])
    schema.SignatureDefAddSignatureKey(builder, key)
    return int(schema.SignatureDefEnd(builder))


def _offsets(builder: Any, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _int32s(builder: Any, values: Sequence[int]) -> int:
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependInt32(value)
    return int(builder.EndVector())
