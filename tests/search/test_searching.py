"""Several budgets and algorithms in one command: what is shared, and that hybrid is one run for all budgets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgenas.base.errors import OutcomeError
from edgenas.base.listener import SILENT, Listener
from edgenas.runs.from_search import saved_search
from edgenas.runs.search import SEARCH
from edgenas.search.algorithms.hybrid import hybrid
from edgenas.search.journal import TrialCache
from edgenas.search.problem import Problem
from edgenas.search.record import SearchRecord, run_searches
from edgenas.search.trials import Trials
from tests.support.listeners import Recorder
from tests.support.search_toys import BlockSumAccuracy, toy_cost, toy_problem, widths_space

BUDGETS = tuple(toy_problem(widths_space(), share).budget for share in (0.6, 0.3, 0.8))


class Stops(BlockSumAccuracy):
    """Fails at its 20th training, as a killed process would."""

    def evaluate(self, candidates: Any) -> Any:
        for index, accuracy in super().evaluate(candidates):
            if len(self.asked) == 20:
                raise OutcomeError("stopped")
            yield index, accuracy


def searched(
    accuracy: BlockSumAccuracy, journal: Path | None = None, listener: Listener = SILENT, **algorithms: dict[str, Any]
) -> SearchRecord:
    cost = toy_cost()
    with TrialCache(widths_space(), accuracy, journal) as cache:
        return run_searches(
            lambda budget: Problem(widths_space(), cost, accuracy, budget),
            BUDGETS,
            algorithms or {"hybrid": {}},
            cache,
            listener=listener,
        )


def test_hybrid_searches_all_budgets_at_once() -> None:
    accuracy = BlockSumAccuracy(jitter=1)
    record = searched(accuracy)
    smallest = Problem(widths_space(), toy_cost(), accuracy, min(BUDGETS))
    alone = hybrid(smallest, Trials(smallest), budgets=BUDGETS)
    assert [run.budget for run in record.runs] == list(BUDGETS)
    points = {point["budget"]: point for point in alone.notes["front"]}
    for run in record.runs:
        assert [t.choice for t in run.result.trials] == [t.choice for t in alone.trials]
        point, fits = points[run.budget], [t for t in run.result.trials if t.cost <= run.budget]
        assert run.result.best.accuracy == max(t.accuracy for t in fits) == point["accuracy"]
        assert run.result.answer in fits
        assert run.result.predicted == point["predicted"]
    rows = json.loads(json.dumps(SEARCH.to_json(saved_search(record)), allow_nan=False))["runs"]
    assert [row["key"] for row in rows] == [points[b]["finalists"][0]["network"] for b in BUDGETS]
    assert [row["most_rewarded"]["accuracy"] for row in rows] == [points[b]["accuracy"] for b in BUDGETS]


def test_a_front_that_was_stopped_continues(tmp_path: Path) -> None:
    straight = searched(BlockSumAccuracy(jitter=1))
    path = tmp_path / "trials.jsonl"
    with pytest.raises(OutcomeError, match="stopped"):
        searched(Stops(jitter=1), path)
    again = BlockSumAccuracy(jitter=1)
    resumed = searched(again, path)
    judged = straight.runs[0].result.trials
    assert len(again.asked) == len(judged) - 19
    assert [run.result.answer.choice for run in resumed.runs] == [run.result.answer.choice for run in straight.runs]


def test_progress_names_algorithm_and_budget_and_counts_what_is_known() -> None:
    recorder = Recorder()
    searched(BlockSumAccuracy(), listener=recorder, layernas={})
    wanted = {f"networks judged, layernas at {budget:g} {toy_cost().unit}" for budget in BUDGETS}
    assert recorder.names[0] == f"networks judged, layernas at {BUDGETS[0]:g} {toy_cost().unit}"
    assert set(recorder.names) <= wanted
    assert recorder.counts == [(count + 1, None) for count in range(len(recorder.counts))]
    assert all(note.endswith(" %") for note in recorder.notes)


def test_other_algorithms_run_once_for_each_budget() -> None:
    record = searched(BlockSumAccuracy(), layernas={"buckets": 5}, hybrid={})
    assert [run.algorithm for run in record.runs] == ["layernas"] * 3 + ["hybrid"] * 3
    first, second = (run.result for run in record.runs[:2])
    assert [t.choice for t in first.trials] != [t.choice for t in second.trials]
