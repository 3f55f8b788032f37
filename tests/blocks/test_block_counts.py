"""What a block computes and what that costs: operations, MACs, parameters, bytes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

pytest.importorskip("torch")
import torch

from edgenas.blocks.counts import bytes_moved, macs, params, weight_bytes
from edgenas.blocks.ops import INPUT, lower
from edgenas.blocks.reference import REFERENCE, reference
from edgenas.blocks.size import axes
from edgenas.blocks.spec import KINDS, BlockSpec, skip
from edgenas.blocks.torch_modules import BlockModule, NetworkModule
from edgenas.blocks.weights import random_weights
from tests.support.strategies import block_specs

EVERY_KIND = tuple(KINDS)


#: parameters: torchvision's models of the same names, and the papers' tables in millions (3.4, 5.4, 2.5).
#: MACs in millions: arXiv 1801.04381 table 4; arXiv 1905.02244 tables 3 and 4. The paper's 219 for V3-Large is 1.1 %
#: above what its convolutions and linear layers add up to; 217 is the figure of the authors' own model card.
#: The others: parameters of timm's models of these names; MACs of arXiv 1807.11626 (MnasNet-B1), of timm's table of
#: results (FBNet-C, Single-Path), and of EfficientNet-Lite's page, which counts 3 to 6 % more than the convolutions.
PUBLISHED = {
    "mobilenet_v2": (3_504_872, 300),
    "mobilenet_v3_large": (5_483_032, 217),
    "mobilenet_v3_small": (2_542_856, 56),
    "mnasnet": (4_383_312, 315),
    "fbnet_c": (5_572_200, 385),
    "single_path_net": (4_421_616, 333),
    "efficientnet_lite0": (4_652_008, 407),
    "efficientnet_lite1": (5_416_680, 631),
    "efficientnet_lite2": (6_092_072, 899),
    "efficientnet_lite3": (8_197_096, 1440),
    "efficientnet_lite4": (13_006_568, 2640),
}


@pytest.mark.parametrize("name", REFERENCE)
def test_published_counts(name: str) -> None:
    expected_params, expected_mmacs = PUBLISHED[name]
    network = reference(name)
    assert network.params == expected_params
    assert sum(p.numel() for p in NetworkModule(network).parameters()) == expected_params
    assert network.macs / 1e6 == pytest.approx(expected_mmacs, rel=0.06 if "lite" in name else 0.01)


@settings(deadline=None)
@given(block_specs(EVERY_KIND))
def test_macs_and_parameters_are_those_that_torch_meets(block: BlockSpec) -> None:
    module, met = BlockModule(block).eval(), 0

    def count(layer: torch.nn.Module, _inputs: Any, output: torch.Tensor) -> None:
        nonlocal met
        assert isinstance(layer, torch.nn.Conv2d | torch.nn.Linear)
        met += output.numel() * layer.weight[0].numel()

    for layer in module.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            layer.register_forward_hook(count)
    with torch.no_grad():
        module(torch.zeros(1, block.c_in, *axes(block.in_size)))
    assert block.macs == macs(block) == met
    assert block.params == params(block) == sum(p.numel() for p in module.parameters())


@settings(deadline=None)
@given(block_specs(EVERY_KIND))
def test_weight_bytes_are_those_of_the_arrays(block: BlockSpec) -> None:
    assert weight_bytes(block) == sum(array.nbytes for array in random_weights(block).values())
    assert bytes_moved(block) == 4 * bytes_moved(block, bytes_per_value=1)


def test_counts_by_hand() -> None:
    block = BlockSpec.parse("ir-4x2-m3-o2-k3-s1-se1-relu6-res")
    # operation     reads         writes  weights and biases
    # expand        16*2          16*3    2*3 + 3
    # depthwise     16*3          16*3    9*3 + 3
    # squeeze       16*3          3
    # se_reduce     3             1       3*1 + 1
    # se_expand     1             3       1*3 + 3
    # excite        16*3 + 3      16*3
    # project       16*3          16*2    3*2 + 2
    # residual      16*2 + 16*2   16*2
    reads, writes, constants = (
        32 + 48 + 48 + 3 + 1 + 51 + 48 + 64,
        48 + 48 + 3 + 1 + 3 + 48 + 32 + 32,
        9 + 30 + 4 + 6 + 8,
    )
    assert bytes_moved(block) == 4 * (reads + writes + constants) == 2268
    assert weight_bytes(block) == 4 * constants
    assert macs(block) == 16 * 6 + 16 * 27 + 3 + 3 + 16 * 6
    assert params(block) == (6 + 2 * 3) + (27 + 2 * 3) + (3 + 1) + (3 + 3) + (6 + 2 * 2)  # batch norm has two a channel
    assert (macs(skip(4, 2)), params(skip(4, 2)), bytes_moved(skip(4, 2))) == (0, 0, 0)


@settings(deadline=None)
@given(block_specs(EVERY_KIND))
def test_operations_form_a_chain_from_input_to_output(block: BlockSpec) -> None:
    shapes = {INPUT: (block.in_size, block.c_in)}
    ops = lower(block)
    for op in ops:
        scale = op.kind == "multiply"  # its second input is a vector
        for i, name in enumerate(op.inputs):
            assert shapes[name] == (1 if scale and i == 1 else op.in_size, op.c_in)
        assert op.name not in shapes
        shapes[op.name] = (op.out_size, op.c_out)
    read = {name for op in ops for name in op.inputs}
    assert {op.name for op in ops} - read == ({ops[-1].name} if ops else set())
    assert shapes[ops[-1].name if ops else INPUT] == (block.out_size, block.c_out)
