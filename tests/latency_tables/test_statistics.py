"""Estimates from raw samples, and intervals that are as wide as repetitions of a campaign are apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edgenas.base.errors import InputError
from edgenas.latency_tables.statistics import estimates
from edgenas.latency_tables.statistics.agreement import agreement
from edgenas.latency_tables.statistics.estimates import Times
from tools.bench.coverage import covered
from tools.bench.noise import LEVELS, Level

NAMES = list(estimates.STATISTICS)
samples = st.lists(st.floats(0.01, 100), min_size=1, max_size=12).map(lambda v: np.array(v))
campaigns = st.lists(st.lists(samples, min_size=1, max_size=5), min_size=1, max_size=4)


def alike(processes: int, rounds: int = 10) -> list[list[Times]]:
    """Every sample 2 ms."""
    return [[np.full(8, 2.0)] * rounds] * processes


@given(samples)
def test_estimates_are_numpys(times: Times) -> None:
    assert estimates.estimate([[times]], "min") == times.min()
    assert estimates.estimate([[times]], "median") == pytest.approx(np.median(times))
    expected = np.sort(times)[int(np.ceil(len(times) * 9 / 10)) - 1]
    assert estimates.estimate([[times]], "p90") == expected


@given(campaigns, st.sampled_from(NAMES))
def test_an_interval_is_about_the_estimate_and_the_same_each_time(found: list[list[Times]], name: str) -> None:
    low, high = estimates.interval(found, name)
    assert 0 < low < estimates.estimate(found, name) < high
    assert (low, high) == estimates.interval(found, name)
    half = (high - low) / 2 / estimates.estimate(found, name)
    assert estimates.relative_half_width(found, name) == pytest.approx(half)


@given(campaigns, st.sampled_from(NAMES), st.floats(0.1, 10))
@example([[np.array([1.0]), np.array([np.nextafter(0.01, 1)])], *[[np.array([0.01])]] * 3], "min", 3.0)
def test_an_interval_scales_with_its_times(found: list[list[Times]], name: str, factor: float) -> None:
    scaled = [[times * factor for times in rounds] for rounds in found]
    expected = [ms * factor for ms in estimates.interval(found, name)]
    assert estimates.interval(scaled, name) == pytest.approx(expected)


@pytest.mark.parametrize("name", NAMES)
def test_more_processes_and_less_confidence_make_it_narrower(name: str) -> None:
    widths = [estimates.relative_half_width(alike(count), name) for count in range(1, 11)]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 0.05, "one process says nothing of the next"
    assert widths[2] < 0.013, "three that agree are enough for 2 %"
    by_confidence = [estimates.relative_half_width(alike(3), name, c) for c in (0.5, 0.8, 0.95, 0.99)]
    assert by_confidence == sorted(by_confidence)


def test_settled_needs_three_processes_that_agree() -> None:
    assert estimates.settled(alike(3), "min")
    assert not estimates.settled(alike(2), "min", target=1.0)
    assert not estimates.settled(alike(3), "min", target=0.005)
    apart = [[times * factor for times in rounds] for rounds, factor in zip(alike(3), (1.0, 1.03, 1.06), strict=True)]
    assert not any(estimates.settled(apart, name) for name in NAMES)


def test_a_process_that_was_slow_throughout_does_not_widen_the_minimum_of_many() -> None:
    found = [*alike(5), [times * 1.5 for times in alike(1)[0]]]
    assert estimates.settled(found, "min")
    assert not estimates.settled(found, "p90")


def test_names_and_confidence_are_checked() -> None:
    with pytest.raises(InputError, match=r"confidence 1\.5"):
        estimates.interval(alike(1), "min", confidence=1.5)
    with pytest.raises(InputError, match="statistic 'mean' is not one of min, median, p90"):
        estimates.interval(alike(1), "mean")


def test_the_constants_of_order_statistics_are_those_of_the_tables() -> None:
    # Harter and Balakrishnan, CRC Handbook of Tables for the Use of Order Statistics: variances of the smallest of n
    for count, variance in ((1, 1.0), (2, 0.68169), (3, 0.55947), (5, 0.44753), (10, 0.34434)):
        assert estimates._sd_of_smallest(count) ** 2 == pytest.approx(variance, abs=2e-5)
    assert estimates._t_quantile(2, 0.95) == pytest.approx(4.3027, abs=1e-4)


def test_agreement_is_of_errors_as_shares_of_the_measured_times() -> None:
    measured = np.array([1.0, 2.0, 4.0, 10.0])
    found = agreement(measured * [1.04, 0.92, 1.2, 1.0], measured)
    assert found.networks == 4
    assert found.mape == pytest.approx((0.04 + 0.08 + 0.2) / 4)
    assert (found.within_5, found.within_10) == (0.5, 0.75)
    assert found.rmse_ms == pytest.approx(((0.04**2 + 0.16**2 + 0.8**2) / 4) ** 0.5)
    assert found.spearman == pytest.approx((1.0, 1.0, 1.0)) and found.kendall == pytest.approx((1.0, 1.0, 1.0))
    other = agreement(np.array([1.0, 4.0, 2.0, 10.0]), measured)
    assert (other.spearman[0], other.kendall[0]) == (pytest.approx(0.8), pytest.approx(2 / 3))
    assert other.spearman[1] < 0.8 < other.spearman[2]


#: half-widths of 95 % intervals that were found, in percent: of 3, 5 and 10 processes, and of those that settled
HALF_WIDTHS_PCT = {
    ("quiet", "min"): (1.20, 0.82, 0.51, 1.14),
    ("quiet", "median"): (0.95, 0.58, 0.36, 0.91),
    ("quiet", "p90"): (5.64, 4.24, 3.41, 1.88),
    ("laptop", "min"): (2.86, 1.65, 1.02, 1.56),
    ("laptop", "median"): (3.01, 1.67, 0.97, 1.56),
    ("laptop", "p90"): (9.96, 7.94, 6.50, 1.84),
    ("server", "min"): (5.28, 3.04, 1.98, 1.73),
    ("server", "median"): (6.71, 3.67, 1.78, 1.73),
    ("server", "p90"): (19.96, 15.08, 12.18, 1.80),
}
#: campaigns that settled within 10 processes, and how many processes they took on average
SETTLED = {
    ("quiet", "min"): (1.0, 3.01),
    ("quiet", "median"): (1.0, 3.03),
    ("quiet", "p90"): (0.077, 9.77),
    ("laptop", "min"): (0.99, 4.15),
    ("laptop", "median"): (0.993, 4.18),
    ("laptop", "p90"): (0.01, 9.95),
    ("server", "min"): (0.887, 6.21),
    ("server", "median"): (0.757, 6.61),
    ("server", "p90"): (0.003, 9.98),
}


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name)
@pytest.mark.parametrize("name", NAMES)
def test_intervals_cover_the_truth_with_and_without_stopping(level: Level, name: str) -> None:
    """As often as promised, and no wider than they were found to be: half-widths within 5 %, processes within 2 %."""
    count = 300
    error = (0.93 * 0.07 / count) ** 0.5
    rows = covered(level, name, count, seed=7)
    for row in rows:
        assert row["coverage"] >= 0.93 - 2 * error, row
    expected = HALF_WIDTHS_PCT[level.name, name]
    assert [row["half_width_pct"] for row in rows] == pytest.approx(expected, rel=0.05)
    settled, processes = SETTLED[level.name, name]
    assert rows[-1]["settled"] == pytest.approx(settled, abs=0.01)
    assert rows[-1]["mean_processes"] == pytest.approx(processes, rel=0.02)
