"""The direct writers against two exporters that share no code with them."""

from __future__ import annotations

import importlib.util
from collections import Counter

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from edgenas.blocks.ops import lower
from edgenas.blocks.size import axes
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.torch_modules import BlockModule, folded_weights, randomize_batch_norm
from edgenas.blocks.weights import Array
from edgenas.profiler.export import WRITERS
from edgenas.profiler.export.check import Delegation, census, delegation, max_relative_error, run_model
from tools.bench.oracles import by_litert_torch, by_torch_onnx

pytestmark = [pytest.mark.oracle, pytest.mark.slow]

BLOCKS = (
    "conv-32x3-o16-k3-s2-hswish",
    "conv-7x96-o128-k1-s1-relu6",
    "sep-31x16-o24-k7-s2-se8-relu",
    "sep-14x8-o8-k3-s1-relu6-res",
    "ir-56x24-m72-o40-k5-s2-se24-hswish",
    "ir-28x40-m120-o40-k3-s1-relu6-res",
    "ir-14x80-m200-o80-k3-s1-se56-hswish-res",
    "ir-13x16-m24-o32-k7-s2-relu",
    "head-7x96-o10",
    "head-7x96-m128-o10-hswish",
)


def prepared(text: str) -> tuple[BlockSpec, BlockModule, Array]:
    """A block, its module with batch norm that matters, and two pictures (2, H, W, C)."""
    block = BlockSpec.parse(text)
    torch.manual_seed(1)
    module = BlockModule(block).eval()
    randomize_batch_norm(module, 1)
    x = np.random.default_rng(1).standard_normal((2, *axes(block.in_size), block.c_in), dtype=np.float32)
    return block, module, x


@pytest.mark.parametrize("text", BLOCKS)
def test_onnx_writer_against_torch_onnx_export(text: str) -> None:
    block, module, x = prepared(text)
    ours, theirs = WRITERS["onnx"]([block], [folded_weights(module)]), by_torch_onnx(module)
    assert max_relative_error(run_model(ours, x), run_model(theirs, x)) <= 1e-5
    found = census(theirs)
    found["GlobalAveragePool"] += found.pop("ReduceMean", 0)  # a mean over height and width, by its other name
    found["Flatten"] = min(found["Flatten"], 1)  # the module flattens before the second linear layer again
    for plumbing in ("Identity", "Constant"):  # shared biases, and the limits of Clip
        found.pop(plumbing, None)
    assert census(ours) == +found


@pytest.mark.skipif(importlib.util.find_spec("litert_torch") is None, reason="needs litert-torch: edgenas[oracle]")
@pytest.mark.parametrize("text", BLOCKS)
def test_tflite_writer_against_litert_torch(text: str) -> None:
    block, module, x = prepared(text)
    ours, theirs = WRITERS["tflite"]([block], [folded_weights(module)]), by_litert_torch(module)
    assert max_relative_error(run_model(ours, x), run_model(theirs, x)) <= 1e-5
    assert delegation(theirs) == delegation(ours) == Delegation(1, Counter())
    extra = Counter(
        MUL=sum(op.act == "hsigmoid" for op in lower(block)),  # its 1/6, which ours folds into the next weights
        TRANSPOSE=int(block.kind == "head"),  # and a head's input back to NCHW, which ours does not need
    )
    assert census(theirs) == census(ours) + extra
