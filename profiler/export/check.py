"""What is in an exported file, and whether it computes what it should: operator census, delegation, parity.

The expected census is written down here a second time, apart from the writers, so that it can disagree with them.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import numpy as np

from blocks.errors import InputError, OutcomeError
from blocks.ops import Op, lower
from blocks.spec import BlockSpec
from blocks.weights import Array

Format = Literal["tflite", "onnx"]

TOLERANCE = 1e-5  #: largest relative error (``max_relative_error``) that float32 files may have


def model_format(model: bytes) -> Format:
    """Which format the bytes are in: TFLite carries 'TFL3' at byte 4, ONNX begins with its ir_version (field 1)."""
    if model[4:8] == b"TFL3":
        return "tflite"
    if model[:1] == b"\x08":
        return "onnx"
    raise InputError(f"a model that begins with {model[:8]!r} is neither TFLite ('TFL3' at byte 4) nor ONNX")


def census(model: bytes) -> Counter[str]:
    """How many operators of each name the file holds, by the names its format gives them."""
    if model_format(model) == "onnx":
        import onnx

        return Counter(node.op_type for node in onnx.load_from_string(model).graph.node)
    import ai_edge_litert.schema_py_generated as schema

    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
    root = schema.Model.GetRootAs(model)
    codes = [root.OperatorCodes(i) for i in range(root.OperatorCodesLength())]
    counts: Counter[str] = Counter()
    for graph in (root.Subgraphs(i) for i in range(root.SubgraphsLength())):
        for i in range(graph.OperatorsLength()):
            code = codes[graph.Operators(i).OpcodeIndex()]
            counts[names[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]] += 1
    return counts


_TFLITE = {
    "conv": "CONV_2D",
    "depthwise": "DEPTHWISE_CONV_2D",
    "linear": "FULLY_CONNECTED",
    "pool": "MEAN",
    "multiply": "MUL",
    "add": "ADD",
}
_ONNX = {
    "conv": "Conv",
    "depthwise": "Conv",
    "linear": "Gemm",
    "pool": "GlobalAveragePool",
    "multiply": "Mul",
    "add": "Add",
    "relu": "Relu",
    "relu6": "Clip",
    "hswish": "HardSwish",
    "hsigmoid": "HardSigmoid",
}


def expected_census(blocks: Sequence[BlockSpec], fmt: Format) -> Counter[str]:
    """Exactly the operators that a file of these blocks should hold."""
    one = _expected_tflite if fmt == "tflite" else _expected_onnx
    return Counter(kind for block in blocks for op in lower(block) for kind in one(block, op))


def _expected_tflite(block: BlockSpec, op: Op) -> Iterator[str]:
    if op.kind in ("conv", "depthwise") and op.kernel > 1 and op.stride == 2 and op.in_size % 2 == 0:
        yield "PAD"
    yield _TFLITE[op.kind]
    if op.act == "hswish":
        yield "HARD_SWISH"


def _expected_onnx(block: BlockSpec, op: Op) -> Iterator[str]:
    if block.kind == "head" and op.kind == "pool":
        yield "Flatten"
    yield _ONNX[op.kind]
    if op.act != "none":
        yield _ONNX[op.act]


def run_model(model: bytes, x: Array) -> Array:
    """Outputs of the file for the pictures ``x`` (n, H, W, C), one after another on one thread of LiteRT or ONNX
    Runtime.

    Feature maps come back as (n, H', W', C') whatever the format, classes as (n, classes). InputError when a picture
    does not have the shape of the file's input.
    """
    return (_run_litert if model_format(model) == "tflite" else _run_onnxruntime)(model, x)


def _run_litert(model: bytes, x: Array) -> Array:
    interpreter = _interpreter(model)
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    _check_shape(tuple(source["shape"][1:]), x)
    outputs = []
    for picture in x:
        interpreter.set_tensor(source["index"], np.ascontiguousarray(picture[None]))
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(target["index"]))
    return np.concatenate(outputs)


def _run_onnxruntime(model: bytes, x: Array) -> Array:
    import onnxruntime

    getattr(onnxruntime, "disable_telemetry_events", lambda: None)()  # newer ones; nothing is reported anywhere
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    source = session.get_inputs()[0]
    c, h, w = source.shape[1:]
    _check_shape((h, w, c), x)
    nchw = np.ascontiguousarray(x.transpose(0, 3, 1, 2))  # (n, H, W, C) -> (n, C, H, W)
    outputs = np.concatenate([session.run(None, {source.name: picture[None]})[0] for picture in nchw])
    return outputs.transpose(0, 2, 3, 1) if outputs.ndim == 4 else outputs  # back to (n, H', W', C')


def _check_shape(picture: tuple[int, ...], x: Array) -> None:
    if x.ndim != 4 or len(x) == 0 or x.shape[1:] != picture or x.dtype != np.float32:
        shape = ", ".join(str(int(n)) for n in picture)
        raise InputError(f"the model takes float32 pictures (n, {shape}) in NHWC, not {x.dtype}{x.shape}")


class Delegation(NamedTuple):
    """How LiteRT shares a file: partitions that XNNPACK runs, and operators left to LiteRT's own kernels."""

    partitions: int
    outside: Counter[str]


def delegation(model: bytes) -> Delegation | None:
    """Where the operators of a TFLite file run; None for ONNX, whose runtime has no delegates.

    After allocation the interpreter still lists every operator of the file, and behind them a DELEGATE for each
    partition with the tensors it reads and writes. The operators inside are those that lead from the ones to the
    others.
    """
    if model_format(model) == "onnx":
        return None
    nodes: list[dict[str, Any]] = _interpreter(model)._get_ops_details()
    delegates = [node for node in nodes if node["op_name"] == "DELEGATE"]
    operators = [node for node in nodes if node["op_name"] != "DELEGATE"]
    producer = {int(tensor): i for i, node in enumerate(operators) for tensor in node["outputs"]}
    inside: set[int] = set()
    for delegate in delegates:
        reads = {int(tensor) for tensor in delegate["inputs"]}
        wanted = [int(tensor) for tensor in delegate["outputs"]]
        while wanted:
            tensor = wanted.pop()
            if tensor in producer and tensor not in reads and producer[tensor] not in inside:
                inside.add(producer[tensor])
                wanted += map(int, operators[producer[tensor]]["inputs"])
    outside = Counter(node["op_name"] for i, node in enumerate(operators) if i not in inside)
    return Delegation(len(delegates), outside)


def partitions(model: bytes) -> int | None:
    """Pieces that a TFLite file is executed in: each XNNPACK partition and each operator outside of them is one.

    The writer promises 1 (whether XNNPACK runs that one, ``delegation`` tells); None for ONNX.
    """
    shared = delegation(model)
    return None if shared is None else shared.partitions + shared.outside.total()


def max_relative_error(actual: Array, expected: Array) -> float:
    """max |actual - expected| / max |expected|: the worst value against the scale of the whole tensor, so that
    values which ought to cancel to nothing do not count as wrong. Infinite where only ``actual`` is not all zero, or
    anything is not a number."""
    worst = float(np.max(np.abs(actual.astype(np.float64) - expected)))
    scale = float(np.max(np.abs(expected)))
    if worst == 0:
        return 0.0
    return worst / scale if scale > 0 and np.isfinite(worst) else float("inf")


def parity(
    model: bytes, x: Array, expected: Array, *, blocks: Sequence[BlockSpec] = (), tolerance: float = TOLERANCE
) -> float:
    """``max_relative_error`` of the file's output for ``x`` (NHWC) against ``expected``.

    OutcomeError when the shapes differ, the error is above ``tolerance``, or ``blocks`` are given and the file holds
    other operators than they call for.
    """
    fmt = model_format(model)
    if blocks:
        found, wanted = census(model), expected_census(blocks, fmt)
        if found != wanted:
            raise OutcomeError(
                f"the {fmt} file holds other operators than its blocks call for: too many {dict(found - wanted)}, "
                f"missing {dict(wanted - found)}; export it again"
            )
    actual = run_model(model, x)
    if actual.shape != expected.shape:
        raise OutcomeError(f"the {fmt} file gives {actual.shape}, but {expected.shape} was expected")
    error = max_relative_error(actual, expected)
    if not error <= tolerance:
        raise OutcomeError(f"the {fmt} file is off by {error:.2g} relative, more than {tolerance:.2g}; export it again")
    return error


def _interpreter(model: bytes) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    with _without_banner():
        interpreter = Interpreter(model_content=model, num_threads=1)
        interpreter.allocate_tensors()
    return interpreter


@contextmanager
def _without_banner() -> Iterator[None]:
    """LiteRT writes 'INFO: Created TensorFlow Lite XNNPACK delegate' to stderr each time, and has no switch for it;
    what goes wrong, it raises."""
    stderr = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)
