"""Each check of ``tests.support.algorithm_conformance`` can fail: one algorithm for each that breaks just that
promise."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import tests.support.algorithm_conformance as suite
import tests.support.algorithm_conformance_limits as limits
from edgenas.base.errors import OutcomeError
from edgenas.search.algorithms.baselines.random_search import random_search
from edgenas.search.algorithms.by_name import ALGORITHMS
from edgenas.search.graph import check_smallest, layered_graph
from edgenas.search.problem import Candidate, Problem, Result
from edgenas.search.trials import Trials
from tests.support.algorithm_conformance import CHECKS, Check, Entry

Algorithm = Callable[..., Result]


def honest(problem: Problem, trials: Trials, *, samples: int = 20, seed: int | None = None) -> Result:
    """Random search under another name."""
    asked = problem if seed is None else replace(problem, seed=seed)
    return replace(random_search(asked, trials, samples=samples), algorithm="tested")


def rounds_costs(problem: Problem, trials: Trials, **options: Any) -> Result:
    result = honest(problem, trials, **options)
    rounded = [replace(trial, cost=round(trial.cost, 1)) for trial in result.trials]
    return replace(result, trials=tuple(rounded), best=replace(result.best, cost=round(result.best.cost, 1)))


def takes_costs_of_a_little_more(problem: Problem, trials: Trials, *, samples: int = 60) -> Result:
    result = honest(replace(problem, budget=problem.budget * 1.5), trials, samples=samples)
    return replace(result, best=max(result.trials, key=lambda trial: trial.accuracy))


def judges_the_cheapest_first(problem: Problem, trials: Trials, **options: Any) -> Result:
    graph = layered_graph(problem.space, problem.cost)
    trials.rewards([(0,) * len(graph.layers)])
    check_smallest(graph, problem.space, problem.budget, problem.cost.unit)
    return honest(problem, trials, **options)


def forgets_the_last_limit(problem: Problem, trials: Trials, **options: Any) -> Result:
    fewer = replace(problem, limits=problem.limits[:-1])
    return honest(fewer, Trials(fewer, trials.cache, trials.max_trials), **options)


def fixes_its_seed(problem: Problem, trials: Trials, **options: Any) -> Result:
    return honest(problem, trials, seed=0, **options)


def draws_its_seed(problem: Problem, trials: Trials, **options: Any) -> Result:
    return honest(problem, trials, seed=random.randrange(2**32), **options)


def asks_the_judge_itself(problem: Problem, trials: Trials, **options: Any) -> Result:
    result = honest(problem, trials, **options)
    best = Candidate(result.best.choice, problem.space.architecture(result.best.choice))
    assert list(problem.accuracy.evaluate([best])) == [(0, result.best.accuracy)]  # to be sure of the winner
    return result


def goes_by_what_is_known(problem: Problem, trials: Trials, *, samples: int = 20) -> Result:
    return honest(problem, trials, samples=samples + len(trials.cache))


def raises_its_limit(problem: Problem, trials: Trials, **options: Any) -> Result:
    if trials.max_trials is not None:
        trials.max_trials += 1
    return honest(problem, trials, **options)


def divides_by_the_spread(problem: Problem, trials: Trials, **options: Any) -> Result:
    result = honest(problem, trials, **options)
    accuracies = [trial.accuracy for trial in result.trials]
    spread = max(accuracies) - min(accuracies)
    return replace(result, notes={**result.notes, "relative": 1 / spread if spread else float("nan")})


def goes_on_when_a_training_fails(problem: Problem, trials: Trials, **options: Any) -> Result:
    try:
        return honest(problem, trials, **options)
    except OutcomeError:
        return honest(problem, Trials(replace(problem, accuracy=suite.Flat())), **options)


def wants_two_parents(problem: Problem, trials: Trials, **options: Any) -> Result:
    result = honest(problem, trials, **options)
    random.Random(0).sample(result.trials, 2)
    return result


def stays_where_it_begins(problem: Problem, trials: Trials, *, samples: int = 20) -> Result:
    return honest(problem, trials, samples=min(samples, 10))


BROKEN: list[tuple[Check, Algorithm]] = [
    (suite.judges_members_at_their_exact_cost, rounds_costs),
    (suite.finds_the_best_it_judged_within_the_budget, takes_costs_of_a_little_more),
    (suite.tells_of_an_impossible_budget_before_anything_is_judged, judges_the_cheapest_first),
    (suite.repeats_itself_for_the_same_seed_only, fixes_its_seed),
    (suite.repeats_itself_for_the_same_seed_only, draws_its_seed),
    (suite.pays_once_for_a_network, asks_the_judge_itself),
    (suite.continues_where_it_was_killed, goes_by_what_is_known),
    (suite.keeps_the_limit_on_trials, raises_its_limit),
    (suite.ends_where_every_network_is_as_good, divides_by_the_spread),
    (suite.passes_on_what_a_judge_cannot_say, goes_on_when_a_training_fails),
    (suite.searches_a_space_of_one_network, wants_two_parents),
    (suite.finds_the_optimum_where_it_promises_to, stays_where_it_begins),
    (limits.keeps_several_limits_at_once, forgets_the_last_limit),
    (limits.finds_the_optimum_under_several_limits, stays_where_it_begins),
    (limits.tells_which_limits_cannot_be_kept_together, judges_the_cheapest_first),
]
ENTRY = Entry("tested", {"samples": 20}, seeded=True, optimum={"samples": 200})


@pytest.mark.parametrize(("check", "algorithm"), BROKEN, ids=lambda value: value.__name__)
def test_a_broken_promise_is_found(
    check: Check, algorithm: Algorithm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ALGORITHMS, "tested", honest)
    honest_folder = tmp_path / "honest"
    honest_folder.mkdir()
    check(ENTRY, honest_folder)
    monkeypatch.setitem(ALGORITHMS, "tested", algorithm)
    with pytest.raises((AssertionError, ValueError)):
        check(ENTRY, tmp_path)


def test_every_check_was_broken_once() -> None:
    assert {check for check, _ in BROKEN} == {*CHECKS, *limits.LIMIT_CHECKS}
