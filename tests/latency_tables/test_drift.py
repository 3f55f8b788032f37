"""Sentinels tell which rounds were measured on a machine that was faster or slower than usual."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from edgenas.base.errors import InputError
from edgenas.latency_tables.statistics import drift
from edgenas.latency_tables.statistics.drift import SentinelBatch, SlowStretch, drifted
from edgenas.latency_tables.statistics.estimates import Times
from tools.bench.coverage import found, marks
from tools.bench.noise import LEVELS, ROUNDS, sentinels

QUIET, LAPTOP, _ = LEVELS


def seen(batches: int, change: Callable[[Times], None]) -> list[SlowStretch]:
    shift = np.zeros(batches * ROUNDS)
    change(shift)
    return drifted(sentinels(LAPTOP, np.random.default_rng(3), batches, 0.004, shift))


def test_nothing_is_marked_where_nothing_changed() -> None:
    assert drifted([]) == []
    for batches in (1, 2, 3, 20):
        assert seen(batches, lambda shift: None) == []


@pytest.mark.parametrize("share", [0.03, -0.03])
def test_a_step_inside_a_batch_marks_the_shorter_side(share: float) -> None:
    def late(shift: Times) -> None:
        shift[64:] = share

    stretches = seen(9, late)
    assert [(s.batch, s.first, s.last) for s in stretches] == [(6, 4, 9), (7, 0, 9), (8, 0, 9)]
    assert all(s.share == pytest.approx(share, abs=0.01) for s in stretches)


def test_of_two_equal_halves_the_faster_is_the_reference() -> None:
    def half(shift: Times) -> None:
        shift[:30] = 0.04

    assert [s.batch for s in seen(6, half)] == [0, 1, 2]


def test_an_excursion_comes_back() -> None:
    def middle(shift: Times) -> None:
        shift[33:47] = 0.03

    marked = marks(seen(10, middle), 10)
    assert marked[33:47].mean() > 0.9
    assert marked.sum() <= 16


def test_a_ramp_is_marked_where_it_is_well_off() -> None:
    def late(shift: Times) -> None:
        shift[120:160], shift[160:] = np.linspace(0, 0.05, 40), 0.05

    marked = marks(seen(20, late), 20)
    assert not marked[:120].any()
    assert marked[150:].all()


def test_a_single_batch_shows_what_changed_within_it() -> None:
    def late(shift: Times) -> None:
        shift[6:] = 0.05

    assert [(s.batch, s.first, s.last) for s in seen(1, late)] == [(0, 6, 9)]

    def second(shift: Times) -> None:
        shift[10:] = 0.05

    assert seen(2, second) == [], "either process may be the usual one"


def test_batches_may_differ_in_rounds_and_lack_a_sentinel() -> None:
    batches = sentinels(QUIET, np.random.default_rng(0), 6, 0.003)
    names = list(batches[0].sentinels)
    batches[2] = SentinelBatch("short", {name: rounds[:4] for name, rounds in batches[2].sentinels.items()})
    batches[4] = SentinelBatch("poor", {name: batches[4].sentinels[name] for name in names[1:]})
    assert drifted(batches) == []
    batches[5] = SentinelBatch("slow", {n: [t * 1.05 for t in rounds] for n, rounds in batches[5].sentinels.items()})
    assert [(s.batch, s.first, s.last) for s in drifted(batches)] == [("slow", 0, 9)]


def test_batches_without_a_common_sentinel_are_refused() -> None:
    times = [np.ones(8)] * 10
    with pytest.raises(InputError, match="the 2 batches from 'a' to 'b' have no sentinel in common"):
        drifted([SentinelBatch("a", {"x": times}), SentinelBatch("b", {"y": times})])


@pytest.mark.parametrize("batches", [3, 10, 40])
def test_an_alarm_is_one_of_all_pairs_of_boundaries(batches: int) -> None:
    """A step between batches counts from a gain of twice the logarithm of the pairs of boundaries over _ALARM."""
    noise = drift._Noise(np.repeat(np.arange(batches), ROUNDS), 1e-6, 1e-4)
    step = np.zeros(batches * ROUNDS)
    step[(batches // 2) * ROUNDS :] = 0.02
    gain, first, last = drift._strongest(step, noise)
    assert {first, last} & {batches // 2 * ROUNDS} and gain > 0
    limit = 2 * np.log(batches * (batches - 1) / 2 / drift._ALARM)
    for share, pieces in ((0.98, 1), (1.02, 2)):
        scaled = step * np.sqrt(share * limit / gain)  # the gain grows with the square of the step
        assert len(drift._segments(scaled, noise)) == pieces


def test_levels_within_half_of_what_counts_as_drift_are_one() -> None:
    """Two stretches that hardly differ outnumber one that is longer than each."""
    pieces = [(0, 30), (30, 70), (70, 90)]
    assert drift._reference(pieces, [0.0, 0.1, 0.0049]) == 0.0
    assert drift._reference(pieces, [0.0, 0.1, 0.0051]) == 0.1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("batches", "count", "alarms", "precision", "recall"),
    [(3, 100, 0.01, 0.983, 0.982), (10, 100, 0.0, 0.937, 0.921), (30, 40, 0.0, 0.981, 0.956)],
)
def test_drift_is_found_and_its_absence_too(
    batches: int, count: int, alarms: float, precision: float, recall: float
) -> None:
    """All drifts were found; the other shares are what was found, of this seed, less 0.01."""
    row = found(batches, count, seed=11)
    assert row["found"] == 1.0
    assert row["false_alarms"] <= alarms
    assert row["precision"] >= precision - 0.01
    assert row["recall"] >= recall - 0.01
