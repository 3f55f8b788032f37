"""The ridge: leave-one-out in closed form is what leaving one out gives, and nothing about the link is set by hand."""

from __future__ import annotations

import numpy as np
import pytest

from edgenas.search.algorithms.ridge import OptionFeatures, fit_ridge
from edgenas.search.graph import layered_graph
from tests.support.search_toys import SPACES, toy_cost


def data(seed: int, n: int = 30, ceiling: float = 80.0, noise: float = 0.0) -> tuple[np.ndarray, list[float]]:
    rng = np.random.default_rng(seed)
    rows = (rng.random((n, 6)) < 0.5).astype(float)
    values = rows @ rng.normal(0, 0.5, 6) - 2 + rng.normal(0, noise, n)
    return rows, (ceiling - np.exp(-values)).tolist()


@pytest.mark.parametrize("seed", range(4))
def test_left_out_is_what_the_others_predict(seed: int) -> None:
    rows, accuracies = data(seed, noise=0.2)
    ridge = fit_ridge(rows, accuracies)
    for out in (0, 7, 29):
        others = np.arange(30) != out
        x, y = rows[others], -np.log(ridge.ceiling - np.array(accuracies)[others])
        centred = x - x.mean(axis=0)
        weights = np.linalg.solve(centred.T @ centred + ridge.penalty * np.eye(6), centred.T @ (y - y.mean()))
        predicted = y.mean() + (rows[out] - x.mean(axis=0)) @ weights
        assert ridge.left_out[out] == pytest.approx(predicted, rel=1e-6)


def test_the_ceiling_is_found_where_accuracies_have_one() -> None:
    for seed in range(5):
        rows, accuracies = data(seed, n=60, noise=0.01)
        ridge = fit_ridge(rows, accuracies)
        spread = float(np.std(accuracies))
        assert abs(ridge.ceiling - 80) < spread and max(accuracies) < ridge.ceiling
        predicted = [ridge.accuracy(float(row @ ridge.weights) + ridge.intercept) for row in rows]
        assert np.corrcoef(predicted, accuracies)[0, 1] > 0.99


@pytest.mark.parametrize("accuracies", [[50.0], [50.0, 50.0, 50.0], [99.9999, 40.0, 70.0], [100.0, 40.0, 70.0]])
def test_few_or_equal_or_perfect_accuracies_leave_numbers_finite(accuracies: list[float]) -> None:
    ridge = fit_ridge(np.eye(4)[: len(accuracies)], accuracies)
    for number in (*ridge.weights, ridge.intercept, ridge.ceiling, ridge.error, *ridge.left_out):
        assert np.isfinite(number)
    assert ridge.ceiling > max(accuracies)


@pytest.mark.parametrize("toy", SPACES)
def test_a_prediction_is_the_sum_of_what_its_edges_add(toy: str) -> None:
    import random

    s = SPACES[toy]()
    graph = layered_graph(s, toy_cost())
    features = OptionFeatures(s, graph)
    rng = random.Random(1)
    count = len(features.row(s.sample(rng)))
    assert count == sum(len(layer.options) for layer in s.layers if len(layer.options) > 1)
    weights = np.random.default_rng(0).normal(size=count)
    values = features.edge_values(weights)
    for _ in range(20):
        choice = s.sample(rng)
        total = sum(float(v[edge]) for v, edge in zip(values, graph.path(choice), strict=True))
        assert total == pytest.approx(float(features.row(choice) @ weights))
