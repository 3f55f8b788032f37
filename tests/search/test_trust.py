"""Whether rankings agree, and how sure that is."""

from __future__ import annotations

import numpy as np
import pytest

from edgenas.base.errors import InputError
from edgenas.search.accuracy.trust import kendall, members_to_train, trust
from edgenas.search.digests import network_digest
from edgenas.search.space import Layer, Option, Space
from edgenas.search.spaces import space as find_space


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """For normal pairs of correlation r, tau is 2/pi arcsin r (Kendall, Biometrika 36, 1949)."""
    rng, held = np.random.default_rng(0), 0
    truth = 2 / np.pi * np.arcsin(0.8)
    for _ in range(400):
        a = rng.normal(size=12)
        tau = kendall(a, 0.8 * a + 0.6 * rng.normal(size=12))
        assert -1 <= tau.low <= tau.value <= tau.high <= 1
        held += tau.low <= truth <= tau.high
    assert 0.9 < held / 400 < 0.995


def test_perfect_opposite_constant_and_too_few() -> None:
    ten = list(range(10))
    assert kendall(ten, ten).value == 1 and 0.5 < kendall(ten, ten).low < 1 == kendall(ten, ten).high
    assert kendall(ten, ten[::-1]).value == -1 == kendall(ten, ten[::-1]).low
    assert kendall(ten, [3.0] * 10).value == 0
    with pytest.raises(InputError, match="of 4 networks has no interval"):
        kendall(ten[:4], ten[:4])


def test_members_are_different_networks_and_the_same_again() -> None:
    macro = find_space("nas_bench_macro")
    first, again, other = (members_to_train(macro, 12, seed) for seed in (0, 0, 1))
    assert first == again != other
    assert len({network_digest(c.architecture) for c in first}) == 12
    tiny = Space("tiny", 8, (Layer("head", (Option("a", "head", 3),)),))
    with pytest.raises(InputError, match="tiny has no 2 different networks"):
        members_to_train(tiny, 2, 0)


def test_a_judge_is_compared_and_so_are_macs() -> None:
    members = members_to_train(find_space("nas_bench_macro"), 12, 0)
    alone = [-float(c.architecture.macs) for c in members]
    both = trust([2 * a for a in alone], alone, members)
    assert both.judge.value == 1 and both.macs.value == -1
