"""Digests of networks by key."""

from __future__ import annotations

import random

import pytest

from edgenas.base.errors import InputError
from edgenas.search.digests import SpaceDigests, network_digest
from edgenas.search.space import Space
from edgenas.search.spaces import SPACES, space


@pytest.mark.parametrize("name", sorted(SPACES))
def test_a_key_has_the_digest_of_its_network(name: str) -> None:
    chosen, rng = space(name), random.Random(0)
    digest_of = SpaceDigests(chosen)
    for _ in range(40):
        choice = chosen.sample(rng)
        assert digest_of(chosen.key(choice)) == network_digest(chosen.architecture(choice))


def test_a_space_of_one_network_has_its_digest() -> None:
    macro = space("nas_bench_macro")
    one = Space("one", macro.in_size, tuple(layer for layer in macro.layers if len(layer.options) == 1)[:1])
    assert SpaceDigests(one)("") == network_digest(one.architecture([0]))


@pytest.mark.parametrize("key", ["", "0", "2.2.2.1.2.2.1.0.0", "2.2.2.1.2.2.1", "2.2.2.1.2.2.1.9", "2.2.2.1.2.2.1.00"])
def test_a_text_that_is_no_key_is_refused_as_the_space_refuses_it(key: str) -> None:
    macro = space("nas_bench_macro")
    with pytest.raises(InputError) as parsing:
        macro.parse(key)
    with pytest.raises(InputError) as digesting:
        SpaceDigests(macro)(key)
    assert str(digesting.value) == str(parsing.value)
