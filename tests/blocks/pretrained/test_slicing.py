"""Weights of members, cut out of published ones: once-for-all's by its own rule, others with nothing changed."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from edgenas.base.errors import InputError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.pretrained.slicing import Tensors, sliced_block, sliced_network
from edgenas.blocks.size import axes
from edgenas.blocks.spec import BlockSpec
from edgenas.search.spaces import space
from edgenas.search.spaces.published_members import published_members
from tests.support.published_modules import real_network

torch = pytest.importorskip("torch")

BLOCK = BlockSpec.parse("ir-9x8-m24-o8-k5-s1-se8-hswish-res")


def tensors_of(block: BlockSpec, seed: int = 0) -> Tensors:
    from edgenas.blocks.torch_modules import BlockModule, randomize_batch_norm

    torch.manual_seed(seed)
    module = BlockModule(block)
    randomize_batch_norm(module, seed)
    return {n: v.numpy().copy() for n, v in module.state_dict().items() if not n.endswith("num_batches_tracked")}


def output(block: BlockSpec, tensors: Tensors) -> np.ndarray:
    from edgenas.blocks.torch_modules import BlockModule

    module = BlockModule(block).eval()
    module.load_state_dict({n: torch.from_numpy(a) for n, a in tensors.items()}, strict=False)
    x = torch.randn(2, block.c_in, *axes(block.in_size), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return module(x).numpy()


def test_a_larger_block_computes_the_same() -> None:
    whole = tensors_of(BLOCK)
    larger = replace(BLOCK, kernel=7, c_mid=40, c_se=16)
    part = sliced_block(BLOCK, whole, larger)
    np.testing.assert_allclose(output(larger, part), output(BLOCK, whole), rtol=1e-4, atol=1e-5)
    assert np.abs(part["depthwise.conv.weight"][24:]).max() > 0  # so that new channels can learn


def test_a_smaller_block_keeps_the_important_channels_and_the_middle() -> None:
    whole = tensors_of(BLOCK)
    whole["project.conv.weight"][:, ::2] = 0  # every other channel is read by nothing
    half = sliced_block(BLOCK, whole, replace(BLOCK, c_mid=12, c_se=0))
    assert sorted(half["expand.bn.bias"]) == sorted(whole["expand.bn.bias"][1::2])
    plain = replace(BLOCK, c_se=0)
    given = {name: array for name, array in whole.items() if not name.startswith("se_")}
    same = replace(plain, c_mid=12)
    np.testing.assert_allclose(
        output(same, sliced_block(plain, given, same)), output(plain, given), rtol=1e-4, atol=1e-5
    )
    middle = sliced_block(BLOCK, whole, replace(BLOCK, kernel=3), ordered=True)
    assert np.array_equal(middle["depthwise.conv.weight"], whole["depthwise.conv.weight"][..., 1:-1, 1:-1])


@pytest.mark.parametrize("name", ["efficientnet_lite0", "mobilenet_v3_small"])
def test_members_of_a_space_get_weights_that_fit(name: str) -> None:
    from edgenas.blocks.torch_modules import NetworkModule

    s = space(name, 32, 5)
    choice = next(iter(published_members(s).values()))
    published = s.architecture(choice).blocks
    tensors = [tensors_of(block, i) for i, block in enumerate(published)]
    exact = sliced_network(published, tensors, published)
    assert all(np.array_equal(a[n], b[n]) for a, b in zip(exact, tensors, strict=True) for n in b)
    rng = random.Random(0)
    for _ in range(5):
        member = s.architecture(s.sample(rng))
        parts = sliced_network(published, tensors, member.blocks)
        state = {f"{i}.{n}": torch.from_numpy(a) for i, block in enumerate(parts) for n, a in block.items()}
        NetworkModule(member).load_state_dict(state, strict=False)  # raises for other shapes
        wanted = {n for n in NetworkModule(member).state_dict() if not n.endswith("num_batches_tracked")}
        assert set(state) == wanted
    other = space("mobilenet_v2", 32, 5)
    with pytest.raises(InputError, match=r"no common space|cannot be cut out of"):
        sliced_network(published, tensors, other.architecture(other.sample(rng)).blocks)


@pytest.mark.oracle
@pytest.mark.slow
def test_once_for_alls_members_are_those_of_its_own_code(tmp_path: object) -> None:
    """Sub-networks that its own code cuts out and ours, with the statistics of the supernet's file sliced as well."""
    from pathlib import Path

    from edgenas.blocks.pretrained.placing import read_pretrained
    from edgenas.blocks.torch_modules import NetworkModule

    assert isinstance(tmp_path, Path)
    net = real_network("once-for-all/ofa_mbv3_d234_e346_k357_w1.0")
    for name, parameter in net.named_parameters():
        if name.endswith("_matrix"):
            torch.nn.init.normal_(parameter, 0.0, 0.2)
    torch.save({"state_dict": net.state_dict()}, tmp_path / "ofa.pth")
    s = space("ofa_mobilenet_v3", 64)
    choice = published_members(s)["once-for-all/ofa_mbv3_d234_e346_k357_w1.0"]
    found = read_pretrained(str(tmp_path / "ofa.pth"), s.architecture(choice))
    rng = random.Random(1)
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    for _ in range(4):
        member = s.architecture(s.sample(rng))
        body = member.blocks[2:-2]
        stages = [body[i : i + 4] for i in range(0, 20, 4)]
        net.set_active_subnet(
            ks=[b.kernel if b.kind != "skip" else 3 for b in body],
            e=[b.c_mid // b.c_in if b.kind != "skip" else 3 for b in body],
            d=[sum(b.kind != "skip" for b in stage) for stage in stages],
        )
        subnet = net.get_active_subnet(preserve_weight=True).eval()
        parts = sliced_network(found.architecture.blocks, found.tensors, member.blocks, ordered=True, turns=found.turns)
        ours = NetworkModule(Architecture("member", member.blocks)).eval()
        state = {f"{i}.{n}": torch.from_numpy(a) for i, block in enumerate(parts) for n, a in block.items()}
        lacking, extra = ours.load_state_dict(state, strict=False)
        assert not extra and all(n.endswith("num_batches_tracked") for n in lacking)
        with torch.no_grad():
            expected, y = subnet(x), ours(x)
        assert float((y - expected).abs().max()) <= 1e-5 * float(expected.abs().max())
