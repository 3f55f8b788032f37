"""The solvers' answers where the best network lies just inside the budget, at it, or just over it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgenas.search.graph import Floats, Graph, Solution
from edgenas.search.solvers import brute_force, charnes_cooper, dinkelbach, limited, milp, pareto_dp
from tests.search.test_fractions import ratio_terms
from tests.search.test_limits import limited_graph
from tests.support.search_toys import random_graph

#: how far the budget is above the cost of the best network, relative
INSIDE = st.sampled_from([0.0, 1e-9, 7e-9, 1e-8, 1e-7, 5e-7, 1e-6, -1e-9, -1e-8, -1e-7, -1e-6])
SEEDS, SHARE = st.integers(0, 10**6), st.floats(0.1, 1)


def best_value(graph: Graph, paths: brute_force.Paths, budget: float) -> float | None:
    fits = brute_force.fitting(graph, paths, budget)
    return float(paths.values[fits].max()) if fits.any() else None


def best_ratio(
    graph: Graph, paths: brute_force.Paths, budget: float, loss: Sequence[Floats], size: Sequence[Floats], power: float
) -> tuple[float, float] | None:
    """(cost, ratio) of the best path."""
    fits = np.flatnonzero(brute_force.fitting(graph, paths, budget))
    ratios = (brute_force.sums(paths, loss) / brute_force.sums(paths, size) ** power)[fits]
    if not len(fits):
        return None
    return float(paths.costs[fits][np.argmin(ratios)]), float(ratios.min())


def at_the_edge(graph: Graph, share: float, inside: float) -> tuple[brute_force.Paths, float] | None:
    """All paths, and a budget just above the cost of the path of greatest value within another budget."""
    paths = brute_force.all_paths(graph)
    if not len(paths.costs):
        return None
    best = brute_force.solve(graph, float(np.quantile(paths.costs, share)))
    return None if best is None else (paths, best.cost * (1 + inside))


def agrees(found: Solution | None, want: float | None, budget: float, graph: Graph, off: float) -> None:
    assert (found is None) == (want is None)
    if found is not None:
        assert found.value == pytest.approx(want, abs=off) and found.cost <= budget
        assert graph.keeps(graph.path(found.choice))


@given(SEEDS, SHARE, INSIDE)
@settings(max_examples=60, deadline=None)
def test_exact_solvers(seed: int, share: float, inside: float) -> None:
    graph = random_graph(seed)
    case = at_the_edge(graph, share, inside)
    if case is not None:
        paths, budget = case
        want = best_value(graph, paths, budget)
        for found in (pareto_dp.solve(graph, budget), pareto_dp.pareto_front(graph).best(budget)):
            agrees(found, want, budget, graph, 0.0)


@given(SEEDS, SHARE, INSIDE, st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_exact_labels_with_limits(seed: int, share: float, inside: float, kinds: int) -> None:
    graph, _ = limited_graph(seed, kinds)
    case = at_the_edge(graph, share, inside)
    if case is not None:
        paths, budget = case
        want = best_value(graph, paths, budget)
        agrees(limited.solve(graph, budget), want, budget, graph, 1e-12)


@given(SEEDS, SHARE, INSIDE, st.integers(0, 2))
@settings(max_examples=15, deadline=None)
def test_highs(seed: int, share: float, inside: float, kinds: int) -> None:
    graph = limited_graph(seed, kinds)[0] if kinds else random_graph(seed)
    case = at_the_edge(graph, share, inside)
    if case is not None:
        paths, budget = case
        want = best_value(graph, paths, budget)
        agrees(milp.solve(graph, budget), want, budget, graph, 1e-5)


@given(SEEDS, SHARE, INSIDE, st.sampled_from([0.3, 1.0]), st.integers(0, 2))
@settings(max_examples=25, deadline=None)
def test_the_fraction(seed: int, share: float, inside: float, power: float, kinds: int) -> None:
    graph = limited_graph(seed, kinds)[0] if kinds else random_graph(seed)
    paths = brute_force.all_paths(graph)
    if not len(paths.costs):
        return
    loss, size = ratio_terms(graph, seed, signed=seed % 2 == 1)
    edge = best_ratio(graph, paths, float(np.quantile(paths.costs, share)), loss, size, power)
    if edge is None:
        return
    budget = edge[0] * (1 + inside)
    want = best_ratio(graph, paths, budget, loss, size, power)
    solvers = [dinkelbach.solve(graph, budget, loss, size, power)]
    if power == 1 and seed % 3 == 0:
        solvers.append(charnes_cooper.solve(graph, budget, loss, size))
    for found in solvers:
        assert (found is None) == (want is None)
        if found is not None and want is not None:
            assert found.cost <= budget and found.ratio == pytest.approx(want[1], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("answer", ["worst", "none"])
def test_a_wrong_answer_of_highs_is_not_passed_on(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """HiGHS may miss the best network within its tolerance of the budget, or answer with none within it."""
    for seed in range(30):
        graph = random_graph(seed)
        paths = brute_force.all_paths(graph)
        if not len(paths.costs):
            continue
        budget = float(np.median(paths.costs))
        loss, size = ratio_terms(graph, seed, signed=False)
        ratios = brute_force.sums(paths, loss) / brute_force.sums(paths, size)
        worst = int(np.argmax(np.where(paths.costs <= budget, ratios, -np.inf)))
        wrong = graph.solution(paths.edges[worst].tolist()) if answer == "worst" else None
        monkeypatch.setattr(charnes_cooper, "program", lambda *_, wrong=wrong: wrong)
        found = charnes_cooper.solve(graph, budget, loss, size)
        assert found is not None and found.ratio == pytest.approx(float(ratios[paths.costs <= budget].min()))


def test_highs_gives_close_answers_of_its_own() -> None:
    near = 0
    for seed in range(12):
        graph = random_graph(seed)
        paths = brute_force.all_paths(graph)
        if not len(paths.costs):
            continue
        budget = float(np.mean(paths.costs))
        loss, size = ratio_terms(graph, seed, signed=seed % 2 == 0)
        found, want = charnes_cooper.program(graph, budget, loss, size), dinkelbach.solve(graph, budget, loss, size)
        if found is not None and want is not None:
            edges = graph.path(found.choice)
            sums = [sum(float(layer[edge]) for layer, edge in zip(w, edges, strict=True)) for w in (loss, size)]
            assert sums[0] / sums[1] == pytest.approx(want.ratio, abs=1e-5)
            near += 1
    assert near > 5
