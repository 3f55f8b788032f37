"""Lazy profiling: what it finds, what it spares, and that it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from edgenas.base.errors import InputError, OutcomeError
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.prediction.terms import work_amounts
from edgenas.search.graph import edge_sums, layered_graph
from edgenas.search.lazy import LazyProfile, capacity_values, judged_values, lazily, sample, touched
from edgenas.search.problem import BudgetError, Cost
from edgenas.search.solvers.pareto_dp import ParetoFront, pareto_front
from edgenas.search.space import Space
from edgenas.search.spaces import space
from tests.support.listeners import Recorder
from tests.support.predicted_toys import Known, law_ms
from tests.support.search_toys import BlockSumAccuracy, ends_space, plain_space

OFF = 0.1  #: how far blocks are off the law, which no prediction can know
SMALL = space("mobilenet_v3_small", 96)


class Device:
    """Measures by the law, and remembers what it was asked for."""

    def __init__(self, broken: Sequence[BlockSpec] = (), patience: int = 10**9) -> None:
        self.table, self.broken, self.patience = Known(), broken, patience

    def measure(self, blocks: Sequence[BlockSpec]) -> Known:
        for block in blocks:
            if block not in self.table.of and block not in self.broken:
                if len(self.table.of) >= self.patience:
                    raise KeyboardInterrupt
                self.table = Known({**self.table.of, block: law_ms(block, OFF)})
        return self.table


def full_front(chosen: Space) -> ParetoFront:
    cost = Cost("ms", lambda block: 0.0 if block.kind == "skip" else law_ms(block, OFF))
    return pareto_front(layered_graph(chosen, cost).with_values(capacity_values(chosen)))


def largest_gap(found: ParetoFront, best: ParetoFront) -> float:
    """Value lost at equal budget, as a share of the range."""
    lost = [
        value - found.best(cost).value
        for cost, value in zip(best.costs, best.values, strict=True)  # type: ignore[union-attr]
        if cost >= found.costs[0]
    ]
    return float(max(lost) / (best.values[-1] - best.values[0]))


def run(chosen: Space, device: Device, **more: object) -> LazyProfile:
    return lazily(chosen, capacity_values(chosen), device.measure, **more)  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_front_is_that_of_the_full_table_for_fewer_measurements() -> None:
    device, recorder = Device(), Recorder()
    found = run(SMALL, device, listener=recorder)
    best = full_front(SMALL)
    assert len(found.table.blocks) < len(SMALL.blocks())
    assert set(touched(SMALL, found.front, ())) <= set(device.table.of), "of measured blocks alone"
    assert largest_gap(found.front, best) < 0.005
    assert recorder.messages == [str(each) for each in found.rounds]
    assert recorder.messages[0].startswith(f"round 1: {found.rounds[0].measured} blocks measured, the front of ")
    assert found.rounds[-1].lacking == 0
    assert found.failed == ()


@pytest.mark.slow
def test_one_budget_takes_fewer_than_the_front() -> None:
    best = full_front(SMALL)
    budget = float(best.costs[len(best) // 2])
    device, whole = Device(), Device()
    found = run(SMALL, device, budgets_ms=(budget,))
    run(SMALL, whole)
    (network,) = found.at((budget,))
    right = best.best(budget)
    assert right is not None
    assert network.cost <= budget
    assert network.value == pytest.approx(right.value, abs=0.005 * float(best.values[-1] - best.values[0]))
    assert len(device.table.of) < len(whole.table.of)
    with pytest.raises(BudgetError, match="smallest reachable"):
        run(SMALL, device, budgets_ms=(1e-6,))


@pytest.mark.slow
def test_stopped_at_any_moment_it_goes_on_and_measures_nothing_twice() -> None:
    whole = Device()
    expected = run(SMALL, whole)
    for patience in (0, 5, 40, len(whole.table.of) - 1):
        device = Device(patience=patience)
        with pytest.raises(KeyboardInterrupt):
            run(SMALL, device)
        assert len(device.table.of) == patience
        device.patience = 10**9
        found = run(SMALL, device)
        assert largest_gap(found.front, expected.front) < 0.005


def test_a_small_space_is_measured_whole() -> None:
    for chosen in (plain_space(), ends_space()):
        device = Device()
        found = run(chosen, device)
        assert set(device.table.of) == set(chosen.blocks())
        assert list(found.front.costs) == list(full_front(chosen).costs)
        assert found.rounds[-1].error is None
        assert len(found.at(())) == len(found.front)


def test_blocks_that_cannot_be_measured_are_in_no_network() -> None:
    chosen = plain_space()
    broken = [b for b in chosen.blocks() if b.kernel == 5][:1]
    found = run(chosen, Device(broken))
    assert found.failed == tuple(broken)
    assert broken[0] not in touched(chosen, found.front, ())
    stem = chosen.blocks()[0]
    with pytest.raises(OutcomeError, match="no network of toy_plain is left"):
        run(chosen, Device([stem]))


@pytest.mark.slow
def test_a_sample_has_some_of_everything() -> None:
    blocks = space("tunas_v3").blocks()
    first = sample(blocks)
    assert len(first) < 0.05 * len(blocks)
    assert len(set(first)) == len(first)
    assert {frozenset(work_amounts(b)) for b in first} == {frozenset(work_amounts(b)) for b in blocks}
    macs = sorted(b.macs for b in blocks)
    assert {macs[0], macs[-1]} <= {b.macs for b in first}
    assert sample(blocks[:1]) == blocks[:1]


def test_capacity_grows_with_everything_but_not_with_a_skip() -> None:
    chosen = ends_space()
    values = capacity_values(chosen)
    for edges, row in zip(chosen.edges, values, strict=True):
        for edge, value in zip(edges, row, strict=True):
            assert (value == 0) == (edge.block.kind == "skip")
    larger = BlockSpec.parse("ir-8x16-m32-o16-k3-s1-se8-relu-res")
    plain = BlockSpec.parse("ir-8x16-m32-o16-k3-s1-relu-res")
    assert larger.macs * larger.params > plain.macs * plain.params


def test_a_judge_says_what_blocks_are_worth(tmp_path: Path) -> None:
    chosen, judge = plain_space(), BlockSumAccuracy()
    journal = tmp_path / "trials.jsonl"
    values = judged_values(chosen, judge, journal)
    exact = edge_sums(chosen, judge.block_value)
    for row, right in zip(values, exact, strict=True):
        assert row - row.max() == pytest.approx(right - right.max(), abs=1e-6), "the judge is additive"
    asked = len(judge.asked)
    judged_values(chosen, judge, journal)
    assert len(judge.asked) == asked, "nothing is judged twice"


def test_a_table_of_another_statistic_is_refused() -> None:
    with pytest.raises(InputError, match="no min here"):
        run(plain_space(), Device(), statistic="min")
