"""LayerNAS: exact where its premise holds, bounded, faithful to its steps; and what is told of wrong options."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgenas.base.errors import InputError
from edgenas.search.algorithms.by_name import algorithm_options, search
from edgenas.search.algorithms.layernas import layernas, most_trials
from edgenas.search.graph import best_rest, edge_sums, edge_values, layered_graph
from edgenas.search.problem import Problem
from edgenas.search.solvers import brute_force
from edgenas.search.trials import Trials
from tests.support.search_toys import SPACES, BlockSumAccuracy, plain_space, toy_problem


@pytest.mark.parametrize("toy", SPACES)
@pytest.mark.parametrize("most", [1, 2, 7])
def test_layernas_has_an_answer_however_few_trials_it_may_have(toy: str, most: int) -> None:
    for share in (0.0, 0.2, 0.5):
        problem = toy_problem(SPACES[toy](), share)
        result = layernas(problem, Trials(problem, max_trials=most))
        assert len(result.trials) <= most and result.best.cost <= problem.budget


@pytest.mark.slow
@pytest.mark.parametrize("toy", SPACES)
def test_every_trial_that_is_allowed_is_used(toy: str) -> None:
    """Also where one was kept for an answer, and the batch that found the answer was the last."""
    problem = toy_problem(SPACES[toy](), 0.4, BlockSumAccuracy(jitter=1))
    wanted = len(layernas(problem, Trials(problem)).trials)
    for most in range(2, wanted):
        assert len(layernas(problem, Trials(problem, max_trials=most)).trials) == most


@pytest.mark.parametrize("toy", SPACES)
@pytest.mark.parametrize("name", ["layernas", "mathnas"])
def test_where_accuracy_is_additive_more_budget_is_never_worse(name: str, toy: str) -> None:
    accuracy, s = BlockSumAccuracy(seed=2), SPACES[toy]()
    found = []
    for share in np.linspace(0, 1, 6).tolist():
        problem = toy_problem(s, share, accuracy)
        options = {"buckets": int(problem.budget)} if name == "layernas" else {"power": 0.0, "top": 5}
        found.append(search(name, problem, Trials(problem), **options).best.accuracy)
    assert found == sorted(found)


def exact_best(problem: Problem, accuracy: BlockSumAccuracy) -> float:
    """By trying every network, for an accuracy that is additive over blocks."""
    graph = layered_graph(problem.space, problem.cost)
    paths = brute_force.all_paths(graph)
    values = edge_sums(problem.space, accuracy.block_value)
    return 40 + float(brute_force.sums(paths, values)[paths.costs <= problem.budget].max())


@pytest.mark.parametrize("toy", SPACES)
@pytest.mark.parametrize("fill", ["max", "mid", "min"])
@given(seed=st.integers(0, 1000), share=st.floats(0, 1))
@settings(max_examples=5, deadline=None)
def test_layernas_is_exact_for_an_additive_accuracy_and_a_bucket_a_cost(
    toy: str, fill: Any, seed: int, share: float
) -> None:
    accuracy = BlockSumAccuracy(seed=seed)
    problem = toy_problem(SPACES[toy](), share, accuracy)
    result = layernas(problem, Trials(problem), buckets=int(problem.budget), fill=fill)
    assert result.best.accuracy == pytest.approx(exact_best(problem, accuracy), rel=1e-12)


def test_the_bound_on_trials_has_a_cell_for_each_bucket_and_state() -> None:
    problem = toy_problem(SPACES["widths"](), 0.6)
    graph = layered_graph(problem.space, problem.cost)
    assert max(graph.states) == 3
    assert most_trials(graph, 10, 1) == 1 + 10 * (6 * 1 + 3 * 3 + 6 * 3 + 3 * 3 + 1 * 3)


def test_children_with_the_default_are_their_parents() -> None:
    accuracy = BlockSumAccuracy()
    problem = toy_problem(plain_space(), 1.0, accuracy)
    result = layernas(problem, Trials(problem), buckets=1)
    # one prefix a layer; of 3 options a layer, the dearest is the parent again
    assert len(result.trials) == 1 + 4 * 2
    dearest = result.trials[0].choice
    graph = layered_graph(problem.space, problem.cost)
    assert (
        graph.solution(graph.path(dearest)).cost == best_rest(graph, [x.cost for x in graph.layers], True).bound[0][0]
    )


def test_a_target_range_drops_prefixes_that_cannot_reach_it() -> None:
    problem = toy_problem(plain_space(), 0.6)
    wide, narrow = Trials(problem), Trials(problem)
    layernas(problem, wide)
    result = layernas(problem, narrow, lowest=problem.budget * 0.97)
    assert len(narrow) < len(wide)
    assert problem.budget * 0.97 <= result.best.cost <= problem.budget


def test_more_prefixes_a_cell_cost_more_and_find_no_less_when_noise_is_absent() -> None:
    accuracy = BlockSumAccuracy(seed=4)
    problem = toy_problem(SPACES["widths"](), 0.5, accuracy)
    one, three = Trials(problem), Trials(problem)
    found = layernas(problem, one, buckets=5), layernas(problem, three, buckets=5, keep=3)
    assert len(one) < len(three)
    assert found[0].best.accuracy <= found[1].best.accuracy <= exact_best(problem, accuracy) + 1e-9


def test_later_passes_complete_with_the_best_network_so_far() -> None:
    problem = toy_problem(SPACES["widths"](), 0.4, BlockSumAccuracy(jitter=9))
    first, both = Trials(problem), Trials(problem)
    once, twice = layernas(problem, first, buckets=4), layernas(problem, both, buckets=4, passes=2)
    assert both.log[: len(first)] == first.log
    fresh = {trial.choice for trial in both.log[len(first) :]}
    assert fresh and twice.best.accuracy >= once.best.accuracy
    stem, _, *rest = once.best.choice
    second_sweep = {(stem, option, *rest) for option in range(6)}  # its first children
    assert second_sweep <= {trial.choice for trial in both.log}
    assert second_sweep & fresh


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("layernas", {"buckets": 0}, "buckets 0 is below 1"),
        ("layernas", {"fill": "surrogate"}, "fill 'surrogate' is not one of max, mid, min"),
        ("layernas", {"lowest": 1e9}, "lowest 1e.09 is outside 0.."),
        ("layernas", {"H": 3}, "layernas has no option H; it has buckets, keep, fill, passes, lowest"),
        ("mathnas", {"top": 0}, "top 0 is below 1"),
        ("mathnas", {"power": 2.0}, "power 2.0 is outside"),
        ("mathnas", {"fraction": 0.0}, "fraction 0.0 is outside"),
        ("mathnas", {"solver": "sat"}, "solver 'sat' is not one of dp, milp"),
        ("random", {"samples": 0}, "samples 0 is below 1"),
        ("annealing", {}, "no algorithm 'annealing'; there are hybrid, layernas, mathnas, random, "),
    ],
)
def test_wrong_options_are_named(name: str, options: dict[str, Any], message: str) -> None:
    problem = toy_problem(plain_space())
    with pytest.raises(InputError, match=message):
        search(name, problem, Trials(problem), **options)


def test_problems_are_checked() -> None:
    problem = toy_problem(plain_space())
    for budget in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match=r"is not a number of .* above 0"):
            Problem(problem.space, problem.cost, problem.accuracy, budget)
    with pytest.raises(InputError, match="belong to another problem"):
        search("layernas", toy_problem(plain_space(), 0.4), Trials(problem))
    assert algorithm_options("random") == {"samples": 100}


def test_values_of_options_are_laid_on_edges() -> None:
    s = SPACES["widths"]()
    rows = [[float(j) for j in range(len(layer.options))] for layer in s.layers]
    values = edge_values(s, rows)
    for edges, row in zip(s.edges, values, strict=True):
        assert [float(e.option) for e in edges] == row.tolist()
    assert list(itertools.chain.from_iterable(e.tolist() for e in values))
