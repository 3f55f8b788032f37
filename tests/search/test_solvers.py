"""The solvers agree with each other and with trying every path; the front is exact."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgenas.base.errors import InputError
from edgenas.search.cost import latency_cost, macs_cost, params_cost
from edgenas.search.graph import Graph, GraphLayer, best_rest, check_smallest, edge_values, layered_graph, smallest_cost
from edgenas.search.problem import BudgetError, Cost
from edgenas.search.solvers import brute_force, dinkelbach, milp, pareto_dp
from edgenas.search.solvers.k_best import Scored, k_best
from edgenas.search.space import Space
from edgenas.search.spaces import space
from tests.support.search_toys import SPACES, noise, random_graph, toy_cost


def budgets_of(graph: Graph) -> list[float]:
    """Below the cheapest path, exactly at it, in between, at the dearest."""
    if not np.isfinite(smallest_cost(graph)):
        return [1.0]
    costs = np.sort(brute_force.all_paths(graph).costs)
    return [
        float(costs[0]) - 0.5,
        float(costs[0]),
        float(costs[len(costs) // 2]),
        float(np.mean(costs)),
        float(costs[-1]),
    ]


@pytest.mark.parametrize("block", range(10))
def test_dp_highs_and_brute_force_agree(block: int) -> None:
    infeasible = 0
    for seed in range(12 * block, 12 * block + 12):
        graph = random_graph(seed)
        for number, budget in enumerate(budgets_of(graph)):
            want = brute_force.solve(graph, budget)
            got = pareto_dp.solve(graph, budget)
            assert (want is None) == (got is None)
            assert pareto_dp.pareto_front(graph).best(budget) == got
            if want is None or got is None:
                infeasible += 1
                assert milp.solve(graph, budget) is None
                continue
            assert (got.value, got.cost) == (want.value, want.cost)  # to the last bit
            assert graph.solution(graph.path(got.choice)) == got
            if number % 2:
                continue
            highs = milp.solve(graph, budget)
            assert highs is not None and highs.cost <= budget
            assert highs.value == pytest.approx(want.value, abs=1e-5)
    assert infeasible >= 12


@given(st.integers(0, 10**6))
@settings(max_examples=100, deadline=None)
def test_the_front_is_exactly_the_undominated_paths(seed: int) -> None:
    graph = random_graph(seed)
    paths = brute_force.all_paths(graph)
    best: dict[float, float] = {}
    top = -np.inf
    for cost, value in sorted(zip(paths.costs.tolist(), (-paths.values).tolist(), strict=True)):
        if -value > top:
            top = best[cost] = -value
    front = pareto_dp.pareto_front(graph)
    assert list(zip(front.costs.tolist(), front.values.tolist(), strict=True)) == list(best.items())
    for i in range(len(front)):
        solution = front.solution(i)
        assert (solution.cost, solution.value) == (front.costs[i], front.values[i])
    again = pareto_dp.pareto_front(graph)
    assert [front.solution(i) for i in range(len(front))] == [again.solution(i) for i in range(len(again))]


@given(st.integers(0, 10**6), st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_bounds_on_the_rest_are_reached(seed: int, pick: int) -> None:
    graph = random_graph(seed)
    costs = [layer.cost for layer in graph.layers]
    paths = brute_force.all_paths(graph)
    for largest in (False, True):
        rest = best_rest(graph, costs, largest)
        if len(paths.costs) == 0:
            assert np.isinf(rest.bound[0][0])
            continue
        assert rest.bound[0][0] == pytest.approx(paths.costs.max() if largest else paths.costs.min())
        completed = graph.solution(graph.path(rest.complete(graph, 0, 0)))
        assert completed.cost == pytest.approx(rest.bound[0][0])
    if len(paths.costs):
        assert smallest_cost(graph) == paths.costs.min()


def test_k_best_lists_every_path_in_order() -> None:
    for seed in range(12):
        graph = random_graph(seed)
        paths = brute_force.all_paths(graph)

        def solve(keep: list[np.ndarray], graph: Graph = graph) -> Scored | None:
            found = pareto_dp.solve(graph.restricted(keep), np.inf)
            return None if found is None else Scored(found.choice, found.cost, -found.value)

        ranked = list(itertools.islice(k_best(graph, solve), 60))
        want = np.sort(-paths.values)[:60]
        assert [s.score for s in ranked] == pytest.approx(want.tolist())
        assert len({s.choice for s in ranked}) == len(ranked)


def test_highs_keeps_the_budget_to_the_last_bit() -> None:
    cut = 0
    for seed in range(40):
        graph = random_graph(seed)
        best = pareto_dp.solve(graph, np.inf)
        if best is None or best.cost == smallest_cost(graph):
            continue
        budget = float(np.nextafter(best.cost, 0))  # HiGHS takes the best for feasible: its tolerance is 1e-6
        want, highs = pareto_dp.solve(graph, budget), milp.solve(graph, budget)
        assert want is not None and highs is not None and highs.cost <= budget
        assert highs.value == pytest.approx(want.value, abs=1e-5)
        cut += 1
    assert cut >= 20


@pytest.mark.parametrize("toy", SPACES)
def test_the_cost_of_a_network_is_the_cost_of_its_path_to_the_last_bit(toy: str) -> None:
    s, cost = SPACES[toy](), Cost("ms", lambda block: 0.0 if block.kind == "skip" else noise(str(block)))
    graph = layered_graph(s, cost)
    for edges in brute_force.all_paths(graph).edges[::3].tolist():
        solution = graph.solution(edges)
        assert solution.cost == cost.total(s.architecture(solution.choice))
    front = pareto_dp.pareto_front(graph.with_values([np.sqrt(layer.cost) for layer in graph.layers]))
    assert len(front) > 5
    for point in range(len(front)):
        assert cost.total(s.architecture(front.solution(point).choice)) == front.costs[point]


@pytest.mark.parametrize("toy", SPACES)
def test_a_space_becomes_a_graph_with_the_same_networks(toy: str) -> None:
    s = SPACES[toy]()
    graph = layered_graph(s, macs_cost())
    paths = brute_force.all_paths(graph)
    assert brute_force.count_paths(graph) == len(paths.costs) == s.networks
    rng = random.Random(0)
    for _ in range(20):
        choice = s.sample(rng)
        solution = graph.solution(graph.path(choice))
        assert solution.choice == choice
        assert solution.cost == s.architecture(choice).macs
    check_smallest(graph, s, smallest_cost(graph), "MACs")
    with pytest.raises(BudgetError, match="the smallest reachable is") as caught:
        check_smallest(graph, s, smallest_cost(graph) - 1, "MACs")
    assert caught.value.smallest == paths.costs.min()


def test_real_spaces_agree_with_highs() -> None:
    for name, share in (("nas_bench_macro", 0.4), ("proxylessnas", 0.5), ("ofa_mobilenet_v3", 0.3)):
        s = space(name)
        graph = layered_graph(s, macs_cost())
        rng = np.random.default_rng(0)
        graph = graph.with_values([np.sqrt(layer.cost) * rng.uniform(0.8, 1.2, len(layer)) for layer in graph.layers])
        low, high = (best_rest(graph, [x.cost for x in graph.layers], big).bound[0][0] for big in (False, True))
        budget = float(low + share * (high - low))
        found, highs = pareto_dp.solve(graph, budget), milp.solve(graph, budget)
        assert found is not None and highs is not None
        assert highs.value == pytest.approx(found.value, rel=1e-6)
        assert s.architecture(found.choice).macs == found.cost <= budget


def test_a_stage_that_ended_adds_nothing_more() -> None:
    s = SPACES["ends"]()
    rows = [[1.0] * len(layer.options) for layer in s.layers]
    graph = layered_graph(s, toy_cost()).with_values(edge_values(s, rows))
    ended_first = (0, 0, 2, 2, 0, 2, 2, 0)
    assert graph.solution(graph.path(ended_first)).value == 6  # stem, 2 x (one block, the end), head
    with pytest.raises(InputError, match="one row per layer"):
        edge_values(s, rows[:-1])


class FakeTable:
    """What ``latency_cost`` asks of a table."""

    def __init__(self, s: Space, lacking: int = 0) -> None:
        self.rows: dict[object, float] = {block: block.macs / 1e6 for block in s.blocks()[lacking:]}

    def ms(self, block: object) -> float:
        return self.rows[block]

    def missing(self, blocks: list[object]) -> list[object]:
        return [block for block in blocks if block not in self.rows]


def test_costs() -> None:
    s = SPACES["widths"]()
    network = s.architecture((0, 1, 2, 3, 2, 0))
    assert any(block.kind == "skip" for block in network.blocks)
    assert macs_cost().total(network) == network.macs
    assert params_cost().total(network) == network.params
    assert latency_cost(FakeTable(s), blocks=s.blocks()).total(network) == pytest.approx(network.macs / 1e6)
    assert latency_cost(FakeTable(s), fixed_ms=0.5).total(network) == pytest.approx(network.macs / 1e6 + 0.5)
    with pytest.raises(InputError, match=r"the table lacks 2 of \d+ blocks, such as conv-8x3"):
        latency_cost(FakeTable(s, lacking=2), blocks=s.blocks())


def test_bad_graphs_are_refused() -> None:
    zero, one = np.zeros(1, np.int64), np.zeros(1)
    good = GraphLayer(zero, zero, zero, one, one)
    Graph((1, 1), (good,))
    with pytest.raises(InputError, match="different lengths"):
        Graph((1, 1), (GraphLayer(zero, zero, zero, np.zeros(2), one),))
    with pytest.raises(InputError, match="target is not one of its 1 states"):
        Graph((1, 1), (GraphLayer(zero, zero + 1, zero, one, one),))
    with pytest.raises(InputError, match="not a finite number"):
        Graph((1, 1), (GraphLayer(zero, zero, zero, one * np.nan, one),))
    with pytest.raises(InputError, match="at least one layer"):
        Graph((1,), ())
    with pytest.raises(InputError, match="too many to try"):
        brute_force.all_paths(layered_graph(space("proxylessnas"), macs_cost()))
    with pytest.raises(InputError, match=r"outside 0\.\.1"):
        dinkelbach.solve(Graph((1, 1), (good,)), 1.0, [one], [one + 1], 2.0)
    with pytest.raises(InputError, match="sizes above 0"):
        dinkelbach.solve(Graph((1, 1), (good,)), 1.0, [one], [one])
