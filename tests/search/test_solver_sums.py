"""Sums of two fronts: what is left out before sums are compared is dominated, ties are kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgenas.search.cost import macs_cost
from edgenas.search.graph import Floats, layered_graph
from edgenas.search.lazy import capacity_values
from edgenas.search.solvers import pareto_dp, sums
from edgenas.search.solvers.completions import completions
from edgenas.search.spaces import space


def drawn(rng: np.random.Generator, whole: bool) -> tuple[Floats, Floats, Floats, Floats]:
    """Edges in any order and labels of a front; whole numbers, so that ties occur, or not."""
    edges, labels = int(rng.integers(1, 40)), int(rng.integers(1, 60))
    numbers = rng.integers(0, 25, (2, edges)).astype(float) if whole else rng.random((2, edges))
    cost, value = rng.integers(0, 60, (2, labels)).astype(float) if whole else rng.random((2, labels))
    kept = sums.front(cost, value)
    return numbers[0], numbers[1], cost[kept], value[kept]


@given(st.integers(0, 10**6), st.booleans(), st.integers(1, 9))
@settings(max_examples=150, deadline=None)
def test_the_front_of_the_pairs_is_that_of_all_sums(seed: int, whole: bool, run: int) -> None:
    edge_cost, edge_value, cost, value = drawn(np.random.default_rng(seed), whole)

    def front(few: int) -> list[tuple[int, int]]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sums, "FEW", few)
            patch.setattr(sums, "RUN", run)
            edge, label = sums.pairs(edge_cost, edge_value, cost, value)
        kept = sums.front(edge_cost[edge] + cost[label], edge_value[edge] + value[label])
        return list(zip(edge[kept].tolist(), label[kept].tolist(), strict=True))

    assert front(0) == front(10**9)


def test_most_sums_of_long_layers_are_left_out() -> None:
    rng = np.random.default_rng(0)
    cost = np.sort(rng.random(2000))
    edge_cost = rng.random(300)
    edge, label = sums.pairs(edge_cost, np.sqrt(edge_cost), cost, np.sqrt(cost))
    assert len(edge) == len(label) < 300 * 2000 / 3


def test_endings_need_no_dominated_option() -> None:
    """The endings of a space of whole stages, and those of its layers, give equal networks."""
    found = []
    for name in ("mathnas_mobilenet_v3", "ofa_mobilenet_v3"):
        s = space(name)
        graph = layered_graph(s, macs_cost()).with_values(capacity_values(s))
        ends = completions(graph, 1.5e8)
        found.append(ends.endings[0][0])
        front = pareto_dp.pareto_front(graph, 1.5e8)
        np.testing.assert_allclose(found[-1].cost, front.costs, rtol=1e-12)
    np.testing.assert_allclose(found[0].cost, found[1].cost, rtol=1e-12)
