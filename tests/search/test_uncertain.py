"""Latencies known within an interval: what counts against a budget, and searches that keep it."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest

from edgenas.base.errors import InputError
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.imported import ImportedTable, PublishedValue, TableSource, write_imported
from edgenas.search.feasible import checked_graph
from edgenas.search.graph import edge_sums, layered_graph
from edgenas.search.lazy import capacity_values
from edgenas.search.problem import BudgetError, Cost, Limit, Problem
from edgenas.search.root_sum_square import RootSumSquare, root_sum_square, touching
from edgenas.search.solvers import brute_force, limited
from edgenas.search.table_cost import table_cost
from edgenas.search.trials import Trials
from edgenas.search.uncertainty import UNCERTAINTIES, counted
from tests.edgenas.test_validating import written
from tests.latency_tables.test_validation import SPACE, Device, validated
from tests.search.test_algorithms_conformance import ENTRIES
from tests.support.algorithm_conformance import Entry
from tests.support.search_toys import SPACES, BlockSumAccuracy, noise, plain_space, toy_cost

EXPECTED = Cost("ms", lambda block: 0.0 if block.kind == "skip" else 0.5 + noise(str(block)), 0.25)


def half_width(block: BlockSpec) -> float:
    """Unlike blocks by up to 20 %."""
    return 0.0 if block.kind == "skip" else EXPECTED.of(block) * 0.2 * noise(f"off {block}")


@pytest.mark.parametrize("toy", SPACES)
def test_a_tangent_never_falls_short_and_touches(toy: str) -> None:
    space = SPACES[toy]()
    graph = layered_graph(space, EXPECTED)
    networks = [space.architecture(graph.solution(p).choice) for p in brute_force.all_paths(graph).edges[::7].tolist()]
    for at in networks[::5]:
        square = sum(half_width(block) ** 2 for block in at.blocks)
        cost = touching(EXPECTED, half_width, square)
        assert isinstance(cost, RootSumSquare)
        for network in networks:
            tangent = Cost("ms", cost.of, cost.fixed).total(network)
            exact = sum(EXPECTED.of(b) for b in network.blocks) + 0.25
            exact += math.sqrt(sum(half_width(b) ** 2 for b in network.blocks))
            assert cost.total(network) == pytest.approx(exact)
            assert tangent >= exact * (1 - 1e-12)
            assert network is not at or tangent == pytest.approx(exact)
    assert touching(EXPECTED, lambda block: 0.0, 0.0) is EXPECTED


@pytest.mark.parametrize("toy", SPACES)
def test_what_the_tangent_gives_away_is_next_to_nothing(toy: str) -> None:
    """Against every network, at budgets over the whole range."""
    space = SPACES[toy]()
    values = capacity_values(space)
    graph = layered_graph(space, EXPECTED).with_values(values)
    paths = brute_force.all_paths(graph)
    squares = brute_force.sums(paths, edge_sums(space, lambda block: half_width(block) ** 2))
    exact = paths.costs + np.sqrt(squares)
    for share in (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0):
        budget = float(np.quantile(exact, share, method="higher")) * (1 + 1e-9)
        cost = root_sum_square(space, EXPECTED, half_width, budget, values)
        found = limited.solve(layered_graph(space, cost).with_values(values), budget)
        assert found is not None
        assert cost.total(space.architecture(found.choice)) <= budget
        assert found.value >= float(paths.values[exact <= max(0.999 * budget, exact.min())].max()) - 1e-9


@pytest.mark.parametrize(
    "entry", [e for e in ENTRIES if e.name in ("layernas", "mathnas", "hybrid", "random")], ids=str
)
def test_algorithms_keep_a_budget_that_is_no_sum(entry: Entry) -> None:
    space = plain_space()
    at = counted("rss", space, EXPECTED, lambda block: EXPECTED.of(block) + half_width(block))
    plain = sorted(EXPECTED.total(space.architecture((0, *c, 0))) for c in itertools.product(range(3), repeat=4))
    budget = plain[40]
    problem = Problem(space, at(budget), BlockSumAccuracy(seed=2), budget, limits=(Limit(toy_cost(), 60.0),))
    best = entry.run(problem, Trials(problem)).best
    network = space.architecture(best.choice)
    assert best.cost == problem.cost.total(network) <= budget
    assert best.cost > EXPECTED.total(network)
    with pytest.raises(BudgetError, match="smallest reachable"):
        checked_graph(Problem(space, at(plain[0]), problem.accuracy, plain[0]))


@pytest.mark.slow
def test_modes_of_a_measured_table(tmp_path: Path) -> None:
    """``upper`` is the sum of the ends of 90 % intervals, calibrated or not; ``rss`` lies between it and the mean."""
    table, held_out = validated(Device(scale=1.1, fixed_ms=0.2), chains=False)
    path = written(tmp_path / "t.jsonl", table, held_out)
    network = SPACE.architecture(SPACE.parse("2.2.1.2.2.1.2.2"))
    for unvalidated in (True, False):
        cost = {how: table_cost(SPACE, path, "min", unvalidated, uncertainty=how) for how in (*UNCERTAINTIES, None)}
        total = {how: costed.at(5.0).total(network) for how, costed in cost.items()}
        assert total["mean"] == cost["upper"].cost.total(network) < total["rss"] < total["upper"] == total[None]
        assert cost[None].uncertainty == "upper"
        if unvalidated:
            ends = [table.interval(b, "min", 0.9)[1] for b in network.blocks]
            assert total["upper"] == pytest.approx(sum(ends))
            squares = sum((high - table.ms(b, "min")) ** 2 for b, high in zip(network.blocks, ends, strict=True))
            assert total["rss"] == pytest.approx(total["mean"] + math.sqrt(squares))


def test_an_imported_table_has_a_mean_only(tmp_path: Path) -> None:
    space, path = plain_space(), tmp_path / "imported.jsonl"
    values = {block: PublishedValue(0.1 + noise(str(block))) for block in space.blocks()}
    write_imported(path, ImportedTable(TableSource("fbnet", "f.csv", "0" * 64, "pi"), values))
    assert table_cost(space, path, None, unvalidated=True).uncertainty == "mean"
    with pytest.raises(InputError, match=r"--uncertainty rss .*='rss'. needs a table measured here"):
        table_cost(space, path, None, unvalidated=True, uncertainty="rss")
    with pytest.raises(InputError, match="is not one of mean, upper, rss"):
        counted("sum", space, EXPECTED, half_width)
