"""Trials: nothing is paid for twice, limits hold, a killed search resumes to the same answer."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import pytest

from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.sealing import unsealed
from edgenas.search.algorithms.layernas import layernas
from edgenas.search.digests import network_digest
from edgenas.search.journal import TrialCache
from edgenas.search.problem import Candidate, Problem
from edgenas.search.spaces import space
from edgenas.search.trials import Trials, TrialsExhaustedError
from tests.conftest import ROOT
from tests.support.listeners import Recorder
from tests.support.search_toys import BlockSumAccuracy, ends_space, plain_space, toy_cost, toy_problem, widths_space

SAME = [(0, 0, 0, 5, 2, 0), (0, 0, 0, 5, 2, 0), (0, 0, 2, 5, 0, 0)]


def test_a_network_is_paid_for_once() -> None:
    accuracy = BlockSumAccuracy(jitter=1)
    problem = toy_problem(widths_space(), accuracy=accuracy)
    trials = Trials(problem)
    first = trials.rewards(SAME)
    assert first[0] == first[1] != first[2]
    assert trials.rewards(SAME[::-1]) == first[::-1]
    assert len(accuracy.asked) == len(trials) == 2
    assert [trial.newly_judged for trial in trials.log] == [True, True]


def test_two_names_of_one_chain_of_blocks_are_one_network() -> None:
    s = space("nas_bench_macro")
    accuracy = BlockSumAccuracy(jitter=1, score=True)
    trials = Trials(Problem(s, toy_cost(), accuracy, 1e9))
    one, other = s.parse("0.0.0.0.0.0.0.1"), s.parse("0.0.0.0.0.0.1.0")
    assert network_digest(s.architecture(one)) == network_digest(s.architecture(other))
    rewards = trials.rewards([one, other, s.parse("0.0.0.0.0.0.0.2")])
    assert rewards[0] == rewards[1] != rewards[2]
    assert len(accuracy.asked) == len(trials) == 2
    assert trials.log[0].choice == one


def test_rewards_do_not_depend_on_the_order_of_arrival() -> None:
    logs = []
    for backwards in (False, True):
        accuracy = BlockSumAccuracy(jitter=1, backwards=backwards)
        problem = toy_problem(plain_space(), accuracy=accuracy)
        recorder = Recorder()
        trials = Trials(problem, listener=recorder)
        result = layernas(problem, trials)
        assert sorted(recorder.details, key=lambda t: t.choice) == sorted(trials.log, key=lambda t: t.choice)
        assert recorder.counts == [(n, None) for n in range(1, len(trials.log) + 1)]
        assert recorder.notes[0] == f"{recorder.details[0].accuracy:.2f} %"
        logs.append((result.best, result.trials))
    assert logs[0] == logs[1]


def test_max_trials_is_the_number_of_distinct_networks_asked_for() -> None:
    accuracy = BlockSumAccuracy()
    problem = toy_problem(plain_space(), accuracy=accuracy)
    trials = Trials(problem, max_trials=3)
    rng = random.Random(0)
    choices = list(dict.fromkeys(problem.space.sample(rng) for _ in range(20)))[:5]
    with pytest.raises(TrialsExhaustedError):
        trials.rewards([choices[0], *choices])
    assert [trial.choice for trial in trials.log] == choices[:3]
    assert trials.exhausted and len(accuracy.asked) == 3
    assert trials.rewards(choices[:3]) == [trial.accuracy for trial in trials.log]
    with pytest.raises(InputError, match="max_trials 0 is below 1"):
        Trials(problem, max_trials=0)


def test_a_run_without_a_network_in_the_budget_says_so() -> None:
    problem = toy_problem(plain_space(), share=0.0)
    trials = Trials(problem, max_trials=2)
    trials.rewards([problem.space.parse("1.1.1.1"), problem.space.parse("2.2.2.2")])
    with pytest.raises(OutcomeError, match=r"mine judged 2 networks and none costs .* more than 2 trials"):
        trials.result("mine", {})


def test_runs_share_a_cache_and_count_their_own_trials() -> None:
    accuracy = BlockSumAccuracy(jitter=1)
    s = plain_space()
    cache = TrialCache(s, accuracy)
    for share in (0.5, 0.5, 0.4):
        problem = toy_problem(s, share, accuracy)
        trials = Trials(problem, cache)
        layernas(problem, trials)
        assert len(cache) == len(accuracy.asked) == len(set(accuracy.asked))
        if share == 0.5 and len(accuracy.asked) > len(trials):
            pytest.fail("a second run of the same problem paid again")
    assert any(not trial.newly_judged for trial in trials.log)
    other = toy_problem(s, 0.5, BlockSumAccuracy(seed=1))
    with pytest.raises(InputError, match="the problem is toy_plain judged by block-sum-0"):
        Trials(other, cache)


def test_the_journal_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    s, accuracy = ends_space(), BlockSumAccuracy(jitter=1)
    problem = toy_problem(s, accuracy=accuracy)
    with TrialCache(s, accuracy, path) as cache:
        first = layernas(problem, Trials(problem, cache))
    paid = len(accuracy.asked)
    header, *records = [unsealed(json.loads(line)) for line in path.read_text().splitlines()]
    assert header == {
        "format": "edgenas-trials",
        "version": 2,
        "space": "toy_ends",
        "in_size": 8,
        "c_in": s.c_in,
        "layers": json.loads(json.dumps([asdict(layer) for layer in s.layers])),
        "accuracy": accuracy.name,
        "score": False,
        "code": {"space": None, "accuracy": None},
    }
    assert len(records) == paid == len(first.trials)
    with path.open("ab") as file:
        file.write(b'{"network": "0.0')  # the machine was switched off here
    with TrialCache(s, accuracy, path) as cache:
        assert cache.dropped_bytes == 16
        again = layernas(problem, Trials(problem, cache))
    assert len(accuracy.asked) == paid
    assert again.best.accuracy == first.best.accuracy and again.best.choice == first.best.choice
    assert [t.accuracy for t in again.trials] == [t.accuracy for t in first.trials]


def test_the_journal_belongs_to_one_space_and_one_judge(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    s, accuracy = plain_space(), BlockSumAccuracy()
    problem = toy_problem(s, accuracy=accuracy)
    with TrialCache(s, accuracy, path) as cache:
        Trials(problem, cache).rewards([(0, 0, 0, 0, 0, 0)])
        with pytest.raises(InputError, match="another process is writing it"):
            TrialCache(s, accuracy, path)
    with pytest.raises(
        InputError, match=r"holds trials of space 'toy_plain', this search has 'toy_ends'.*another journal"
    ):
        TrialCache(ends_space(), accuracy, path)
    with pytest.raises(
        InputError, match=r"holds trials of accuracy 'block-sum-0\.0-0', this search has 'block-sum-0\.0-7'"
    ):
        TrialCache(s, BlockSumAccuracy(seed=7), path)


class Broken(BlockSumAccuracy):
    """A judge that answers wrongly."""

    def __init__(self, answers: list[tuple[int, object]]) -> None:
        super().__init__()
        self.answers = answers

    def evaluate(self, candidates: Sequence[Candidate]) -> Iterator[tuple[int, float]]:
        yield from self.answers  # type: ignore[misc]


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([(0, float("nan"))], "which is not a finite number"),
        ([(0, "90")], "which is not a finite number"),
        ([(0, True)], "which is not a finite number"),
        ([(0, 10**400)], "which is not a finite number"),
        ([(0, 100.5)], "as 100.5, which is not a percentage within 0..100"),
        ([(0, 1.0), (0, 1.0)], "candidate 0 twice"),
        ([(5, 1.0)], "candidate 5 twice or unrequested"),
        ([(1, 1.0)], "left 1 of 2 unjudged, such as toy_plain/0.0.0.0"),
    ],
)
def test_a_judge_that_answers_wrongly_is_named(answers: list[tuple[int, object]], message: str) -> None:
    problem = toy_problem(plain_space(), accuracy=Broken(answers))
    with pytest.raises(OutcomeError, match=message):
        Trials(problem).rewards([(0, 0, 0, 0, 0, 0), (0, 0, 0, 0, 1, 0)])


SCRIPT = """
import sys, time
from pathlib import Path
from edgenas.search.journal import TrialCache
from edgenas.search.algorithms.layernas import layernas
from edgenas.search.trials import Trials
from tests.support.search_toys import BlockSumAccuracy, toy_problem, widths_space

class Slow(BlockSumAccuracy):
    def evaluate(self, candidates):
        for index, accuracy in super().evaluate(candidates):
            with open(sys.argv[2], "a") as calls:
                calls.write(self.asked[-1] + "\\n")
            time.sleep(float(sys.argv[3]))
            yield index, accuracy

s, accuracy = widths_space(), Slow(jitter=1)
problem = toy_problem(s, accuracy=accuracy)
with TrialCache(s, accuracy, Path(sys.argv[1])) as cache:
    result = layernas(problem, Trials(problem, cache, max_trials=60))
print(result.best.choice, result.best.accuracy, [(t.choice, t.accuracy) for t in result.trials])
"""


def test_a_search_killed_with_sigkill_resumes_to_the_same_answer(tmp_path: Path) -> None:
    journal, calls = tmp_path / "trials.jsonl", tmp_path / "calls"

    def command(path: Path, log: Path, sleep_s: float) -> list[str]:
        return [sys.executable, "-c", SCRIPT, str(path), str(log), str(sleep_s)]

    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command(journal, calls, 0.02), cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (calls.exists() and len(calls.read_text().splitlines()) >= 15):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=30) == -signal.SIGKILL

    before = calls.read_text().splitlines()
    known = len(journal.read_bytes().splitlines()) - 1
    assert 14 <= known <= len(before) < 60
    resumed = subprocess.run(
        command(journal, calls, 0), cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    after = calls.read_text().splitlines()[len(before) :]
    assert not set(after) & set(before[:known])  # what was on disk was not asked again
    assert known + len(after) == 60
    straight = subprocess.run(
        command(tmp_path / "other.jsonl", tmp_path / "others", 0),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert resumed.stdout == straight.stdout
