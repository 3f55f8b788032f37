"""MathNAS's fractional program: Dinkelbach's iteration, its bounds and gaps, and the integer program of the paper."""

from __future__ import annotations

import numpy as np
import pytest

from edgenas.search.graph import Graph, GraphLayer, smallest_cost
from edgenas.search.solvers import brute_force, charnes_cooper, dinkelbach, pareto_dp
from tests.search.test_solvers import budgets_of
from tests.support.search_toys import random_graph


def ratio_terms(graph: Graph, seed: int, signed: bool) -> tuple[list[np.ndarray], list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    low = -1.0 if signed else 0.0
    return (
        [rng.uniform(low, 1, len(layer)) for layer in graph.layers],
        [rng.uniform(0.1, 1, len(layer)) for layer in graph.layers],
    )


def smallest_ratio(graph: Graph, budget: float, loss: list[np.ndarray], size: list[np.ndarray], power: float) -> float:
    paths = brute_force.all_paths(graph)
    ratios = brute_force.sums(paths, loss) / brute_force.sums(paths, size) ** power
    return float(ratios[paths.costs <= budget].min())


@pytest.mark.parametrize("power", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("signed", [False, True])
def test_dinkelbach_finds_the_smallest_ratio(power: float, signed: bool) -> None:
    most = 0
    for seed in range(100 if power == 1 else 40):
        graph = random_graph(seed)
        loss, size = ratio_terms(graph, seed, signed)
        for budget in budgets_of(graph)[:3:2]:
            found = dinkelbach.solve(graph, budget, loss, size, power)
            if smallest_cost(graph) > budget:
                assert found is None
                continue
            assert found is not None and found.cost <= budget and found.gap == 0
            assert found.ratio == pytest.approx(smallest_ratio(graph, budget, loss, size, power), rel=1e-9, abs=1e-12)
            most = max(most, found.iterations)
    assert most <= (1 if power == 0 else 8)


@pytest.mark.parametrize("power", [0.3, 0.7])
def test_the_bound_of_a_tangent_is_below_every_ratio(power: float) -> None:
    """Wherever the tangent is taken; and it is reached where the network is the only one."""
    for seed in range(20):
        graph = random_graph(seed)
        loss, size = ratio_terms(graph, seed, signed=False)
        budget = smallest_cost(graph) * 1.5 + 1
        if not np.isfinite(budget):
            continue
        best = smallest_ratio(graph, budget, loss, size, power)
        for at in (0.3, 1.0, 3.0):
            bound = dinkelbach._lower_bound(graph, budget, loss, size, power, pareto_dp.solve, at)
            assert 0 <= bound <= best * (1 + 1e-9)
    one = Graph((1, 1), (GraphLayer(*np.zeros((3, 1), np.int64), np.array([1.0]), np.array([0.0])),))
    two, four = [np.array([2.0])], [np.array([4.0])]
    bound = dinkelbach._lower_bound(one, 1.0, two, four, power, pareto_dp.solve, 4.0)
    assert bound == pytest.approx(2 / 4**power)


def test_a_gap_is_told_where_a_large_graph_leaves_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brute_force, "MOST_PATHS", 0)
    gaps = 0
    for seed in range(50):
        graph = random_graph(seed)
        loss, size = ratio_terms(graph, seed, signed=True)
        budget = smallest_cost(graph) * 1.5 + 1
        if not np.isfinite(budget):
            continue
        found = dinkelbach.solve(graph, budget, loss, size, 0.3)
        assert found is not None
        monkeypatch.setattr(brute_force, "MOST_PATHS", 3_000_000)
        best = smallest_ratio(graph, budget, loss, size, 0.3)
        monkeypatch.setattr(brute_force, "MOST_PATHS", 0)
        assert found.ratio - found.gap <= best + 1e-9  # the bound holds
        gaps += found.gap > 0
    assert gaps > 0


def test_charnes_cooper_agrees_with_dinkelbach() -> None:
    for seed in range(24):
        graph = random_graph(seed)
        loss, size = ratio_terms(graph, seed, signed=seed % 2 == 0)
        for budget in budgets_of(graph)[1::2]:
            found = charnes_cooper.solve(graph, budget, loss, size)
            want = dinkelbach.solve(graph, budget, loss, size)
            assert (found is None) == (want is None)
            if found is not None and want is not None:
                assert found.ratio == pytest.approx(want.ratio, abs=1e-5)
