"""Census of integer and float operators of a file, which an int8 file has to pass.

The census is read from the file and from the runtime, never from the report of the quantizer.
"""

from __future__ import annotations

import json
import math
import statistics
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edgenas.profiler.export.check import delegated
from edgenas.profiler.export.operator_times import time_shares
from edgenas.profiler.export.run import ends, model_format, session

_RUNS = 20  #: number of runs of a profile; the median of their times is used

_REDUCED = 64  #: largest magnitude of weights with reduced range

_WEIGHTED = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "Conv", "Gemm", "QLinearConv", "QGemm"}


class FileOperator(NamedTuple):
    """One operator of a file. ``integer``: all its inputs and outputs are 8-bit integers, its biases 32-bit ones."""

    name: str
    kind: str
    integer: bool
    macs: int
    values: int  #: number of values that it writes


class Fallback(NamedTuple):
    """Operators of one kind that an int8 file computes in float, or in slower kernels than its delegate's: their
    number, and their shares of the time on this machine, of the MACs and of the values written."""

    kind: str
    number: int
    time_share: float
    macs_share: float
    values_share: float

    @property
    def text(self) -> str:
        """Sentence without a full stop: number and kind of the operators, and their shares in percent."""
        shares = (f"{100 * self.time_share:.1f} % of the time", f"{100 * self.macs_share:.1f} % of the MACs")
        written = f"{100 * self.values_share:.1f} % of the values written"
        return f"{self.number} {self.kind} do not run in int8 kernels: {', '.join(shares)}, {written}"


def nodes(model: bytes) -> list[FileOperator]:
    """Return every operator that computes. In ONNX, conversions between float and 8 bits do not count as operators:
    they mark which operators are integer."""
    return list((_tflite_nodes if model_format(model) == "tflite" else _onnx_nodes)(model))


def float_convolutions(model: bytes) -> list[str]:
    """Return the names of convolutions and linear layers that are not computed in integers; an int8 file has none."""
    return [node.name for node in nodes(model) if node.kind in _WEIGHTED and not node.integer]


def computed_in(model: bytes) -> str:
    """Return 'int8' where no convolution or linear layer is computed in float, else 'fp32', even where weights are
    stored in fewer bits."""
    found = [node for node in nodes(model) if node.kind in _WEIGHTED]
    return "int8" if found and all(node.integer for node in found) else "fp32"


def weight_bits(model: bytes) -> int | None:
    """Return the number of bits that the weights of an int8 file use, read from the weights: 7 where all are within
    -64 .. 64, so that no sum of two products saturates in 16 bits, else 8; None for a file without int8 weights."""
    largest = max((int(np.abs(array.astype(np.int16)).max()) for array in _int8_weights(model)), default=None)
    return None if largest is None else 7 if largest <= _REDUCED else 8


def fallbacks(model: bytes) -> list[Fallback]:
    """Return the fallbacks of an int8 file by kind of operator, largest share of time first; empty where there is none.

    TFLite: operators that are float, or outside of XNNPACK, with their time measured alone
    (``edgenas.profiler.export.operator_times``). ONNX: operators that read or write float when ONNX Runtime runs them,
    conversions included, with their share of the time.
    """
    found = _tflite_fallbacks(model) if model_format(model) == "tflite" else _onnx_fallbacks(model)
    return sorted(found, key=lambda f: (-f.time_share, -f.values_share, f.kind))


def _int8_weights(model: bytes) -> Iterator[Any]:
    """Yield the int8 arrays that convolutions and linear layers read as weights."""
    if model_format(model) == "onnx":
        import onnx

        graph = onnx.load_from_string(model).graph
        constants = {tensor.name: tensor for tensor in graph.initializer}
        stored = {n.output[0]: n.input[0] for n in graph.node if n.op_type == "DequantizeLinear"}
        for node in graph.node:
            name = stored.get(node.input[1], "") if node.op_type in _WEIGHTED else ""
            if name in constants and constants[name].data_type == onnx.TensorProto.INT8:
                yield onnx.numpy_helper.to_array(constants[name])
        return
    import ai_edge_litert.schema_py_generated as schema

    root = schema.Model.GetRootAs(model)
    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
    for graph in (root.Subgraphs(i) for i in range(root.SubgraphsLength())):
        for op in (graph.Operators(i) for i in range(graph.OperatorsLength())):
            code = root.OperatorCodes(op.OpcodeIndex())
            if _kind(names, code) in _WEIGHTED:
                tensor = graph.Tensors(int(op.Inputs(1)))
                buffer = root.Buffers(tensor.Buffer())
                if tensor.Type() == schema.TensorType.INT8 and buffer.DataLength():  # 0: computed, no weights
                    yield buffer.DataAsNumpy().view(np.int8)


def _tflite_nodes(model: bytes) -> Iterator[FileOperator]:
    import ai_edge_litert.schema_py_generated as schema

    root = schema.Model.GetRootAs(model)
    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
    integers = {schema.TensorType.INT8, schema.TensorType.INT32}
    for graph in (root.Subgraphs(i) for i in range(root.SubgraphsLength())):
        for i in range(graph.OperatorsLength()):
            op = graph.Operators(i)
            code = root.OperatorCodes(op.OpcodeIndex())
            kind = _kind(names, code)
            inputs = [graph.Tensors(t) for k in range(op.InputsLength()) if (t := int(op.Inputs(k))) >= 0]
            output = graph.Tensors(int(op.Outputs(0)))
            values = int(np.prod(output.ShapeAsNumpy()))
            macs = 0
            if kind in _WEIGHTED:
                weights = [int(n) for n in inputs[1].ShapeAsNumpy()]  # (O, k, k, I), (1, k, k, C) or (O, I)
                macs = values * (math.prod(weights[1:3]) if kind == "DEPTHWISE_CONV_2D" else math.prod(weights[1:]))
            integer = all(tensor.Type() in integers for tensor in (*inputs, output))
            yield FileOperator((output.Name() or b"").decode(errors="replace"), kind, integer, macs, values)


def _kind(names: dict[int, str], code: Any) -> str:
    """Return the name of an operator code of a TFLite file, also of one that the installed schema does not know."""
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    return names.get(number, f"OPERATOR_{number}")


def _onnx_nodes(model: bytes) -> Iterator[FileOperator]:
    import onnx

    graph = onnx.shape_inference.infer_shapes(onnx.load_from_string(model)).graph
    shapes = {
        value.name: [d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.value_info, *graph.output)
    }
    shapes |= {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    made_by = {name: node.op_type for node in graph.node for name in node.output}
    read_by: dict[str, set[str]] = {}
    for node in graph.node:
        for name in node.input:
            read_by.setdefault(name, set()).add(node.op_type)
    constants = {tensor.name for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            continue
        output = node.output[0]
        values = math.prod(shapes.get(output, []))
        macs = values * math.prod(shapes.get(node.input[1], [])[1:]) if node.op_type in ("Conv", "Gemm") else 0
        reads = [name for name in node.input if name and not (name in constants and node.op_type == "Clip")]
        integer = node.op_type.startswith("QLinear") or (
            all(made_by.get(name) == "DequantizeLinear" for name in reads) and read_by.get(output) == {"QuantizeLinear"}
        )
        yield FileOperator(node.name or output, node.op_type, integer, macs, values)


def _tflite_fallbacks(model: bytes) -> list[Fallback]:
    all_nodes = nodes(model)
    inside = delegated(model)
    chosen = [i for i, n in enumerate(all_nodes) if not n.integer or i not in inside]
    return _shares(all_nodes, [all_nodes[i] for i in chosen], time_shares(model, chosen))


def _shares(everything: list[FileOperator], chosen: list[FileOperator], times: list[float]) -> list[Fallback]:
    """Return one fallback per kind of the ``chosen`` operators, whose shares of the time are ``times``."""
    macs, values = (max(1, sum(getattr(n, field) for n in everything)) for field in ("macs", "values"))
    return [
        Fallback(
            kind,
            sum(n.kind == kind for n in chosen),
            sum(time for n, time in zip(chosen, times, strict=True) if n.kind == kind),
            sum(n.macs for n in chosen if n.kind == kind) / macs,
            sum(n.values for n in chosen if n.kind == kind) / values,
        )
        for kind in dict.fromkeys(n.kind for n in chosen)
    ]


def _onnx_fallbacks(model: bytes) -> list[Fallback]:
    """Return the fallbacks of an ONNX file from a profile, since ONNX Runtime fuses and splits the file's operators."""
    took: dict[int, list[int]] = {}
    seen: dict[int, dict[str, Any]] = {}
    for event in _profile(model):
        number = int(event["args"]["node_index"])
        took.setdefault(number, []).append(event["dur"])
        seen[number] = event["args"]
    ms = {number: statistics.median(durations) for number, durations in took.items()}
    written = {
        number: sum(math.prod(shape) for value in args["output_type_shape"] for shape in value.values())
        for number, args in seen.items()
    }
    in_float = [number for number, args in seen.items() if _touches_float(args)]
    macs: Counter[str] = Counter()
    for node in nodes(model):
        macs[""] += node.macs
        macs[node.kind] += 0 if node.integer else node.macs
    return [
        Fallback(
            kind,
            len(those),
            sum(ms[n] for n in those) / max(1, sum(ms.values())),
            macs[kind] / max(1, macs[""]),
            sum(written[n] for n in those) / max(1, sum(written.values())),
        )
        for kind in dict.fromkeys(seen[n]["op_name"] for n in in_float)
        if (those := [n for n in in_float if seen[n]["op_name"] == kind])
    ]


def _touches_float(args: dict[str, Any]) -> bool:
    """Return whether the first input or output is float; the float scales of integer operators are later inputs."""
    return any("float" in values[0] for values in (args["input_type_shape"], args["output_type_shape"]) if values)


def _profile(model: bytes) -> list[dict[str, Any]]:
    """Return the kernel events of a profile of ONNX Runtime over _RUNS runs on random input."""
    found = ends(model)
    h, w, c = found.shape
    x = np.random.default_rng(0).standard_normal((1, h, w, c), dtype=np.float32)
    given = (x if found.source is None else found.source.stored(x)).transpose(0, 3, 1, 2)
    with tempfile.TemporaryDirectory(prefix="edgenas-") as folder:
        running = session(model, str(Path(folder, "profile")))
        for _ in range(_RUNS):
            running.run(None, {running.get_inputs()[0].name: np.ascontiguousarray(given)})
        events = json.loads(Path(running.end_profiling()).read_bytes())
    return [e for e in events if e.get("cat") == "Node" and e["name"].endswith("_kernel_time")]
