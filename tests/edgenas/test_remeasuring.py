"""Solve, measure again, solve: until the winner stays; and what is measured again is only what was asked for."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.store.journal import read_table
from edgenas.profiler.goals import Known
from edgenas.profiler.plan import Plan
from edgenas.profiler.remeasure_goal import RemeasureGoal
from edgenas.search.journal import TrialCache
from edgenas.search.problem import Cost, Problem
from edgenas.search.record import SearchRecord, run_searches
from edgenas.search.uncertainty import Uncertainty, counted
from edgenas.tables.remeasure import WITHIN, until_kept
from tests.edgenas.test_cli import edgenas
from tests.edgenas.test_cli import folder as folder
from tests.latency_tables.test_comparing import block, campaign
from tests.support.listeners import Recorder
from tests.support.search_toys import BlockSumAccuracy, noise, plain_space
from tools.bench.budget_kept import Ended, main, summed

SPACE = plain_space()
TRUTH = {block: 1 + noise(str(block)) for block in SPACE.blocks()}
CHOICES = [(0, *options, 0) for options in itertools.product(range(3), repeat=4)]
BUDGET = sorted(sum(TRUTH[b] for b in SPACE.architecture(choice).blocks) for choice in CHOICES)[40]  # many just above


class Noisy:
    """A device that is off by 4 % a measurement, and a table that pools what it measured."""

    def __init__(self, seed: int, how: Uncertainty) -> None:
        self.rng, self.how = np.random.default_rng(seed), how
        self.measured: dict[BlockSpec, list[float]] = {block: [] for block in TRUTH}
        self.accuracy = BlockSumAccuracy()
        self.cache = TrialCache(SPACE, self.accuracy)
        self.measure(list(TRUTH))

    def measure(self, blocks: Sequence[BlockSpec]) -> None:
        for each in blocks:
            self.measured[each].append(TRUTH[each] * (1 + 0.04 * self.rng.standard_normal()))

    def ms(self, block: BlockSpec) -> float:
        return float(np.mean(self.measured[block]))

    def upper(self, block: BlockSpec) -> float:
        return self.ms(block) * (1 + 0.0658 / len(self.measured[block]) ** 0.5)

    def solve(self) -> SearchRecord:
        mean = Cost("ms", self.ms)
        at = counted(self.how, SPACE, mean, self.upper)
        options = {"mathnas": {"power": 0.0}}
        return run_searches(
            lambda budget: Problem(SPACE, at(budget), self.accuracy, budget), [BUDGET], options, self.cache, cost=mean
        )


@pytest.mark.slow
def test_the_loop_ends_when_the_winner_stays_and_is_known() -> None:
    over, plain = 0, 0
    for seed in range(8):
        device, recorder = Noisy(seed, "rss"), Recorder()
        ended = until_kept(device.solve, device.measure, 60, recorder)
        best = ended.record.runs[0].result.best
        network = SPACE.architecture(best.choice)
        assert ended.settled and len(recorder.messages) == len(ended.rounds) and ended.rounds[-1].kept == 1
        assert "ms; 1 of 1 stayed since their blocks were measured again" in recorder.messages[-1]
        assert all(len(device.measured[b]) > 1 for b in network.blocks)
        assert best.cost - ended.record.cost.total(network) <= WITHIN * BUDGET
        assert best.cost <= BUDGET
        over += sum(TRUTH[b] for b in network.blocks) > 1.01 * BUDGET
        first = Noisy(seed, "mean").solve().runs[0].result.best
        plain += sum(TRUTH[b] for b in SPACE.architecture(first.choice).blocks) > BUDGET
    assert over == 0 < plain


def test_the_loop_gives_up_and_says_so() -> None:
    device = Noisy(0, "rss")
    ended = until_kept(device.solve, device.measure, 1)
    assert (ended.settled, len(ended.rounds)) == (False, 2)
    assert sum(map(len, device.measured.values())) == len(TRUTH) + ended.rounds[0].blocks


def test_again_asks_for_so_many_more_processes() -> None:
    table = campaign(np.random.default_rng(0), [1.0, 2.0, 3.0, 4.0, 5.0])
    goal = RemeasureGoal.of(table, [block(1), block(3)], 2)
    _, items = goal.next(Known(table, ()), Plan(), ())
    assert [(item.process, [piece[0] for piece in item.pieces]) for item in items] == [
        (3, [block(1), block(3)]),
        (4, [block(1), block(3)]),
    ]
    _, fewer = goal.next(Known(table, ()), Plan(), [(block(3),)])
    assert [[piece[0] for piece in item.pieces] for item in fewer] == [[block(1)], [block(1)]]


@pytest.mark.slow
def test_a_search_measures_its_winner_again(folder: Path) -> None:
    table = folder / "local-litert.jsonl"
    before = {b: len(read_table(table).processes(b)) for b in read_table(table).blocks}
    args = ("search", "nas_bench_macro", "--in-size", "8", "--table", table.name, "--unvalidated",
            "--algorithm", "mathnas", "--accuracy", "judge:by_macs", "--budget-ms", "1000", "--remeasure", "local",
            "--remeasure-rounds", "1", "--force", "-o", "again.json")  # fmt: skip
    told = edgenas(*args, cwd=folder)
    assert "round 0: the winners are predicted to take" in told.stderr
    record = json.loads((folder / "again.json").read_text())
    assert record["uncertainty"] == "rss"
    assert (record["remeasured"]["device"], len(record["remeasured"]["rounds"])) == ("local", 2)
    winner = {BlockSpec.parse(text) for text in record["winner"]["network"]["blocks"]}
    after = read_table(table)
    for each, count in before.items():
        new = {m.process for m in after.measurements if m.piece == (each,) and m.purpose == "table"}
        assert len(new) >= count + (3 if each in winner else 0)
        assert each in winner or len(after.processes(each)) == count


@pytest.mark.slow
def test_the_simulation_counts(capsys: pytest.CaptureFixture[str], shared_data: Path) -> None:
    row = summed("m", [Ended(0.02, 0.01, 1, 5), Ended(0.005, 0.0), Ended(-0.1, 0.02), Ended(0.0, -0.01)])
    assert (row.overruns, row.overrun_at_all, row.lost, row.rounds) == (25, 50, pytest.approx(0.5), 0.25)
    main(["--table", str(shared_data / "fbnet" / "fbnet_lut_recovered.csv"), "--campaigns", "2", "--json"])
    modes = json.loads(capsys.readouterr().out)["modes"]
    assert [mode["mode"] for mode in modes] == ["mean", "upper", "rss", "loop"]
    assert modes[1]["overruns"] == 0 < modes[1]["lost"]
