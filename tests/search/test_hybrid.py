"""The hybrid: exact where accuracy is additive, one run for many budgets, and what its model learns from."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgenas.base.errors import InputError
from edgenas.blocks.architecture import Architecture
from edgenas.search.accuracy.tabular import NasBenchMacro
from edgenas.search.algorithms.hybrid import hybrid, single_sample
from edgenas.search.algorithms.trial_model import TrialModel
from edgenas.search.cost import macs_cost
from edgenas.search.graph import edge_sums, layered_graph
from edgenas.search.problem import BudgetError, Candidate, Cost, Problem
from edgenas.search.solvers import brute_force
from edgenas.search.solvers.best_first import best_first
from edgenas.search.solvers.completions import completions
from edgenas.search.spaces import space
from edgenas.search.trials import Trials
from tests.support.search_toys import SPACES, BlockSumAccuracy, noise, plain_space, random_graph, toy_problem


@pytest.mark.parametrize("seed", range(20))
def test_completions_are_the_best_endings_of_every_state(seed: int) -> None:
    graph = random_graph(seed)
    everything = brute_force.all_paths(graph)
    if len(everything.costs) == 0:
        return
    found = completions(graph, float(everything.costs.max()))
    front = found.endings[0][0]
    for endings in (ending for layer in found.endings for ending in layer):
        assert (np.diff(endings.cost) > 0).all() and (np.diff(endings.value) > 0).all()
    for budget in np.quantile(everything.costs, [0, 0.2, 0.5, 0.9, 1]).tolist():
        fits = everything.costs <= budget
        index = int(np.searchsorted(front.cost, budget + 1e-9, side="right")) - 1
        assert front.value[index] == pytest.approx(everything.values[fits].max())
        solution = graph.solution(graph.path(found.options(0, 0, index))) if seed % 3 else None
        assert solution is None or solution.value == pytest.approx(front.value[index])


@pytest.mark.parametrize("seed", range(20))
def test_best_first_is_every_network_within_the_budget_by_value(seed: int) -> None:
    graph = random_graph(seed)
    paths = brute_force.all_paths(graph)
    for budget in np.quantile(paths.costs, [0, 0.3, 1]).tolist() if len(paths.costs) else ():
        solutions = [
            graph.solution(graph.path(c)) if seed % 3 else None for c in best_first(completions(graph, budget), budget)
        ]
        fits = paths.costs <= budget * (1 + 1e-9)
        assert len(solutions) == fits.sum()
        if seed % 3:  # every third has parallel edges of one option
            values = [solution.value for solution in solutions if solution is not None]
            assert values == pytest.approx(sorted(paths.values[fits].tolist(), reverse=True))


def test_what_is_left_of_a_limit_goes_to_the_networks_predicted_best() -> None:
    problem = toy_problem(plain_space(), 1.0, BlockSumAccuracy(jitter=2, seed=1))
    alone = hybrid(problem, Trials(problem))
    most = len(alone.trials) + 10
    result = hybrid(problem, Trials(problem, max_trials=most))
    assert len(result.trials) == most and not alone.notes["max_trials_reached"]
    whole = hybrid(problem, Trials(problem, max_trials=10**6))
    assert len(whole.trials) == problem.space.networks  # and ends


class Halved(Cost):
    """Networks measured whole: half of what their sums say where the first layer takes option 0."""

    def total(self, architecture: Architecture) -> float:
        whole = super().total(architecture)
        return whole / 2 if architecture.blocks[0] == plain_space().edges[0][0].block else whole

    def most_sum(self, budget: float) -> float:
        return math.inf


def test_where_sums_are_only_near_the_whole_the_whole_decides() -> None:
    toy = toy_problem(plain_space(), 0.4, BlockSumAccuracy(jitter=1, score=True))
    problem = replace(toy, cost=Halved(toy.cost.unit, toy.cost.of))
    space = problem.space
    networks = itertools.product(*[[edge.option for edge in edges] for edges in space.edges])
    fits = [choice for choice in networks if problem.fits(choice)]
    assert any(not toy.fits(choice) for choice in fits)
    found = hybrid(problem, Trials(problem))
    judged = dict(problem.accuracy.evaluate([Candidate(c, space.architecture(c)) for c in fits]))
    assert found.best.cost <= problem.budget
    assert found.best.accuracy == pytest.approx(max(judged.values()))


def test_a_lucky_training_is_rewarded_and_not_recommended() -> None:
    """One poor network has the highest reward by .1 points, where all others are as good as their blocks say."""

    class Lucky(BlockSumAccuracy):
        def evaluate(self, candidates: Sequence[Candidate]) -> Iterator[tuple[int, float]]:
            for index, accuracy in super().evaluate(candidates):
                yield index, top + 0.1 if candidates[index].choice == poor else accuracy

    plain = toy_problem(plain_space(), 1.0)
    honest = hybrid(plain, Trials(plain))
    top = honest.best.accuracy
    poor = min(honest.trials, key=lambda trial: trial.accuracy).choice
    problem = toy_problem(plain_space(), 1.0, Lucky())
    result = hybrid(problem, Trials(problem))
    assert result.best.choice == poor
    assert result.recommended is not None and result.answer == result.recommended
    assert result.answer.choice == honest.best.choice
    finalists = result.notes["front"][0]["finalists"]
    assert finalists[0]["network"] == problem.space.key(result.answer.choice) and len(finalists) == 5
    expected = [f["expected"] for f in finalists]
    assert expected == sorted(expected, reverse=True)


def test_a_budget_leaves_out_endings_that_nothing_can_begin() -> None:
    problem = toy_problem(SPACES["widths"](), 0.3)
    graph = layered_graph(problem.space, problem.cost)
    whole, part = completions(graph, 1e9), completions(graph, problem.budget)
    fewer = [sum(len(e.cost) for e in row) for row in part.endings[1:-1]]
    assert all(a <= b for a, b in zip(fewer, (sum(len(e.cost) for e in r) for r in whole.endings[1:-1]), strict=True))
    assert part.endings[0][0].cost.max() <= problem.budget


@pytest.mark.parametrize("toy", SPACES)
def test_it_finds_nearly_the_best_where_accuracy_is_additive_and_judges_few(toy: str) -> None:
    for share in (0.3, 0.6):
        accuracy = BlockSumAccuracy(seed=4, score=True)
        problem = toy_problem(SPACES[toy](), share, accuracy)
        result = hybrid(problem, Trials(problem))
        paths = brute_force.all_paths(layered_graph(problem.space, problem.cost))
        weights = edge_sums(problem.space, accuracy.block_value)
        values = 40 + brute_force.sums(paths, weights)[paths.costs <= problem.budget]
        assert (values > result.best.accuracy + 1e-9).mean() <= 0.02
        assert len(result.trials) < problem.space.networks / 2


def test_it_begins_with_the_single_sample_and_with_half_the_limit_where_that_is_less() -> None:
    problem = toy_problem(plain_space(), 0.8)
    seeds = single_sample(problem.space)
    whole, few = Trials(problem), Trials(problem, max_trials=8)
    hybrid(problem, whole)
    assert [trial.choice for trial in whole.log[: len(seeds)]] == seeds
    hybrid(problem, few)
    assert len(seeds) > 4 and {trial.choice for trial in few.log[:4]} < set(seeds)
    assert len(few) == 8


def test_budgets_share_their_trials_whichever_is_asked_for() -> None:
    first, second = (
        toy_problem(SPACES["widths"](), share, BlockSumAccuracy(jitter=1, score=True)) for share in (0.3, 0.7)
    )
    apart = [hybrid(problem, Trials(problem)) for problem in (first, second)]
    low, high = (hybrid(problem, Trials(problem), budgets=[first.budget, second.budget]) for problem in (first, second))
    assert [t.choice for t in low.trials] == [t.choice for t in high.trials]
    assert low.notes["front"] == high.notes["front"]
    assert [point["budget"] for point in low.notes["front"]] == [first.budget, second.budget]
    for result, point in zip((low, high), low.notes["front"], strict=True):
        assert (point["network"], point["accuracy"]) == (first.space.key(result.best.choice), result.best.accuracy)
    assert len(low.trials) < sum(len(result.trials) for result in apart)
    assert hybrid(first, Trials(first), budgets=second.budget).notes["front"] == low.notes["front"]


def test_every_budget_is_checked_before_anything_is_judged() -> None:
    accuracy = BlockSumAccuracy(score=True)
    problem = toy_problem(plain_space(), 0.5, accuracy)
    with pytest.raises(BudgetError, match="fits 1 units"):
        hybrid(problem, Trials(problem), budgets=[1.0])
    with pytest.raises(InputError, match="budget nan is not a number of units above 0"):
        hybrid(problem, Trials(problem), budgets=[float("nan")])
    with pytest.raises(InputError, match="buckets 0 is below 1"):
        hybrid(problem, Trials(problem), buckets=0)
    assert accuracy.asked == []


def test_few_trials_still_give_an_answer_within_a_tight_budget() -> None:
    for toy in SPACES:
        for most in (1, 2, 5):
            problem = toy_problem(SPACES[toy](), 0.1)
            result = hybrid(problem, Trials(problem, max_trials=most))
            assert result.best.cost <= problem.budget and len(result.trials) <= most


def test_each_name_of_a_network_teaches_the_model() -> None:
    """A skip in one layer or in the next is one network, paid for once, and says what a skip is worth in both."""
    s = space("nas_bench_macro")
    problem = Problem(s, macs_cost(), BlockSumAccuracy(score=True), 1e9)
    trials = Trials(problem)
    model = TrialModel(s, layered_graph(s, problem.cost), trials)
    one, other = s.parse("1.1.1.0.1.1.1.1"), s.parse("1.1.1.1.0.1.1.1")
    seeds = [choice for choice in single_sample(s) if choice not in (one, other)]
    model.rewards([*seeds, one, other])
    assert len(trials) < len(seeds) + 2
    layers = [
        values[np.array([e.option for e in edges]) == 0]
        for values, edges in zip(model.edge_values(1e9), s.edges, strict=True)
    ]
    assert all(layers[i][0] != 0 for i in (4, 5))
    assert model.reward(other) == model.reward(one)


def test_what_is_predicted_does_not_know_the_answer() -> None:
    problem = toy_problem(SPACES["widths"](), 0.5, BlockSumAccuracy(jitter=3, seed=1))
    result = hybrid(problem, Trials(problem))
    assert result.predicted is not None and result.predicted != result.best.accuracy
    assert abs(result.predicted - result.best.accuracy) < 10 * (1 + noise("x"))


@pytest.mark.slow
def test_it_does_as_measured_on_the_published_table(shared_data: Path) -> None:
    """Mean regret with 50 trials at two budgets and two seeds: 0.258 was found, and the bar is 15 % above it. Random
    search with 50 trials has 0.4."""
    path = shared_data / "nas_bench_macro" / "nas-bench-macro_cifar10.json"
    judge, s, regrets = NasBenchMacro(path), space("nas_bench_macro"), []
    for budget, best in ((50e6, 92.167), (70e6, 92.943)):
        for seed in range(2):
            problem = Problem(s, macs_cost(), NasBenchMacro(path, "one", seed), budget, seed)
            result = hybrid(problem, Trials(problem, max_trials=50))
            regrets.append(best - judge.accuracy(Candidate(result.best.choice, s.architecture(result.best.choice))))
    assert min(regrets) >= -1e-3  # the best is given to three digits
    assert np.mean(regrets) <= 1.15 * 0.258
