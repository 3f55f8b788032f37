"""The programs that hold searches and solvers against others: their bars, made-up spaces, CP-SAT."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgenas.search.problem import Candidate
from edgenas.search.solvers import brute_force
from tests.support.search_toys import random_graph
from tools.bench import search_methods
from tools.bench.search_bars import BARS, MACRO, compared
from tools.bench.search_made import MadeUp
from tools.bench.solvers import chain, same_front


def rows(**regrets: float) -> list[dict[str, Any]]:
    names = {"layernas": "LayerNAS H=10", "hybrid": "hybrid, 50", "evolution": "regularized evolution, 100"}
    return [
        {"task": MACRO, "method": names[key], "regret": value, "standard_error": None, "trials": 50}
        for key, value in regrets.items()
    ]


def test_bars_are_met_or_not() -> None:
    def met(**regrets: float) -> list[bool]:
        return [bar["met"] for bar in compared(rows(evolution=0.12, **regrets))]

    assert met(layernas=0.27, hybrid=0.11) == [True, True, True]
    assert met(layernas=0.271, hybrid=0.125) == [False, True, False]
    assert met(layernas=float("nan"), hybrid=0.2) == [False, False, False]


def test_a_method_that_looks_at_the_judge_is_an_oracle_and_has_no_bar() -> None:
    lists = (search_methods.MACRO, search_methods.MERGED, search_methods.FREE, search_methods.PI4, search_methods.MADE)
    methods = [method for some in lists for method in some]
    looks = {method.name for method in methods if method.answer is search_methods.oracle_of_five}
    assert looks and all(name.startswith("oracle: ") for name in looks)
    assert {method.name for method in methods if method.name.startswith("oracle")} == looks
    assert not {bar.method for bar in BARS} & looks and not {bar.bar for bar in BARS} & looks
    assert {bar.method for bar in BARS} <= {method.name for method in methods}


def test_made_up_spaces_are_what_they_say() -> None:
    for seed in (1, 3):
        asked, again = MadeUp().asked(seed), MadeUp().asked(seed)
        for one, same in zip(asked, again, strict=True):
            problem = one.problem
            assert one.best == same.best and problem.budget == same.problem.budget
            choices = list(problem.accuracy.column)
            assert len(choices) == problem.space.networks
            fits = [choice for choice in choices[::50] if problem.fits(choice)]
            assert fits and max(one.judge(choice) for choice in fits) <= one.best
            candidate = Candidate(fits[0], problem.space.architecture(fits[0]))
            assert dict(problem.accuracy.evaluate([candidate]))[0] != one.judge(fits[0])  # noise


@pytest.mark.parametrize("seed", range(12))
def test_cp_sat_agrees_with_trying_every_path(seed: int) -> None:
    pytest.importorskip("ortools", reason="the extra bench is not installed")
    from tools.bench import cp_sat

    graph = random_graph(seed)
    paths = brute_force.all_paths(graph)
    for budget in np.quantile(paths.costs, [0.2, 0.7]).tolist() if len(paths.costs) else ():
        if budget <= 0:
            continue
        budget += 1e-5  # costs are rounded up
        found, exact = cp_sat.solve(graph, budget, 60.0), brute_force.solve(graph, budget)
        assert exact is not None and found is not None
        assert found.value == pytest.approx(exact.value, abs=1e-5) and found.cost <= budget


def test_a_front_that_lacks_a_point_is_seen() -> None:
    from edgenas.search.solvers.pareto_dp import pareto_front

    graph = chain(4, 5)
    assert same_front("toy", graph, pareto_front(graph)) == "equal"
    other = graph.with_values([layer.value + np.arange(len(layer)) for layer in graph.layers])
    with pytest.raises(SystemExit, match="another front"):
        same_front("toy", other, pareto_front(graph))
