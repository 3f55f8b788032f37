"""Feature maps by stride: which block gives them, and what is said of a stride that a network lacks."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from edgenas.base.errors import InputError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.features import backbone, feature_maps
from edgenas.blocks.reference import reference
from edgenas.blocks.size import Rectangle, axes
from edgenas.blocks.spec import BlockSpec, skip
from tests.support.strategies import architectures


def test_those_of_a_published_network() -> None:
    network = reference("mobilenet_v3_large")
    found = {stride: (str(each.block.out_size), each.block.c_out) for stride, each in feature_maps(network).items()}
    assert found == {2: ("112", 16), 4: ("56", 24), 8: ("28", 40), 16: ("14", 112), 32: ("7", 960)}
    kept = backbone(network, (16, 8, 16))
    assert list(kept.outputs.values()) == ["features_8", "features_16"]
    assert kept.architecture.blocks == network.blocks[: kept.maps[-1].index + 1]
    assert kept.architecture.blocks[-1].out_size == 14


@settings(deadline=None)
@given(architectures(8))
def test_a_map_is_the_last_of_its_size(network: Architecture) -> None:
    found = feature_maps(network)
    body = [block for block in network.blocks if block.kind != "head"]
    for stride, each in found.items():
        sides = tuple(-(-side // stride) for side in axes(network.in_size))
        assert axes(each.block.out_size) == sides and network.blocks[each.index] == each.block
        assert each.index + 1 == len(body) or network.blocks[each.index + 1].stride == 2
    assert set(found) >= {max(found)} and len(found) == len({each.index for each in found.values()})


def test_an_image_is_no_feature_map() -> None:
    blocks = (skip(8, 3), BlockSpec.parse("conv-8x3-o4-k3-s2-relu"), skip(4, 4), BlockSpec.parse("head-4x4-o2"))
    network = Architecture("small", blocks)
    assert {stride: each.index for stride, each in feature_maps(network).items()} == {2: 2}


@pytest.mark.parametrize("strides", [(64,), (8, 3), (0,), (-8,), ()])
def test_strides_that_a_network_lacks_are_named_with_those_it_has(strides: tuple[int, ...]) -> None:
    network = reference("mobilenet_v2", Rectangle(320, 240))
    with pytest.raises(InputError, match=r"mobilenet_v2 has .* 2, 4, 8, 16, 32: name some of these"):
        backbone(network, strides)
