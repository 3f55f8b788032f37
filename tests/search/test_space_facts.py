"""The file of facts of the spaces says what the spaces say; published accuracies belong to members."""

from __future__ import annotations

import random
from itertools import product

import pytest

from edgenas.blocks.size import width
from edgenas.search.extremes import largest, smallest
from edgenas.search.spaces import SPACES, space
from edgenas.search.spaces.facts import facts_of, known_facts, sizes_beside
from edgenas.search.spaces.published_accuracy import PUBLISHED_ACCURACY
from edgenas.search.spaces.published_members import published_members
from tests.support.search_toys import plain_space

QUICK = ("digits", "nas_bench_macro", "mobilenet_v3_small", "efficientnet_lite0_plain")


def compared(name: str) -> None:
    own = space(name)
    size = random.Random(name).choice([width(own.in_size), *sizes_beside(own.in_size)])
    found, computed = known_facts()[name], facts_of(own, [space(name, size)])
    assert found.sizes[size] == computed.sizes[size], "type: python -m tools.space_facts"
    assert set(found.sizes) == {width(own.in_size), *sizes_beside(own.in_size)}
    for field in ("in_size", "channels", "layers", "networks", "distinct_blocks", "source", "params", "weights"):
        assert getattr(found, field) == getattr(computed, field), f"{field}; type: python -m tools.space_facts"


@pytest.mark.parametrize("name", QUICK)
def test_the_file_holds_what_is_computed(name: str) -> None:
    compared(name)


@pytest.mark.slow
def test_the_file_holds_what_is_computed_of_all_spaces() -> None:
    assert list(known_facts()) == list(SPACES)
    for name in SPACES:
        compared(name)


def test_the_smallest_and_the_largest_are_those_of_brute_force() -> None:
    s = plain_space()
    every = list(product(*(range(len(layer.options)) for layer in s.layers)))
    macs = [s.architecture(choice).macs for choice in every]
    assert s.architecture(smallest(s, lambda block: block.macs)).macs == min(macs)
    assert s.architecture(largest(s, lambda block: block.macs)).macs == max(macs) > min(macs)


def test_published_accuracies_are_of_spaces_with_that_member() -> None:
    assert set(PUBLISHED_ACCURACY) <= set(SPACES)
    for name, published in PUBLISHED_ACCURACY.items():
        assert 60 < published.accuracy < 95 and published.source, name
        if published.data == "ImageNet" and name not in ("proxylessnas", "single_path"):
            assert published_members(space(name)), name
