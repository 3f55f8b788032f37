"""What every search algorithm promises: ``CHECKS``, each a function of an ``Entry`` and an empty folder; those about
several limits are in ``tests.support.algorithm_conformance_limits``.

``tests/search/test_algorithms_conformance.py`` runs them on every algorithm;
``test_algorithms_conformance_breaks.py`` shows that each can fail.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from edgenas.base.errors import OutcomeError
from edgenas.search.algorithms.by_name import search
from edgenas.search.graph import layered_graph
from edgenas.search.journal import TrialCache
from edgenas.search.problem import BudgetError, Candidate, Cost, Problem, Result
from edgenas.search.solvers import brute_force
from edgenas.search.space import Choice, Layer, Space
from edgenas.search.trials import Trials
from tests.support.search_toys import HEAD, SPACES, STEM, BlockSumAccuracy, plain_space


@dataclass(frozen=True)
class Entry:
    """An algorithm with options that keep its runs on toy spaces short.

    seeded        another seed asks for other networks
    optimum       options with which it finds the best of a small space where accuracy is additive; None where it does
                  not
    under_limits  more options that it takes for that under several limits at once
    """

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    seeded: bool = False
    optimum: dict[str, Any] | None = None
    under_limits: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return "-".join([self.name, *map(str, self.options.values())])

    def run(self, problem: Problem, trials: Trials | None = None) -> Result:
        return search(self.name, problem, Trials(problem) if trials is None else trials, **self.options)


class Flat(BlockSumAccuracy):
    """Every network is as good as any other."""

    def evaluate(self, candidates: Sequence[Candidate]) -> Iterator[tuple[int, float]]:
        return ((index, 50.0) for index, _ in super().evaluate(candidates))


class Undefined(BlockSumAccuracy):
    """Every third training diverges."""

    def evaluate(self, candidates: Sequence[Candidate]) -> Iterator[tuple[int, float]]:
        for index, accuracy in super().evaluate(candidates):
            yield index, math.nan if len(self.asked) % 3 == 0 else accuracy


def tenths() -> Cost:
    """Sums of tenths are not exact: they depend on the order of adding."""
    return Cost("units", lambda block: 0.0 if block.kind == "skip" else (1 + block.macs // 2000) / 10, fixed=0.7)


@cache
def networks(toy: str) -> tuple[tuple[float, Choice], ...]:
    """Every network of a toy space and its cost, cheapest first."""
    space, cost = SPACES[toy](), tenths()
    graph = layered_graph(space, cost)
    choices = [graph.solution(edges).choice for edges in brute_force.all_paths(graph).edges.tolist()]
    return tuple(sorted((cost.total(space.architecture(choice)), choice) for choice in choices))


def problem(toy: str, share: float, accuracy: BlockSumAccuracy | None = None, seed: int = 5) -> Problem:
    """The budget is the exact cost of a network: that of the cheapest for ``share`` 0, of the dearest for 1."""
    costs = [cost for cost, _ in networks(toy)]
    budget = costs[int(share * (len(costs) - 1))]
    return Problem(SPACES[toy](), tenths(), accuracy or BlockSumAccuracy(jitter=2, seed=3), budget, seed)


def asked_for(result: Result) -> list[tuple[Choice, float, float]]:
    """The trials but for who paid."""
    return [(trial.choice, trial.accuracy, trial.cost) for trial in result.trials]


def judges_members_at_their_exact_cost(entry: Entry, folder: Path) -> None:
    for toy in SPACES:
        asked = problem(toy, 0.5)
        result = entry.run(asked)
        assert result.algorithm == entry.name
        for trial in result.trials:
            assert trial.cost == asked.cost.total(asked.space.architecture(trial.choice))
        keys = [trial.choice for trial in result.trials]
        assert len(set(keys)) == len(keys)


def finds_the_best_it_judged_within_the_budget(entry: Entry, folder: Path) -> None:
    for toy in SPACES:
        for share in (0.0, 0.3, 1.0):
            asked = problem(toy, share)
            result = entry.run(asked)
            fits = [trial for trial in result.trials if trial.cost <= asked.budget]
            assert result.best in fits and result.answer in fits
            assert result.best.accuracy == max(trial.accuracy for trial in fits)


def tells_of_an_impossible_budget_before_anything_is_judged(entry: Entry, folder: Path) -> None:
    for toy in SPACES:
        accuracy = BlockSumAccuracy()
        least = networks(toy)[0][0]
        asked = Problem(SPACES[toy](), tenths(), accuracy, math.nextafter(least, 0.0))
        try:
            entry.run(asked)
        except BudgetError as error:
            assert error.smallest == least
        else:
            raise AssertionError("found a network cheaper than the cheapest")
        assert accuracy.asked == []


def repeats_itself_for_the_same_seed_only(entry: Entry, folder: Path) -> None:
    """Also where accuracies arrive in another order."""
    for toy in SPACES:
        one, two = (
            entry.run(problem(toy, 0.5, BlockSumAccuracy(2, 3, backwards=backwards))) for backwards in (False, True)
        )
        assert (one.best, one.trials, one.predicted, one.notes) == (two.best, two.trials, two.predicted, two.notes)
        if entry.seeded:
            assert asked_for(entry.run(problem(toy, 1.0, seed=6))) != asked_for(entry.run(problem(toy, 1.0)))


def pays_once_for_a_network(entry: Entry, folder: Path) -> None:
    for toy in SPACES:
        accuracy = BlockSumAccuracy(jitter=2)
        known = TrialCache(SPACES[toy](), accuracy)
        paid = 0
        for share in (0.6, 0.6, 0.4):
            asked = problem(toy, share, accuracy)
            result = entry.run(asked, Trials(asked, known))
            paid += sum(trial.newly_judged for trial in result.trials)
            assert len(accuracy.asked) == len(set(accuracy.asked)) == paid


def continues_where_it_was_killed(entry: Entry, folder: Path) -> None:
    """The journal is cut anywhere: in its header, between lines, in a line. Batches arrive backwards."""

    def run(path: Path) -> tuple[Result, BlockSumAccuracy]:
        accuracy = BlockSumAccuracy(jitter=2, backwards=True)
        asked = problem("widths", 0.5, accuracy)
        with TrialCache(asked.space, accuracy, path) as known:
            return entry.run(asked, Trials(asked, known)), accuracy

    straight, paid = run(folder / "straight.jsonl")
    whole = (folder / "straight.jsonl").read_bytes()
    header = whole.index(b"\n") + 1
    middle = header + (len(whole) - header) // 2
    for cut in sorted({0, 7, header, header + 9, middle, whole.index(b"\n", middle) + 1, len(whole) - 1, len(whole)}):
        path = folder / f"cut-{cut}.jsonl"
        path.write_bytes(whole[:cut])
        kept = max(0, whole[:cut].count(b"\n") - 1)
        resumed, paid_again = run(path)
        assert asked_for(resumed) == asked_for(straight)
        assert (resumed.predicted, resumed.notes) == (straight.predicted, straight.notes)
        assert resumed.best.choice == straight.best.choice
        assert len(paid_again.asked) == len(paid.asked) - kept
        assert set(paid_again.asked).isdisjoint(paid.asked[:kept])


def keeps_the_limit_on_trials(entry: Entry, folder: Path) -> None:
    """With an answer, unless nothing it judged fits; and uses all of them where everything fits."""
    for toy, share, most in itertools.product(SPACES, (0.9, 1.0), (1, 2, 5)):
        accuracy = BlockSumAccuracy()
        asked = problem(toy, share, accuracy)
        trials = Trials(asked, max_trials=most)
        try:
            result = entry.run(asked, trials)
        except OutcomeError as error:
            assert f"allow it more than {most} trials" in str(error)
            assert all(trial.cost > asked.budget for trial in trials.log)
        else:
            assert result.notes["max_trials_reached"] is True
            assert result.trials == trials.log
        assert len(trials) == len(accuracy.asked) <= most
        assert share < 1 or len(trials) == most
    assert entry.run(problem("plain", 0.9)).notes["max_trials_reached"] is False


def ends_where_every_network_is_as_good(entry: Entry, folder: Path) -> None:
    for toy in SPACES:
        for share in (0.0, 0.5):
            asked = problem(toy, share, Flat())
            result = entry.run(asked)
            fits = [trial.cost for trial in result.trials if trial.cost <= asked.budget]
            assert result.best.cost == min(fits)
            assert result.predicted is None or math.isfinite(result.predicted)
            json.dumps(result.notes, allow_nan=False)  # ValueError for a number that is not finite


def passes_on_what_a_judge_cannot_say(entry: Entry, folder: Path) -> None:
    try:
        entry.run(problem("plain", 1.0, Undefined()))
    except OutcomeError as error:
        assert "which is not a finite number" in str(error)
    else:
        raise AssertionError("a training diverged and nobody was told")


def searches_a_space_of_one_network(entry: Entry, folder: Path) -> None:
    layers = [Layer(layer.name, layer.options[:1]) for layer in plain_space().layers]
    only = (0,) * len(layers)
    assert (layers[0], layers[-1]) == (STEM, HEAD)
    space, cost = Space("toy_one", 8, tuple(layers)), tenths()
    asked = Problem(space, cost, BlockSumAccuracy(), cost.total(space.architecture(only)))
    result = entry.run(asked)
    assert [trial.choice for trial in result.trials] == [result.best.choice] == [only]


def finds_the_optimum_where_it_promises_to(entry: Entry, folder: Path) -> None:
    if entry.optimum is None:
        return
    for toy in ("plain", "ends"):
        for share in (0.2, 0.7):
            accuracy = BlockSumAccuracy(seed=4)
            asked = problem(toy, share, accuracy)
            result = Entry(entry.name, entry.optimum).run(asked)
            affordable = [choice for cost, choice in networks(toy) if cost <= asked.budget]
            assert result.best.accuracy == max(Trials(asked).rewards(affordable))


Check = Callable[[Entry, Path], None]

CHECKS: tuple[Check, ...] = (
    judges_members_at_their_exact_cost,
    finds_the_best_it_judged_within_the_budget,
    tells_of_an_impossible_budget_before_anything_is_judged,
    repeats_itself_for_the_same_seed_only,
    pays_once_for_a_network,
    continues_where_it_was_killed,
    keeps_the_limit_on_trials,
    ends_where_every_network_is_as_good,
    passes_on_what_a_judge_cannot_say,
    searches_a_space_of_one_network,
    finds_the_optimum_where_it_promises_to,
)
