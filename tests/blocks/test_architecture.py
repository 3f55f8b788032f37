"""Chains of blocks, their JSON, and the published networks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgenas.base.errors import InputError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.reference import make_divisible, reference
from edgenas.blocks.size import axes, image_size
from edgenas.blocks.spec import BlockSpec, skip
from tests.support.strategies import architectures


@settings(deadline=None)
@given(architectures())
def test_json_round_trip(network: Architecture) -> None:
    assert Architecture.from_json(json.loads(json.dumps(network.to_json()))) == network


@settings(deadline=None)
@given(architectures(), st.data())
def test_a_chain_that_does_not_fit_is_refused(network: Architecture, data: st.DataObject) -> None:
    i = data.draw(st.integers(0, len(network.blocks)))
    size, width = (
        (network.in_size, network.c_in) if i == 0 else (network.blocks[i - 1].out_size, network.blocks[i - 1].c_out)
    )
    other = image_size(axes(size)[1] + 1, axes(size)[0])
    wrong = data.draw(st.sampled_from((skip(other, width), skip(size, width + 1))))
    chain = (*network.blocks[:i], wrong, *network.blocks[i:])
    with pytest.raises(InputError, match="'chain': block"):
        Architecture("chain", chain)


def test_nothing_follows_a_head() -> None:
    head = BlockSpec.parse("head-4x8-o10")
    with pytest.raises(InputError, match="is a head, which ends a network"):
        Architecture("x", (head, skip(1, 10)))
    with pytest.raises(InputError, match="'x' has no blocks"):
        Architecture("x", ())


def test_properties_of_a_network() -> None:
    network = reference("mobilenet_v3_small", in_size=64, classes=10)
    assert (network.in_size, network.c_in, network.c_out) == (64, 3, 10)
    assert network.macs == sum(block.macs for block in network.blocks)
    assert network.blocks[0].in_size == 64 and network.blocks[-1].in_size == 2


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"name": "x"},
        {"name": 1, "blocks": []},
        {"name": "x", "blocks": "conv-8x3-o4-k3-s2"},
        {"name": "x", "blocks": [1]},
        {"name": "x", "blocks": []},
        {"name": "x", "blocks": ["conv-8x3-o4"]},
        {"name": "x", "blocks": ["conv-8x3-o4-k3-s2", "conv-8x3-o4-k3-s2"]},
    ],
)
def test_json_that_is_not_a_network_is_refused(data: Any) -> None:
    with pytest.raises(InputError):
        Architecture.from_json(data)


def test_reference_refuses_unknown_names() -> None:
    with pytest.raises(InputError, match="no published network 'resnet50'; there are mobilenet_v2"):
        reference("resnet50")


@settings(deadline=None)
@given(st.floats(1, 10_000))
def test_make_divisible_stays_close(value: float) -> None:
    rounded = make_divisible(value)
    assert rounded % 8 == 0 and rounded >= 0.9 * value and rounded <= max(8, value + 8)
