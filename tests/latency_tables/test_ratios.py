"""Ratios of two tables: Gaussian algebra against brute force, and the choice of the blocks to measure."""

from __future__ import annotations

import random

import numpy as np
import pytest

from edgenas.latency_tables.prediction.choice import NetworkVariance, chosen, counts_of, needed
from edgenas.latency_tables.prediction.ratio_kernel import SETTINGS, START, Features, Floats, shape_columns
from edgenas.latency_tables.prediction.ratios import Observations, posterior
from edgenas.search.spaces import space

SPACE = space("mobilenet_v3_small", in_size=96)
BLOCKS = SPACE.blocks()
PRIOR_MS = np.array([0.01 + block.macs / 1e7 for block in BLOCKS])
FEATURES = Features.of(BLOCKS, PRIOR_MS)
rng = random.Random(0)
NETWORKS = [SPACE.architecture(SPACE.sample(rng)).blocks for _ in range(60)]
COUNTS = counts_of(NETWORKS, BLOCKS)
EVERY = np.arange(len(BLOCKS))


def device(own: float = 0.05) -> Floats:
    """Times on another device: 2.5 times as long, more for large kernels, and a bit of each block's own."""
    noise = np.random.default_rng(1).normal(size=len(BLOCKS))
    kernel = np.array([0.1 * np.log(block.kernel) for block in BLOCKS])
    return np.asarray(PRIOR_MS * 2.5 * np.exp(kernel + own * noise))


def observed(index: list[int], ms: Floats) -> Observations:
    return Observations.of_blocks(np.array(index), len(BLOCKS), ms[index], np.full(len(index), 0.003))


def test_counts_leave_skips_out() -> None:
    assert COUNTS.sum(axis=1).tolist() == [sum(b.kind != "skip" for b in network) for network in NETWORKS]


def test_the_covariance_is_symmetric_and_its_diagonal_is_the_variance() -> None:
    for setting in (START, SETTINGS[0], SETTINGS[-1]):
        covariance = FEATURES.covariance(EVERY, EVERY, setting)
        assert np.allclose(covariance, covariance.T) and np.linalg.eigvalsh(covariance).min() > 0
        assert np.allclose(np.diag(covariance), FEATURES.variances(setting))


def test_features_that_do_not_differ_count_for_nothing() -> None:
    rows = np.array([shape_columns(block) for block in BLOCKS])
    same = Features.standardised(np.column_stack([rows, np.ones(len(rows))]), PRIOR_MS, FEATURES.kinds)
    assert np.allclose(same.rows, FEATURES.rows)


def test_few_blocks_give_the_ratios_of_all() -> None:
    true_ms, design = device(), NetworkVariance(FEATURES, COUNTS, PRIOR_MS)
    index = chosen(design, FEATURES.kinds, 20)
    found = posterior(FEATURES, PRIOR_MS, observed(index, true_ms))
    mean, sd = found.blocks()
    ms = PRIOR_MS * np.exp(mean)
    assert np.abs(ms[index] / true_ms[index] - 1).max() < 0.02 and sd[index].max() < 0.02
    others = np.setdiff1d(EVERY, index)
    assert np.abs(ms[others] / true_ms[others] - 1).mean() < 0.08
    log_ms, deviation = found.networks(COUNTS)
    errors = np.abs(log_ms - np.log(COUNTS @ true_ms))
    assert errors.mean() < 0.03 and np.mean(errors <= found.quantile(0.9) * deviation) >= 0.85


def test_an_error_left_out_is_that_of_a_fit_to_the_others() -> None:
    true_ms = device(0.2)
    every = observed([0, 5, 11, 30, 50, 71, 80, 81], true_ms)
    found = posterior(FEATURES, PRIOR_MS, every)
    refitted = posterior(FEATURES, PRIOR_MS, every.without(np.array([3])))
    predicted = np.log(PRIOR_MS[30]) + refitted.blocks()[0][30]
    assert found.left_out()[3] == pytest.approx(np.log(true_ms[30]) - predicted, abs=0.05)


def test_the_variance_of_a_design_is_the_posterior_one() -> None:
    design = NetworkVariance(FEATURES, COUNTS, PRIOR_MS)
    for block in (3, 40, 70):
        design.measure(block)
    covariance = FEATURES.covariance(EVERY, EVERY, START)
    index = np.array([3, 40, 70])
    noise = covariance[np.ix_(index, index)] + 1e-4 * np.eye(3)
    left = covariance - covariance[:, index] @ np.linalg.solve(noise, covariance[index])
    share = COUNTS * PRIOR_MS / (COUNTS @ PRIOR_MS)[:, None]
    assert np.allclose(design.variances, ((share @ left) * share).sum(axis=1))


def test_the_choice_covers_each_kind_and_beats_a_random_one() -> None:
    design = NetworkVariance(FEATURES, COUNTS, PRIOR_MS)
    index = chosen(design, FEATURES.kinds, 10)
    assert len(set(index)) == 10 and set(FEATURES.kinds[index[: len(set(FEATURES.kinds))]]) == set(FEATURES.kinds)
    assert chosen(NetworkVariance(FEATURES, COUNTS, PRIOR_MS), FEATURES.kinds, 15)[:10] == index
    for seed in range(5):
        other = NetworkVariance(FEATURES, COUNTS, PRIOR_MS)
        for block in np.random.default_rng(seed).permutation(len(BLOCKS))[:10]:
            other.measure(int(block))
        assert design.half_width < other.half_width
    assert len(chosen(NetworkVariance(FEATURES, COUNTS, PRIOR_MS), FEATURES.kinds, 1000)) == len(BLOCKS)


def test_the_number_of_blocks_that_is_needed() -> None:
    design = NetworkVariance(FEATURES, COUNTS, PRIOR_MS)
    count = needed(design, FEATURES.kinds, 0.05, len(BLOCKS))
    assert count is not None and 5 < count < 60 and design.half_width <= 0.05
    assert needed(NetworkVariance(FEATURES, COUNTS, PRIOR_MS), FEATURES.kinds, 0.05, 5) is None
