"""The choice of a menu: it loses least of all choices, and bisection in a front replaces solving again."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgenas.base.errors import InputError
from edgenas.search.graph import layered_graph
from edgenas.search.menu import best_within, choose_menu, menu_loss
from edgenas.search.problem import Cost
from edgenas.search.solvers import pareto_dp
from tests.support.search_toys import BlockSumAccuracy, plain_space, toy_cost


@st.composite
def fronts(draw: st.DrawFn, most: int = 9) -> tuple[list[float], list[float]]:
    count = draw(st.integers(1, most))
    numbers = st.lists(st.integers(1, 1000), min_size=count, max_size=count, unique=True)
    return [n / 10 for n in sorted(draw(numbers))], [n / 10 for n in sorted(draw(numbers))]


@given(fronts(), st.floats(1.0, 120.0), st.integers(2, 6), st.floats(1.05, 8.0))
def test_no_other_menu_of_that_size_loses_less(
    front: tuple[list[float], list[float]], budget: float, nets: int, slowdown: float
) -> None:
    costs, accuracies = front
    if costs[0] > budget:
        with pytest.raises(InputError, match="no network of the front"):
            choose_menu(costs, accuracies, budget, nets, slowdown)
        return
    menu = choose_menu(costs, accuracies, budget, nets, slowdown)
    first, last = best_within(costs, budget / slowdown), best_within(costs, budget)
    inner = range(first + 1, last)
    size = min(nets, last - first + 1)
    best = min(
        menu_loss(costs, accuracies, {first, *between, last}, budget, slowdown)
        for between in itertools.combinations(inner, max(0, size - 2))
    )
    assert menu.loss == pytest.approx(best, abs=1e-9)
    assert menu_loss(costs, accuracies, menu.members, budget, slowdown) == pytest.approx(best, abs=1e-9)
    assert menu.members[0] == first and menu.members[-1] == last and len(menu.members) == size
    assert list(menu.losses.values()) == sorted(menu.losses.values(), reverse=True)


def test_the_loss_is_the_mean_over_slowdowns() -> None:
    rng = np.random.default_rng(0)
    costs, accuracies = sorted(rng.uniform(5, 30, 40)), sorted(rng.uniform(60, 75, 40))
    menu = choose_menu(costs, accuracies, 28.0, 6, 3.0)
    slowdowns = np.exp(np.linspace(0, np.log(3.0), 20_001))
    whole = [accuracies[best_within(costs, 28.0 / m)] for m in slowdowns]
    of_menu = [costs[i] for i in menu.members]
    kept = [accuracies[menu.members[best_within(of_menu, 28.0 / m)]] for m in slowdowns]
    assert menu.loss == pytest.approx(np.mean(np.subtract(whole, kept)), abs=2e-3)


@settings(max_examples=10)
@given(st.integers(0, 20), st.floats(1.0, 4.0), st.floats(0.3, 1.0))
def test_bisection_in_the_front_equals_the_exact_solver_on_rescaled_costs(
    seed: int, slowdown: float, share: float
) -> None:
    space, judge, plain = plain_space(), BlockSumAccuracy(seed=seed), toy_cost()
    graph = layered_graph(space, plain)
    valued = graph.with_values([np.array([judge.block_value(edge.block) for edge in edges]) for edges in space.edges])
    front = pareto_dp.pareto_front(valued)
    budget = share * float(front.costs[-1]) * slowdown * (1 + 1e-9)  # not on a network's own cost, where sums round
    slower = Cost("units", lambda block: slowdown * plain.of(block))
    solved = pareto_dp.solve(layered_graph(space, slower).with_values([layer.value for layer in valued.layers]), budget)
    fitting = int(np.searchsorted(front.costs * slowdown, budget * (1 + 1e-12), side="right")) - 1
    if solved is None:
        assert fitting < 0
        return
    assert solved.value == pytest.approx(float(front.values[fitting]))
    assert best_within(list(front.costs), budget / slowdown * (1 + 1e-12)) == fitting


@pytest.mark.parametrize(("nets", "slowdown", "why"), [(1, 3.0, "2 to 64"), (8, 1.0, "above 1"), (8, np.inf, "above")])
def test_numbers_that_are_no_menu_are_refused(nets: int, slowdown: float, why: str) -> None:
    with pytest.raises(InputError, match=why):
        choose_menu([1.0, 2.0], [50.0, 60.0], 3.0, nets, slowdown)


def test_a_front_gives_its_menu() -> None:
    from edgenas.api.front import Front, FrontMember

    points = tuple(FrontMember(float(i), 50 + i**0.5, ".".join("0" * 6)) for i in range(4, 30))
    menu = Front(plain_space(), "units", points, "predicted").menu(5, 3.0)
    assert [p.cost for p in menu.front][-1] == 29.0 and len(menu.front) == 5 and menu.front.points[0].cost == 9.0
    assert list(menu.losses) == [2, 3, 4, 5] and menu.to_json()["losses"]["5"] == menu.losses[5]
