"""Weights of blocks: folded, random, checked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")
import torch
from torch.nn import functional as F

from edgenas.blocks.ops import INPUT, Op, lower
from edgenas.blocks.reference import reference
from edgenas.blocks.size import axes
from edgenas.blocks.spec import KINDS, BlockSpec
from edgenas.blocks.torch_modules import (
    BlockModule,
    NetworkModule,
    folded_weights,
    network_folded_weights,
    randomize_batch_norm,
)
from edgenas.blocks.weights import Array, check_weights, fold_batch_norm, network_random_weights, random_weights
from tests.support.strategies import block_specs

EVERY_KIND = tuple(KINDS)


def interpret(ops: tuple[Op, ...], weights: dict[str, Array], x: torch.Tensor) -> torch.Tensor:
    """The block with folded weights, by torch's functions in float64: no module, no batch norm."""
    acts = {"relu": F.relu, "relu6": F.relu6, "hswish": F.hardswish, "hsigmoid": F.hardsigmoid, "none": lambda v: v}
    values = {INPUT: x}
    for op in ops:
        inputs = [values[name] for name in op.inputs]
        if op.has_weights:
            weight, bias = (torch.from_numpy(weights[f"{op.name}.{p}"]).double() for p in ("weight", "bias"))
        if op.kind == "linear":
            y = F.linear(inputs[0].flatten(1), weight, bias)
        elif op.has_weights:
            groups = op.c_in if op.kind == "depthwise" else 1
            around = op.kernel // 2
            padded = F.pad(inputs[0], (around,) * 4)
            if op.same:  # one row or column less before an even side
                rows, columns = ((n + 1) % 2 for n in axes(op.in_size))
                padded = padded[:, :, rows:, columns:]
            y = F.conv2d(padded, weight, bias, op.stride, groups=groups)
        elif op.kind == "pool":
            y = F.adaptive_avg_pool2d(inputs[0], 1)
        else:
            y = inputs[0] * inputs[1] if op.kind == "multiply" else inputs[0] + inputs[1]
        values[op.name] = acts[op.act](y)
    return values[ops[-1].name] if ops else x


@settings(deadline=None)
@given(block_specs(EVERY_KIND), st.integers(0, 2**32 - 1))
def test_folded_weights_equal_the_module(block: BlockSpec, seed: int) -> None:
    torch.manual_seed(seed)
    module = BlockModule(block).eval()
    randomize_batch_norm(module, seed)
    weights = folded_weights(module)
    check_weights(block, weights)
    x = torch.randn(4, block.c_in, *axes(block.in_size), dtype=torch.float64)
    with torch.no_grad():
        expected, actual = module.double()(x), interpret(lower(block), weights, x)
    torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-5)  # values are of unit size, weights float32


def test_fold_batch_norm_by_hand() -> None:
    one = np.ones(1, np.float32)
    weight, bias = fold_batch_norm(np.full((1, 1, 1, 1), 3, np.float32), 2 * one, 5 * one, 7 * one, 3 * one, eps=1.0)
    assert weight.tolist() == [[[[3.0]]]] and bias.tolist() == [-2.0]  # scale 2 / sqrt(3 + 1) = 1; bias 5 - 7
    assert weight.dtype == bias.dtype == np.float32


@settings(deadline=None)
@given(block_specs(EVERY_KIND), st.integers(0, 100))
def test_random_weights_fit_and_follow_the_seed(block: BlockSpec, seed: int) -> None:
    weights = random_weights(block, seed)
    check_weights(block, weights)
    again, other = random_weights(block, seed), random_weights(block, seed + 1)
    assert all(np.array_equal(weights[name], again[name]) for name in weights)
    assert not any(np.array_equal(weights[name], other[name]) for name in weights)


def test_weights_of_a_network_are_one_dict_a_block() -> None:
    network = reference("mobilenet_v3_small", in_size=32, classes=10)
    for weights in (network_random_weights(network.blocks), network_folded_weights(NetworkModule(network))):
        assert len(weights) == len(network.blocks)
        for block, arrays in zip(network.blocks, weights, strict=True):
            check_weights(block, arrays)
    one, other = network_random_weights([BlockSpec.parse("conv-8x4-o4-k3-s1")] * 2, seed=5)
    assert not np.array_equal(one["conv.weight"], other["conv.weight"])
    assert np.array_equal(one["conv.weight"], random_weights(BlockSpec.parse("conv-8x4-o4-k3-s1"), 5)["conv.weight"])
