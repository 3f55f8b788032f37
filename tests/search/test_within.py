"""Answers inside a budget that no sum of blocks predicts: the last step of a search finds them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest

from edgenas.blocks.architecture import Architecture
from edgenas.search.algorithms.by_name import search
from edgenas.search.algorithms.within import best_within
from edgenas.search.digests import network_digest
from edgenas.search.graph import layered_graph
from edgenas.search.problem import Cost, Limit, Problem
from edgenas.search.solvers import brute_force
from edgenas.search.trials import Trials
from tests.support.search_toys import SPACES, BlockSumAccuracy, noise, toy_cost, toy_problem


@dataclass(frozen=True)
class Whole(Cost):
    """A measured cost of whole networks: up to six times the sum of their blocks, and never known from it."""

    def total(self, architecture: Architecture) -> float:
        return toy_cost().total(architecture) * (1 + 5 * noise(network_digest(architecture)))

    def most_sum(self, budget: float) -> float:
        return math.inf


@pytest.mark.parametrize("toy", SPACES)
@pytest.mark.parametrize("algorithm", ["layernas", "mathnas", "hybrid"])
@pytest.mark.parametrize("most", [3, None])
def test_there_is_an_answer_where_the_cost_is_not_a_sum(toy: str, algorithm: str, most: int | None) -> None:
    space = SPACES[toy]()
    cost = Whole("ms", toy_cost().of)
    totals = sorted(cost.total(space.architecture(choice)) for choice in every(toy))
    for rank in (0, 2, len(totals) // 4):
        problem = Problem(space, cost, BlockSumAccuracy(), totals[rank])
        result = search(algorithm, problem, Trials(problem, max_trials=most))
        assert result.best.cost <= problem.budget and (most is None or len(result.trials) <= most)


def every(toy: str) -> list[tuple[int, ...]]:
    graph = layered_graph(SPACES[toy](), toy_cost())
    return [graph.solution(path).choice for path in brute_force.all_paths(graph).edges.tolist()]


@pytest.mark.parametrize("toy", SPACES)
def test_the_network_is_the_one_of_greatest_value(toy: str) -> None:
    problem = toy_problem(SPACES[toy](), 0.4)
    graph = layered_graph(problem.space, problem.cost)
    values = [layer.cost for layer in graph.layers]
    found = best_within(problem, graph, values)
    fits = [choice for choice in every(toy) if problem.fits(choice)]
    assert found is not None and problem.fits(found)
    total = problem.cost.total
    dearest = max(total(problem.space.architecture(choice)) for choice in fits)
    assert total(problem.space.architecture(found)) == pytest.approx(dearest)


def test_a_part_of_the_space_in_which_nothing_fits_is_left() -> None:
    problem = toy_problem(SPACES["plain"](), 0.0)
    graph = layered_graph(problem.space, problem.cost)
    values = [layer.cost for layer in graph.layers]
    dearest = [layer.cost == layer.cost.max() for layer in graph.layers]
    found = best_within(problem, graph, values, dearest)
    assert found is not None and problem.fits(found)


def test_none_is_found_where_limits_exclude_each_other() -> None:
    toy = toy_problem(SPACES["plain"](), 0.5)
    problem = Problem(toy.space, toy.cost, toy.accuracy, toy.budget, 0, (Limit(toy.cost, toy.budget / 1e6),))
    graph = layered_graph(problem.space, problem.cost, problem.limits)
    assert best_within(problem, graph, [layer.cost for layer in graph.layers]) is None
