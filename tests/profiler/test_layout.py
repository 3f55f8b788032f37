"""The content of model files: operators, tensors and activation memory, the same from both writers."""

from __future__ import annotations

import pytest

from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import network_random_weights
from edgenas.profiler.export.layout import read_layout
from edgenas.profiler.export.onnx import write_onnx
from edgenas.profiler.export.tflite import write_tflite

BLOCKS = tuple(map(BlockSpec.parse, ("conv-8x3-o4-k3-s1-relu6", "ir-8x4-m16-o4-k3-s1-relu6-res", "head-8x4-o10")))


@pytest.fixture(scope="module", params=["tflite", "onnx"])
def model(request: pytest.FixtureRequest) -> bytes:
    write = write_tflite if request.param == "tflite" else write_onnx
    return write(BLOCKS, network_random_weights(BLOCKS, 0))


def test_operators_multiply_as_often_as_the_blocks(model: bytes) -> None:
    found = read_layout(model)
    assert sum(operator.macs for operator in found.operators) == sum(block.macs for block in BLOCKS)
    kinds = [operator.kind for operator in found.operators]
    assert kinds.count("CONV_2D" if found.format == "tflite" else "Conv") >= 3


def test_every_weight_is_a_constant_and_activations_are_not(model: bytes) -> None:
    found = read_layout(model)
    stored = [t for t in found.tensors if t.constant and t.dtype.startswith("float")]
    params = 4 * sum(block.params for block in BLOCKS)  # folded batch norm: a bias in place of scale and shift
    assert 0.8 * params < sum(t.size for t in stored) <= params + 200
    assert [t.shape for t in found.tensors if t.name == "output"] == [(1, 10)]
    assert not any(t.constant for t in found.tensors if t.name in ("input", "output"))


def test_memory_counts_what_is_alive(model: bytes) -> None:
    """The residual input of the second block stays alive beside its widest activation."""
    found = read_layout(model)
    sizes = {"input": 8 * 8 * 3, "narrow": 8 * 8 * 4, "wide": 8 * 8 * 16}
    assert found.operators[0].live == 4 * (sizes["input"] + sizes["narrow"])
    assert found.peak == 4 * (sizes["narrow"] + 2 * sizes["wide"])
    assert found.operators[-1].live < found.peak
