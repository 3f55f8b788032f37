"""Sizes of images: one number for a square, width x height for a rectangle."""

from __future__ import annotations

import doctest
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgenas.base.errors import InputError
from edgenas.blocks import size as module
from edgenas.blocks.reference import reference
from edgenas.blocks.size import (
    ImageSize,
    Rectangle,
    as_size,
    axes,
    both_sides,
    image_size,
    of_axes,
    parse_size,
    pixels,
    size_json,
    strided,
)
from edgenas.blocks.spec import BlockSpec
from tests.support.strategies import sizes


@given(sizes(99_999))
def test_texts_axes_and_json_give_the_size_back(size: ImageSize) -> None:
    assert size == parse_size(str(size)) == parse_size(both_sides(size)) == as_size(size_json(size))
    assert size == of_axes(axes(size)) == as_size(size) == pickle.loads(pickle.dumps(size))
    assert pixels(size) == axes(size)[0] * axes(size)[1]


@given(sizes(), st.sampled_from((1, 2)))
def test_a_stride_divides_each_side_and_rounds_up(size: ImageSize, stride: int) -> None:
    assert axes(strided(size, stride)) == tuple(len(range(0, side, stride)) for side in axes(size))


@given(sizes(), sizes(), sizes())
def test_sizes_are_ordered(one: ImageSize, two: ImageSize, three: ImageSize) -> None:
    assert sorted([one, two, three]) == sorted([three, one, two])
    assert (one < two) + (two < one) + (one == two) == 1


def test_a_square_is_a_number() -> None:
    assert image_size(56, 56) == 56 and parse_size("56x56") == 56
    with pytest.raises(InputError, match="a square is one number: 56"):
        Rectangle(56, 56)


@pytest.mark.parametrize(
    "text", ["", "0", "0x4", "4x0", "4x", "x4", "4X5", "4×5", "4x5x6", "-4", "4.5", " 4", "100000"]
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="neither a number of pixels, such as 224, nor WIDTHxHEIGHT"):
        parse_size(text)


@pytest.mark.parametrize("value", [0, -1, 100_000, 1.5, None, True, (4, 5), [4]])
def test_other_values_are_refused(value: Any) -> None:
    with pytest.raises(InputError, match="neither a whole number within"):
        as_size(value)


@pytest.mark.parametrize("sides", [(0, 4), (4, 100_000), (4.0, 5), ("4", 5)])
def test_impossible_sides_are_refused(sides: Any) -> None:
    with pytest.raises(InputError, match=r"a side is a whole number within 1\.\.99999"):
        Rectangle(*sides)


def test_a_block_is_width_by_height_by_channels() -> None:
    block = BlockSpec.parse("conv-320x240x3-o16-k3-s2")
    assert (axes(block.in_size), block.c_in, axes(block.out_size)) == ((240, 320), 3, (120, 160))
    assert block.macs == 120 * 160 * 16 * 27
    with pytest.raises(InputError, match="its one spelling is 'conv-8x3-o4-k1-s1'"):
        BlockSpec.parse("conv-8x8x3-o4-k1-s1")


def test_a_published_network_of_a_rectangle() -> None:
    network = reference("mobilenet_v2", parse_size("320x240"), classes=10, channels=6)
    assert (str(network.in_size), network.c_in, network.c_out) == ("320x240", 6, 10)
    assert str(network.blocks[0]) == "conv-320x240x6-o32-k3-s2-relu6"
    assert str(network.blocks[-1]) == "head-10x8x1280-o10"


def test_doctests() -> None:
    result = doctest.testmod(module)
    assert result.attempted and not result.failed
