"""The checks of exported files: they find what is wrong, and name it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from edgenas.base.errors import InputError, OutcomeError
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import random_weights
from edgenas.profiler.export import WRITERS, write_onnx, write_tflite
from edgenas.profiler.export.check import (
    Delegation,
    census,
    delegation,
    expected_census,
    max_relative_error,
    parity,
    partitions,
    run_model,
)
from edgenas.profiler.export.tflite_pack import Subgraph, Tensor, pack

BLOCK = BlockSpec.parse("ir-9x4-m12-o6-k5-s2-se4-hswish")


def foreign_model(*operators: str) -> bytes:
    """A chain of HARD_SWISH and of ADD with a fused tanh, which XNNPACK does not have."""
    graph = Subgraph()
    last = graph.tensor(Tensor("input", (1, 4, 4, 8)))
    for i, kind in enumerate(operators, start=1):
        output = Tensor("output" if i == len(operators) else f"t{i}", (1, 4, 4, 8))
        if kind == "ADD":
            last = graph.operator("ADD", (last, last), output, FusedActivationFunction=4)
        else:
            last = graph.operator(kind, (last,), output)
    return pack(graph, name="foreign", input_name="input", output_names=["output"])


def test_delegation_tells_what_xnnpack_leaves_out() -> None:
    model = foreign_model("HARD_SWISH", "HARD_SWISH", "ADD", "HARD_SWISH")
    assert delegation(model) == Delegation(2, Counter(ADD=1))
    assert partitions(model) == 3
    assert delegation(foreign_model("HARD_SWISH", "ADD")) == Delegation(1, Counter(ADD=1))
    assert delegation(foreign_model("ADD")) == Delegation(0, Counter(ADD=1))
    onnx_bytes = write_onnx([BLOCK], [random_weights(BLOCK)])
    assert partitions(onnx_bytes) is None
    assert partitions(write_tflite([BLOCK], [random_weights(BLOCK)])) == 1


@pytest.mark.parametrize("fmt", WRITERS)
def test_parity_refuses_what_differs(fmt: str) -> None:
    weights = random_weights(BLOCK)
    model = WRITERS[fmt]([BLOCK], [weights])
    x = np.random.default_rng(3).standard_normal((4, 9, 9, 4), dtype=np.float32)
    good = run_model(model, x)
    assert good.shape == (4, 5, 5, 6)
    assert parity(model, x, good, blocks=[BLOCK]) == 0
    worst = np.abs(good).max()
    assert parity(model, x, good + worst * np.float32(0.9e-3), tolerance=1e-3) == pytest.approx(0.9e-3, rel=1e-2)
    with pytest.raises(OutcomeError, match="is off by"):
        parity(model, x, good + worst * np.float32(2e-5))
    with pytest.raises(OutcomeError, match=r"gives \(4, 5, 5, 6\), but \(5, 5, 6\) was expected"):
        parity(model, x, good[0])
    other = BlockSpec.parse("ir-9x4-m12-o6-k5-s2-hswish")
    with pytest.raises(OutcomeError, match="holds other operators"):
        parity(model, x, good, blocks=[other])
    for bad in (x[:, 1:], x[..., 1:], x[0], x.astype(np.float64)):
        with pytest.raises(InputError, match=r"images \(n, 9, 9, 4\) in NHWC"):
            run_model(model, bad)  # type: ignore[arg-type]  # that it is refused is the point


def test_expected_census_of_a_block_with_everything() -> None:
    block = BlockSpec.parse("ir-8x4-m12-o4-k3-s2-se4-relu6")
    assert expected_census([block], "tflite") == Counter(CONV_2D=4, DEPTHWISE_CONV_2D=1, PAD=1, MEAN=1, MUL=1)
    assert expected_census([block], "onnx") == Counter(
        Conv=5, Clip=2, Relu=1, HardSigmoid=1, GlobalAveragePool=1, Mul=1
    )
    head = BlockSpec.parse("head-4x4-m12-o5-hswish")
    assert expected_census([head], "tflite") == Counter(MEAN=1, FULLY_CONNECTED=2, HARD_SWISH=1)
    assert expected_census([head], "onnx") == Counter(GlobalAveragePool=1, Flatten=1, Gemm=2, HardSwish=1)


def test_max_relative_error() -> None:
    def error(actual: list[float], expected: list[float]) -> float:
        return max_relative_error(np.array(actual, np.float32), np.array(expected, np.float32))

    assert error([1, 2, 3], [1, 2, 4]) == 0.25
    assert error([1e-3, 4], [0, 4]) == pytest.approx(0.25e-3)  # against the scale of the whole, not value by value
    assert error([0, 0], [0, 0]) == 0
    assert error([1, 0], [0, 0]) == error([float("nan"), 1], [1, 1]) == error([1, 1], [float("inf"), 1]) == float("inf")


def test_bytes_of_no_known_format_are_refused() -> None:
    for model in (b"", b"TFL3", b"PK\x03\x04 something else"):
        with pytest.raises(InputError, match="neither TFLite"):
            census(model)
