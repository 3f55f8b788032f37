"""The fit of a calibration: a scale that would be negative is held at 0, and the terms stay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear, nnls

from edgenas.latency_tables.calibration import TERMS, Floats, _left_out, _solve, _term_sets, fit


def case(seed: int, rows: int = 12) -> tuple[Floats, Floats]:
    """Networks whose time has little to do with their sums of ms: a fitted scale is as often below 0 as above."""
    rng = np.random.default_rng(seed)
    x = np.column_stack([rng.uniform(1, 2, rows), np.ones(rows), *rng.uniform(0.5, 2, (3, rows))])
    return x, 2 * x[:, 2] + 3 * x[:, 3] + rng.normal(0, 0.3, rows) - rng.uniform(-0.5, 0.5) * x[:, 0]


def reference(x: Floats, y: Floats, terms: tuple[int, ...]) -> Floats:
    a = x[:, [0, *(1 + t for t in terms)]] / y[:, None]
    low = np.array([0.0, *(-np.inf for _ in terms)])
    found = lsq_linear(a, np.ones(len(a)), bounds=(low, np.inf), method="bvls", tol=1e-14)
    return np.asarray(found.x)


@given(st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_it_is_bounded_least_squares_with_every_network_left_out_in_turn(seed: int) -> None:
    x, y = case(seed)
    for terms in _term_sets():
        solved, errors = _solve(x, y, terms), _left_out(x, y, terms)
        assert solved is not None and errors is not None
        assert solved == pytest.approx(reference(x, y, terms), abs=1e-6)
        for i in range(len(y)):
            others = np.arange(len(y)) != i
            row = x[i, [0, *(1 + t for t in terms)]]
            predicted = float(row @ reference(x[others], y[others], terms))
            assert errors[i] == pytest.approx(abs(predicted / y[i] - 1), abs=1e-6)


def test_non_negative_least_squares_agrees_where_all_terms_are_positive() -> None:
    agreed = 0
    for seed in range(40):
        x, y = case(seed)
        solved = _solve(x, y, (1, 2))
        assert solved is not None
        if (solved[1:] > 0).all():
            agreed += 1
            assert solved == pytest.approx(nnls(x[:, [0, 2, 3]] / y[:, None], np.ones(len(y)))[0], abs=1e-9)
    assert agreed > 20


def test_more_networks_do_not_throw_terms_away() -> None:
    """A table whose times say nothing beside elements and weights: a few networks fit a scale just above 0, and more
    networks one just below. The terms that predict the networks stay all the same."""
    held = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x = np.column_stack([rng.uniform(1, 2, 40), np.ones(40), *rng.uniform(0.5, 2, (3, 40))])
        y = (2 * x[:, 3] + 3 * x[:, 4]) * np.exp(0.01 * rng.normal(size=40))
        found = fit(x, y)
        coefficients = np.array([found.scale, *(getattr(found, name) for name in TERMS)])
        assert np.abs(x @ coefficients / y - 1).mean() < 0.02
        assert found.scale >= 0
        held += found.scale == 0
    assert held > 5
