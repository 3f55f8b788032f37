"""A run that the limit on trials ended says so, and where."""

from __future__ import annotations

import pytest

from edgenas.search.algorithms.by_name import search
from edgenas.search.ending import CUT, FINISHED, cut_message, ending
from edgenas.search.journal import TrialCache
from edgenas.search.record import cut_messages, run_searches
from edgenas.search.trials import Trials
from tests.support.search_toys import plain_space, toy_problem


@pytest.mark.parametrize(
    ("algorithm", "most", "said"),
    [
        ("layernas", 12, f"{CUT}, in layer 4 of 6"),
        ("layernas", None, FINISHED),
        ("mathnas", 4, f"{CUT}, before its estimate was complete"),
        ("mathnas", None, FINISHED),
        ("hybrid", 12, CUT),
        ("random", None, FINISHED),
    ],
)
def test_where_a_run_ended(algorithm: str, most: int | None, said: str) -> None:
    problem = toy_problem(plain_space(), 0.6)
    result = search(algorithm, problem, Trials(problem, max_trials=most))
    assert ending(result.notes) == said
    message = cut_message(algorithm, result.notes, len(result.trials), "9 MACs")
    assert (message is None) == (said in (FINISHED, CUT))
    if message is not None:
        assert said.removeprefix(f"{CUT}, ") in message and "--max-trials" in message and "within 9 MACs" in message


def test_a_record_names_the_runs_that_were_cut() -> None:
    problem = toy_problem(plain_space(), 0.6)
    with TrialCache(problem.space, problem.accuracy) as cache:
        algorithms = {"layernas": {}, "random": {"samples": 5}}
        record = run_searches(lambda _: problem, [problem.budget], algorithms, cache, max_trials=9)
    (message,) = cut_messages(record)
    assert message.startswith("layernas within") and "after 9 networks" in message
