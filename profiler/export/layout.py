"""Content of a model file: its operators, its tensors, and the memory that activations need at each operator.

Read from the file itself, TFLite or ONNX, whoever wrote it. The memory is that of tensors with disjoint lifetimes
sharing one arena (as TFLite plans it): the bytes of all tensors that an operator reads or writes, and of those that a
later operator still reads. A delegate may need more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from edgenas.profiler.export.integer import nodes
from edgenas.profiler.export.run import model_format

#: bytes of a value, by name of the type as files have it, in lower case
_BYTES = {
    "float32": 4, "float": 4, "float16": 2, "float64": 8, "double": 8, "int8": 1, "uint8": 1, "bool": 1, "int16": 2,
    "int32": 4, "int64": 8, "int4": 0.5,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FileTensor:
    """A tensor of a file. ``size`` in bytes; ``constant``: its values are stored in the file."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    size: int
    constant: bool


@dataclass(frozen=True, slots=True)
class LayoutOperator:
    """An operator in the order of running: indices of the tensors it reads and writes, its MACs where it multiplies
    with weights, and ``live`` activation bytes while it runs."""

    kind: str
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    macs: int
    live: int


@dataclass(frozen=True, slots=True)
class ModelLayout:
    """Operators and tensors of a file of the format 'tflite' or 'onnx'."""

    format: str
    operators: tuple[LayoutOperator, ...]
    tensors: tuple[FileTensor, ...]

    @property
    def weights(self) -> int:
        """Bytes of all values that the file stores."""
        return sum(tensor.size for tensor in self.tensors if tensor.constant)

    @property
    def peak(self) -> int:
        """Largest number of activation bytes that an operator needs."""
        return max((operator.live for operator in self.operators), default=0)


def read_layout(model: bytes) -> ModelLayout:
    """Return the layout of a TFLite or ONNX file; of the first subgraph of a TFLite file."""
    found = model_format(model)
    tensors, calls = (_tflite if found == "tflite" else _onnx)(model)
    macs = [node.macs for node in nodes(model)] if found == "tflite" else []
    named = {node.name: node.macs for node in nodes(model)} if found == "onnx" else {}
    uses = [(set(reads) | set(writes)) for _, _, reads, writes in calls]
    alive = [_alive(uses, i) for i in range(len(calls))]
    operators = tuple(
        LayoutOperator(
            kind,
            reads,
            writes,
            macs[i] if macs else named.get(name, 0),
            sum(tensors[t].size for t in alive[i] if not tensors[t].constant),
        )
        for i, (name, kind, reads, writes) in enumerate(calls)
    )
    return ModelLayout(found, operators, tuple(tensors))


_Call = tuple[str, str, tuple[int, ...], tuple[int, ...]]  # name, kind, tensors read, tensors written


def _alive(uses: list[set[int]], place: int) -> set[int]:
    """Return the tensors in use at ``place``, or before and after it."""
    before, after = set().union(*uses[:place]), set().union(*uses[place + 1 :])
    return uses[place] | (before & after)


def _tflite(model: bytes) -> tuple[list[FileTensor], list[_Call]]:
    import ai_edge_litert.schema_py_generated as schema

    root = schema.Model.GetRootAs(model)
    types = {code: name.lower() for name, code in vars(schema.TensorType).items() if isinstance(code, int)}
    kinds = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
    graph = root.Subgraphs(0)
    tensors = []
    for tensor in (graph.Tensors(i) for i in range(graph.TensorsLength())):
        shape = tuple(int(n) for n in tensor.ShapeAsNumpy()) if tensor.ShapeLength() else ()
        stored = bool(root.Buffers(tensor.Buffer()).DataLength())
        name = (tensor.Name() or b"").decode(errors="replace")
        tensors.append(_tensor(name, shape, types.get(tensor.Type(), "other"), stored))
    calls = []
    for op in (graph.Operators(i) for i in range(graph.OperatorsLength())):
        code = root.OperatorCodes(op.OpcodeIndex())
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        reads = tuple(t for k in range(op.InputsLength()) if (t := int(op.Inputs(k))) >= 0)
        writes = tuple(int(op.Outputs(k)) for k in range(op.OutputsLength()))
        calls.append((tensors[writes[0]].name, kinds.get(number, f"OPERATOR_{number}"), reads, writes))
    return tensors, calls


def _onnx(model: bytes) -> tuple[list[FileTensor], list[_Call]]:
    import onnx

    graph = onnx.shape_inference.infer_shapes(onnx.load_from_string(model)).graph
    tensors: list[FileTensor] = []
    index: dict[str, int] = {}

    def add(name: str, shape: tuple[int, ...], code: int, stored: bool) -> None:
        if name not in index:
            index[name] = len(tensors)
            dtype = onnx.TensorProto.DataType.Name(code).lower() if code else "other"
            tensors.append(_tensor(name, shape, dtype, stored))

    for constant in graph.initializer:
        add(constant.name, tuple(constant.dims), constant.data_type, True)
    for value in (*graph.input, *graph.value_info, *graph.output):
        add(value.name, _shape(value.type.tensor_type), value.type.tensor_type.elem_type, False)
    calls = []
    for node in graph.node:
        for name in (*node.input, *node.output):
            if name:
                add(name, (), 0, False)
        reads = tuple(index[name] for name in node.input if name)
        calls.append((node.name or node.output[0], node.op_type, reads, tuple(index[n] for n in node.output if n)))
    return tensors, calls


def _shape(tensor_type: Any) -> tuple[int, ...]:
    """Shape of a value; 1 for a size that the file leaves open."""
    return tuple(int(d.dim_value) or 1 for d in tensor_type.shape.dim)


def _tensor(name: str, shape: tuple[int, ...], dtype: str, constant: bool) -> FileTensor:
    return FileTensor(name, shape, dtype, math.ceil(math.prod(shape) * _BYTES.get(dtype, 0)), constant)
