"""Baselines: their published settings and steps, members of every kind of space, and the budget."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import tests.support.algorithm_conformance as conformance
from edgenas.base.errors import InputError
from edgenas.search.algorithms.baselines.draws import Draws
from edgenas.search.algorithms.baselines.variation import crossed, mutated, mutated_once
from edgenas.search.algorithms.by_name import algorithm_options, search
from edgenas.search.cost import macs_cost
from edgenas.search.graph import best_rest, layered_graph
from edgenas.search.problem import Problem
from edgenas.search.solvers import brute_force
from edgenas.search.spaces import space
from edgenas.search.trials import Trials
from tests.conftest import ROOT
from tests.support.search_toys import SPACES, BlockSumAccuracy, plain_space, toy_problem

BASELINES: dict[str, dict[str, Any]] = {
    "random": {"samples": 12},
    "regularized_evolution": {"population": 4, "samples": 12},
    "ofa_evolution": {"population": 6, "iterations": 20},
    "reinforce": {"samples": 12},
    "nsga2": {"population": 6, "generations": 20},
}


def test_the_defaults_are_the_published_settings() -> None:
    assert {name: algorithm_options(name) for name in BASELINES} == {
        "random": {"samples": 100},
        "regularized_evolution": {"population": 10, "tournament": 3, "samples": 100, "warm_start": "none"},
        "ofa_evolution": {
            "population": 100,
            "iterations": 500,
            "parents": 0.25,
            "mutation": 0.5,
            "probability": 0.1,
        },
        "reinforce": {"samples": 100, "learning_rate": 0.01, "momentum": 0.9, "beta": -0.10},
        "nsga2": {"population": 100, "generations": 250, "crossover": 0.9},
    }


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("where", ["tunas_v3", "ofa_mobilenet_v3", "nas_bench_macro"])
@pytest.mark.slow
def test_published_spaces_are_searched_within_tight_budgets(where: str, name: str) -> None:
    """Widths that options choose, depths that end a stage, layers that may be left out."""
    s, cost = space(where), macs_cost()
    graph = layered_graph(s, cost)
    costs = [layer.cost for layer in graph.layers]
    low, high = (float(best_rest(graph, costs, largest).bound[0][0]) for largest in (False, True))
    problem = Problem(s, cost, BlockSumAccuracy(score=True), low + 0.15 * (high - low))
    result = search(name, problem, Trials(problem, max_trials=10), **BASELINES[name])
    assert len(result.trials) == 10
    assert all(trial.cost <= problem.budget for trial in result.trials)


@pytest.mark.parametrize("name", BASELINES)
def test_nothing_above_the_budget_is_ever_judged(name: str) -> None:
    for toy in SPACES:
        problem = toy_problem(SPACES[toy](), 0.4)
        for trial in search(name, problem, Trials(problem), **BASELINES[name]).trials:
            assert trial.cost <= problem.budget


def test_a_budget_that_almost_no_network_fits_is_filled() -> None:
    problem = toy_problem(SPACES["widths"](), 0.02)
    graph = layered_graph(problem.space, problem.cost)
    fits = int((brute_force.all_paths(graph).costs <= problem.budget).sum())
    assert 0 < fits < 0.05 * problem.space.networks
    result = search("random", problem, Trials(problem), samples=50)
    assert len({t.choice for t in result.trials}) == len(result.trials) == fits


def test_random_search_favours_no_network() -> None:
    problem = toy_problem(plain_space(), 0.5)
    firsts = Counter(next(Draws(problem, random.Random(seed)).distinct()) for seed in range(880))
    paths = brute_force.all_paths(layered_graph(problem.space, problem.cost))
    assert len(firsts) == int((paths.costs <= problem.budget).sum()) == 44
    assert 4 <= min(firsts.values()) <= max(firsts.values()) <= 40  # 20 each, with a deviation of 4.4


@pytest.mark.parametrize("toy", SPACES)
def test_variation_gives_members(toy: str) -> None:
    s, rng = SPACES[toy](), random.Random(1)
    once: Counter[int] = Counter()
    for _ in range(200):
        one, other = s.sample(rng), s.sample(rng)
        mutant, child = mutated_once(s, one, rng), crossed(s, one, other, rng)
        for choice in (mutant, child, mutated(s, one, 0.5, rng)):
            s.architecture(choice)  # InputError for what is no member
        assert mutant != one
        once.update([next(i for i, (a, b) in enumerate(zip(one, mutant, strict=True)) if a != b)])
        if toy != "ends":
            assert sum(a != b for a, b in zip(one, mutant, strict=True)) == 1
            assert all(c in (a, b) for a, b, c in zip(one, other, child, strict=True))
        assert mutated(s, one, 0.0, rng) == crossed(s, one, one, rng) == s.repaired(one) == one
    assert set(once) == {i for i, layer in enumerate(s.layers) if len(layer.options) > 1}


def test_an_ended_stage_takes_its_later_layers_with_it_and_reopens_one_by_one() -> None:
    s, end = SPACES["ends"](), 2
    assert s.repaired((0, 1, end, 0, 1, 0, end, 0)) == (0, 1, end, end, 1, 0, end, 0)
    closed = (0, 0, end, end, 0, 0, 0, 0)
    mutants = {mutated_once(s, closed, random.Random(seed)) for seed in range(200)}
    assert {mutant[2:4] for mutant in mutants} == {(end, end), (0, end), (1, end)}


def test_regularized_evolution_mutates_the_living_and_the_oldest_dies() -> None:
    s = space("proxylessnas")  # so large that no network is met twice
    problem = Problem(s, macs_cost(), BlockSumAccuracy(score=True), 1e12)
    result = search("regularized_evolution", problem, Trials(problem), population=2, tournament=1, samples=30)
    assert (result.notes["cycles"], len(result.trials)) == (28, 30)
    choices = [trial.choice for trial in result.trials]
    for living, child in zip(pairwise(choices), choices[2:], strict=False):
        assert min(sum(a != b for a, b in zip(parent, child, strict=True)) for parent in living) == 1


def test_a_wide_tournament_climbs() -> None:
    """The parent is the fittest of those drawn."""
    problem = toy_problem(plain_space(), 1.0, BlockSumAccuracy(seed=8, score=True))
    means = {}
    for tournament in (1, 20):
        results = [
            search("regularized_evolution", p, Trials(p), tournament=tournament, samples=30)
            for p in (Problem(problem.space, problem.cost, problem.accuracy, problem.budget, seed) for seed in range(8))
        ]
        means[tournament] = sum(t.accuracy for r in results for t in r.trials[10:]) / sum(
            len(r.trials) - 10 for r in results
        )
    assert means[20] > means[1] + 0.3


def test_once_for_all_keeps_its_fittest_quarter() -> None:
    problem = toy_problem(SPACES["widths"](), 1.0, BlockSumAccuracy(seed=8, score=True))
    trials = Trials(problem)
    result = search("ofa_evolution", problem, trials, population=8, iterations=1, mutation=0.0)
    first, children = result.trials[:8], result.trials[8:]
    parents = sorted(first, key=lambda trial: -trial.accuracy)[:2]
    assert result.notes["iterations"] == 1 and children
    for child in children:  # crossings of the two
        options = zip(child.choice, parents[0].choice, parents[1].choice, strict=True)
        assert all(option in (a, b) for option, a, b in options)


def test_nsga2_finds_the_front() -> None:
    """The most accurate network at every cost, not only at the budget: of 11 points, 9 or more a run."""
    found = 0
    for seed in range(3):
        asked = conformance.problem("ends", 1.0, BlockSumAccuracy(seed=8, score=True), seed)
        affordable = [choice for _, choice in conformance.networks("ends")]  # by cost
        front: list[tuple[float, float]] = []
        trials = Trials(asked)
        trials.rewards(affordable)
        for trial in sorted(trials.log, key=lambda trial: (trial.cost, -trial.accuracy)):
            if not front or trial.accuracy > front[-1][1] + 1e-9:
                front.append((trial.cost, trial.accuracy))
        result = search("nsga2", asked, Trials(asked), population=16, generations=12)
        judged = [(trial.cost, trial.accuracy) for trial in result.trials]
        assert len(front) == 11 and len(judged) < 110
        found += sum(any(c == cost and abs(a - best) < 1e-9 for c, a in judged) for cost, best in front)
    assert found >= 26


@pytest.mark.parametrize("toy", SPACES)
def test_where_no_draw_fits_a_network_that_does_is_found_exactly(toy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds on the rest are added in another order than costs, so even a draw that goes by them may miss."""
    monkeypatch.setattr("edgenas.search.algorithms.baselines.draws.TRIES", 0)
    monkeypatch.setattr("edgenas.search.algorithms.baselines.draws.FIT_TRIES", 0)
    asked = conformance.problem(toy, 0.0)
    draws = Draws(asked, random.Random(0))
    cheapest = {choice for cost, choice in conformance.networks(toy) if cost == asked.budget}
    [only] = draws.distinct()
    assert only in cheapest
    assert draws.weighted([np.ones(len(layer.options)) for layer in asked.space.layers]) in cheapest


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("random", {"samples": 0}, "samples 0 is below 1"),
        ("regularized_evolution", {"population": 0}, "population 0 is below 1"),
        ("regularized_evolution", {"tournament": 0}, "tournament 0 is below 1"),
        ("ofa_evolution", {"iterations": 0}, "iterations 0 is below 1"),
        ("ofa_evolution", {"parents": 1.5}, r"parents 1\.5 is outside 0\.\.1"),
        ("ofa_evolution", {"probability": float("nan")}, "probability nan is outside"),
        ("reinforce", {"learning_rate": 0.0}, r"learning_rate 0\.0 is not a positive number"),
        ("reinforce", {"momentum": -0.1}, "momentum -0.1 is outside"),
        ("reinforce", {"beta": 0.1}, r"beta 0\.1 is above 0"),
        ("nsga2", {"population": 0}, "population 0 is below 1"),
        ("nsga2", {"crossover": 2.0}, "crossover 2.0 is outside"),
    ],
)
def test_wrong_options_are_named(name: str, options: dict[str, Any], message: str) -> None:
    accuracy = BlockSumAccuracy(score=True)
    problem = toy_problem(plain_space(), accuracy=accuracy)
    with pytest.raises(InputError, match=message):
        search(name, problem, Trials(problem), **options)
    assert accuracy.asked == []


@pytest.mark.slow
def test_without_pymoo_the_extra_is_named() -> None:
    code = """
import sys
sys.modules["pymoo"] = None
from edgenas.search.algorithms.by_name import search
from edgenas.search.trials import Trials
from tests.support.search_toys import plain_space, toy_problem
problem = toy_problem(plain_space())
search("random", problem, Trials(problem))
search("nsga2", problem, Trials(problem))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "MissingExtraError" in done.stderr and "pip install 'edgenas[baselines]'" in done.stderr
