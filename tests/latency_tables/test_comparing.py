"""Two campaigns: one truth agrees, a change is found and named once."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edgenas.base.errors import InputError
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.comparison import Comparison, compare
from edgenas.latency_tables.records import Measurement
from edgenas.latency_tables.table import LatencyTable
from tests.latency_tables.test_journal import SETTING

COUNT = 30


def block(number: int) -> BlockSpec:
    return BlockSpec("conv", 8, number + 1, c_out=4)


def campaign(rng: np.random.Generator, truth_ms: list[float], processes: int = 3, rounds: int = 5) -> LatencyTable:
    """Blocks of those times, measured with what disturbs real ones: processes .3 % apart, rounds, noise, spikes."""
    found = []
    for number, ms in enumerate(truth_ms):
        for process in range(processes):
            shape = (rounds, 3)
            factor = rng.lognormal(0, 0.003) * np.exp(np.abs(rng.normal(0, 0.004, (rounds, 1))))
            times = ms * factor * np.exp(np.abs(rng.normal(0, 0.01, shape)))
            times *= 1 + (rng.random(shape) < 0.05) * rng.exponential(0.5, shape)
            samples = tuple(tuple(int(ns) for ns in row) for row in np.rint(times * 1e6))
            found.append(Measurement((block(number),), process, samples, 1, None, {}, {}))
    return LatencyTable(SETTING, tuple(found))


def truth(rng: np.random.Generator) -> list[float]:
    return [float(ms) for ms in rng.uniform(0.05, 5, COUNT)]


@pytest.mark.slow
@pytest.mark.parametrize("statistic", ["min", "median", "p90"])
def test_two_campaigns_from_one_truth_agree(statistic: str) -> None:
    rng = np.random.default_rng(1)
    agree = 0
    for _ in range(40):
        ms = truth(rng)
        agree += compare(campaign(rng, ms), campaign(rng, ms), statistic).agree
    assert agree >= 38


@pytest.mark.slow
@pytest.mark.parametrize("factor", [0.92, 0.95, 1.05, 1.1])
def test_one_block_that_changed_is_named_alone(factor: float) -> None:
    """In nearly all pairs of campaigns: that another is named beside it by chance is what may happen, seldom."""
    alone = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        ms, number = truth(rng), seed * 3 % COUNT
        changed = [value * factor if i == number else value for i, value in enumerate(ms)]
        found = compare(campaign(rng, ms, 6), campaign(rng, changed, 6), "median")
        cell = found.cells[number]
        assert cell.off and not found.agree and not found.shifted
        assert cell.ratio == pytest.approx(factor, rel=0.02)
        assert cell.low is not None and cell.high is not None and cell.low < cell.ratio < cell.high
        alone += found.off == (cell,) and not found.scattered
        assert f"blocks off by themselves, most of all {block(number)}" in found.findings()[-1]
    assert alone >= 9


@pytest.mark.slow
@pytest.mark.parametrize("factor", [0.9, 0.96, 1.04, 1.2])
def test_a_table_that_is_faster_or_slower_as_a_whole_is_one_finding(factor: float) -> None:
    single = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        ms = truth(rng)
        found = compare(campaign(rng, ms), campaign(rng, [value * factor for value in ms]))
        assert found.shifted and not found.agree
        assert found.low < factor * 1.003 and found.high > factor / 1.003
        assert ("faster" if factor < 1 else "slower") in found.findings()[0]
        single += len(found.findings()) == 1
    assert single >= 9


def test_blocks_that_scatter_more_than_their_intervals_say() -> None:
    rng = np.random.default_rng(3)
    ms = truth(rng)
    moved = [value * math.exp(rng.normal(0, 0.02)) for value in ms]
    found = compare(campaign(rng, ms), campaign(rng, moved))
    assert found.scattered and found.outside > 5 and not found.agree
    assert any("outside their intervals" in told for told in found.findings())


def test_a_table_agrees_with_itself() -> None:
    table = campaign(np.random.default_rng(0), [1.0, 2.0])
    found = compare(table, table)
    assert found.agree and found.findings() == []
    assert (found.factor, found.low, found.high, found.outside, found.judged) == (1, 1, 1, 0, 2)
    assert all(cell.probability == 1 and not cell.off for cell in found.cells)


def test_turned_round_every_ratio_is_its_inverse() -> None:
    rng = np.random.default_rng(5)
    ms = truth(rng)
    first, second = campaign(rng, ms), campaign(rng, [value * (1.3 if i == 3 else 1) for i, value in enumerate(ms)])
    one, other = compare(first, second), compare(second, first)
    assert other.factor == pytest.approx(1 / one.factor) and other.low == pytest.approx(1 / one.high)
    assert [c.off for c in one.cells] == [c.off for c in other.cells]
    assert [c.ratio for c in one.cells] == pytest.approx([1 / c.ratio for c in other.cells])


def test_blocks_of_one_table_only_are_listed_and_none_in_common_is_refused() -> None:
    rng = np.random.default_rng(0)
    table = campaign(rng, [1.0, 2.0, 3.0])
    head = LatencyTable(SETTING, tuple(m for m in table.measurements if m.piece != (block(2),)))
    tail = LatencyTable(SETTING, tuple(m for m in table.measurements if m.piece == (block(2),)))
    found: Comparison = compare(head, table)
    assert (len(found.cells), found.only_first, found.only_second) == (2, (), (block(2),))
    with pytest.raises(InputError, match="no block in common"):
        compare(head, tail)


def test_an_interval_without_width_judges_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (campaign(np.random.default_rng(seed), [1.0, 2.0, 3.0]) for seed in (0, 1))
    monkeypatch.setattr(LatencyTable, "interval", lambda self, block, statistic, confidence: (1.0, 1.0))
    found = compare(first, second)
    assert (found.judged, found.agree) == (0, True)
    assert all((c.low, c.high, c.probability) == (None, None, None) for c in found.cells)
