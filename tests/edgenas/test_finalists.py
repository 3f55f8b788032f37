"""Which judged networks are timed whole, in which order, and that a run that was stopped goes on with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from edgenas.blocks.architecture import Architecture
from edgenas.profiler.verdict import Verdict
from edgenas.search.accuracy.callable import CallableAccuracy
from edgenas.search.cost import macs_cost
from edgenas.search.journal import TrialCache
from edgenas.search.problem import Problem
from edgenas.search.record import SearchRecord, run_searches
from edgenas.search.spaces import space
from edgenas.ship.finalists import FINALISTS, find_finalists, kept_finalists
from tests.latency_tables.test_journal import SETTING
from tests.support.report_toys import by_macs

SPACE = space("nas_bench_macro", 16)
BUDGET = 10e6  #: MACs, which stand for milliseconds here


@pytest.fixture
def record(tmp_path: Path) -> SearchRecord:
    judge, cost = CallableAccuracy(by_macs, "by_macs"), macs_cost()
    with TrialCache(SPACE, judge, tmp_path / "trials.jsonl") as cache:
        return run_searches(
            lambda budget: Problem(SPACE, cost, judge, budget, 0), [BUDGET], {"random": {}}, cache, max_trials=60
        )


class Device:
    """Takes ``slower`` times as long as the sum says."""

    def __init__(self, slower: float) -> None:
        self.slower = slower
        self.timed: list[str] = []

    def __call__(self, networks: Mapping[str, Architecture]) -> list[Verdict]:
        self.timed += networks
        ms = [network.macs * self.slower for network in networks.values()]
        return [
            Verdict(key, "d", "litert", "min", m, m, m, m, m, BUDGET, None, m <= BUDGET, SETTING)
            for key, m in zip(networks, ms, strict=True)
        ]


def test_the_most_accurate_come_first(record: SearchRecord) -> None:
    device = Device(1.0)
    found = find_finalists(SPACE, record, BUDGET, device)
    judged = sorted((t.accuracy for t in record.runs[0].result.trials if t.cost <= BUDGET), reverse=True)
    assert [each.accuracy for each in found] == judged[:FINALISTS]
    assert all(each.verdict.within_budget for each in found)


def test_where_wholes_are_slower_than_sums_smaller_ones_are_tried(record: SearchRecord) -> None:
    device = Device(1.3)
    found = find_finalists(SPACE, record, BUDGET, device)
    assert FINALISTS < len(device.timed) == len(set(device.timed))
    assert any(each.verdict.within_budget for each in found)
    none = find_finalists(SPACE, record, BUDGET, Device(1e3))
    assert none and not any(each.verdict.within_budget for each in none)


def test_a_network_that_cannot_be_measured_is_no_finalist(record: SearchRecord) -> None:
    """As where a delegate computes other numbers than the CPU for one of them."""
    device = Device(1.0)
    whole = find_finalists(SPACE, record, BUDGET, device)
    found = find_finalists(SPACE, record, BUDGET, lambda networks: device(networks)[1:])
    assert found == whole[1:]


def test_a_run_that_was_stopped_goes_on_with_them(record: SearchRecord, tmp_path: Path) -> None:
    path, device = tmp_path / "finalists.json", Device(1.3)
    found = kept_finalists(path, SPACE, record, BUDGET, device)
    timed = len(device.timed)
    assert kept_finalists(path, SPACE, record, BUDGET, device) == found and len(device.timed) == timed
    kept_finalists(path, SPACE, record, BUDGET * 1.1, device)  # another budget
    assert len(device.timed) > timed
    timed = len(device.timed)
    for damage in ("", "{", '{"of": 1}', path.read_text().replace('"setting"', '"settings"')):
        path.write_text(damage)
        kept_finalists(path, SPACE, record, BUDGET, device)
        assert len(device.timed) > timed
        timed = len(device.timed)


def test_those_of_whom_none_fits_are_not_kept(record: SearchRecord, tmp_path: Path) -> None:
    device = Device(1e3)
    kept_finalists(tmp_path / "finalists.json", SPACE, record, BUDGET, device)
    assert not (tmp_path / "finalists.json").exists()
