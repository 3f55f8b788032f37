"""Proxies choose where a search begins, and never what it believes."""

from __future__ import annotations

import random

import pytest

from edgenas.base.errors import InputError
from edgenas.search.algorithms.baselines.draws import Draws
from edgenas.search.algorithms.by_name import search
from edgenas.search.algorithms.warm_start import first_networks
from edgenas.search.problem import Candidate, Result
from edgenas.search.spaces import space as find_space
from edgenas.search.trials import Trials
from tests.support.search_toys import BlockSumAccuracy, toy_problem, widths_space


def run(algorithm: str, warm_start: str, max_trials: int = 24, seed: int = 0) -> Result:
    problem = toy_problem(widths_space(), 0.5, BlockSumAccuracy(jitter=1), seed)
    return search(algorithm, problem, Trials(problem, max_trials=max_trials), warm_start=warm_start)


@pytest.mark.parametrize(("algorithm", "count"), [("hybrid", 6), ("regularized_evolution", 10)])
def test_the_first_trials_are_those_a_proxy_ranks_first_and_the_judge_says_what_they_are_worth(
    algorithm: str, count: int
) -> None:
    cold, warm = run(algorithm, "none"), run(algorithm, "macs")
    space, judge = widths_space(), BlockSumAccuracy(jitter=1)
    chosen = warm.notes["warm_start"]
    assert chosen == {"proxy": "macs", "networks": [space.key(t.choice) for t in warm.trials[:count]]}
    macs = [space.architecture(t.choice).macs for t in warm.trials[:count]]
    assert macs == sorted(macs, reverse=True)
    assert min(macs) > sorted(space.architecture(t.choice).macs for t in cold.trials[:count])[count // 2]
    problem = toy_problem(space, 0.5, judge)
    assert all(problem.fits(t.choice) for t in warm.trials[:count])
    candidates = [Candidate(t.choice, space.architecture(t.choice)) for t in warm.trials]
    assert [t.accuracy for t in warm.trials] == [percent for _, percent in judge.evaluate(candidates)]
    assert "warm_start" not in cold.notes


def test_draws_without_a_proxy_are_as_drawn() -> None:
    problem = toy_problem(widths_space(), 0.5)
    draws = Draws(problem, random.Random(3)).distinct()
    assert first_networks(problem, Draws(problem, random.Random(3)), 5, "none") == [next(draws) for _ in range(5)]


def test_a_proxy_that_there_is_not_is_named() -> None:
    for algorithm in ("hybrid", "regularized_evolution"):
        with pytest.raises(InputError, match="warm_start='snip' is not one of none, naswot, synflow, macs"):
            run(algorithm, "snip")


@pytest.mark.parametrize("name", ["naswot", "synflow", "gradient norm"])
def test_proxies_see_what_a_network_can_do_and_repeat(name: str) -> None:
    pytest.importorskip("torch")
    from edgenas.search.accuracy.zero_cost import on_noise

    space = find_space("nas_bench_macro", 8)
    scores = {
        key: on_noise(name, space.architecture(space.parse(key)), 0)
        for key in ("0.0.0.0.0.0.0.0", "1.1.0.1.0.1.1.0", "2.2.2.2.2.2.2.2")
    }
    assert list(scores.values()) == sorted(scores.values()) and len(set(scores.values())) == 3
    best = space.architecture(space.parse("2.2.2.2.2.2.2.2"))
    assert on_noise(name, best, 0) == scores["2.2.2.2.2.2.2.2"] != on_noise(name, best, 1)
