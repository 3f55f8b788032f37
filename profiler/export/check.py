"""Checks of an exported file: census of its operators, delegation, and parity of its outputs.

The expected census is defined in this module a second time, independently of the writers, so that it can disagree with
them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from edgenas.base.errors import OutcomeError
from edgenas.blocks.ops import Op, lower
from edgenas.blocks.size import axes
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import Array
from edgenas.profiler.export.run import Format, interpreter, model_format, run_model

TOLERANCE = 1e-5  #: largest accepted relative error (``max_relative_error``) of float32 files


def census(model: bytes) -> Counter[str]:
    """Return the number of operators of each name in a file; names are those of its format."""
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
    """Return the exact census of operators that a file of these blocks must have."""
    one = _expected_tflite if fmt == "tflite" else _expected_onnx
    return Counter(kind for block in blocks for op in lower(block) for kind in one(block, op))


def _expected_tflite(block: BlockSpec, op: Op) -> Iterator[str]:
    if (
        op.kind in ("conv", "depthwise")
        and op.kernel > 1
        and op.stride == 2
        and not block.same
        and not all(n % 2 for n in axes(op.in_size))
    ):
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


class Delegation(NamedTuple):
    """Delegation of a file in LiteRT: number of partitions that XNNPACK runs, and the operators outside of them, which
    run in LiteRT's own kernels."""

    partitions: int
    outside: Counter[str]


def delegation(model: bytes) -> Delegation | None:
    """Return where the operators of a TFLite file run; None for ONNX, whose runtime has no delegates."""
    if model_format(model) == "onnx":
        return None
    nodes, inside = _shared(model)
    operators = [node for node in nodes if node["op_name"] != "DELEGATE"]
    outside = Counter(node["op_name"] for i, node in enumerate(operators) if i not in inside)
    return Delegation(len(nodes) - len(operators), outside)


def delegated(model: bytes) -> set[int]:
    """Return the numbers, in the file's order, of the operators of a TFLite file that XNNPACK runs."""
    return _shared(model)[1]


def _shared(model: bytes) -> tuple[list[dict[str, Any]], set[int]]:
    """Return the nodes that LiteRT lists, and the numbers of the file's operators that are inside a delegate.

    After allocation the interpreter still lists every operator of the file, followed by one DELEGATE node for each
    partition, with the tensors that it reads and writes. The operators inside a partition are those on the paths from
    the tensors it reads to the tensors it writes.
    """
    nodes: list[dict[str, Any]] = interpreter(model)._get_ops_details()
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
    return nodes, inside


def partitions(model: bytes) -> int | None:
    """Return the number of parts in which a TFLite file is executed: XNNPACK partitions plus operators outside of them.

    A file of the writer has 1 (``delegation`` shows whether XNNPACK runs it); None for ONNX.
    """
    shared = delegation(model)
    return None if shared is None else shared.partitions + shared.outside.total()


def max_relative_error(actual: Array, expected: Array) -> float:
    """Return max |actual - expected| / max |expected|: the largest error relative to the scale of the whole tensor, so
    that rounding errors of values near 0 do not count as large. Infinite where ``expected`` is all 0 and ``actual`` is
    not, or where a value is not a number."""
    worst = float(np.max(np.abs(actual.astype(np.float64) - expected)))
    scale = float(np.max(np.abs(expected)))
    if worst == 0:
        return 0.0
    return worst / scale if scale > 0 and np.isfinite(worst) else float("inf")


def parity(
    model: bytes, x: Array, expected: Array, *, blocks: Sequence[BlockSpec] = (), tolerance: float = TOLERANCE
) -> float:
    """Return the ``max_relative_error`` of a file's output for ``x`` (NHWC) against ``expected``.

    OutcomeError when the shapes differ, when the error is above ``tolerance``, or when ``blocks`` are given and the
    file holds other operators than these require.
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
