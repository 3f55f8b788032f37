"""What every search algorithm promises under several limits at once; ``LIMIT_CHECKS`` go with ``CHECKS``."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

from edgenas.base.errors import OutcomeError
from edgenas.search.cost import peak_memory_cost
from edgenas.search.problem import BudgetError, Cost, Limit, Problem
from edgenas.search.space import Choice
from edgenas.search.trials import Trials
from tests.support.algorithm_conformance import Check, Entry, networks, tenths
from tests.support.search_toys import SPACES, BlockSumAccuracy, noise


def other_tenths() -> Cost:
    """What is cheap by ``tenths`` is not by this."""
    return Cost("others", lambda block: 0.0 if block.kind == "skip" else (3 + int(20 * noise(str(block)))) / 10, 0.3)


@cache
def measured(toy: str) -> tuple[tuple[Choice, float, float, float], ...]:
    """Every network with its three costs."""
    space, (others, peak) = SPACES[toy](), (other_tenths(), peak_memory_cost())
    found = ((choice, cost, space.architecture(choice)) for cost, choice in networks(toy))
    return tuple((choice, cost, others.total(network), peak.total(network)) for choice, cost, network in found)


def problem(toy: str, share: float, accuracy: BlockSumAccuracy | None = None) -> Problem:
    """Each limit is met to the last bit by one network that keeps the others: the limits of that ``share`` of the way
    from the one that all costs together are least for."""
    rows = measured(toy)
    least, dearest = ([pick(row[kind] for row in rows) for kind in (1, 2, 3)] for pick in (min, max))

    def most_of_all(row: tuple[Choice, float, float, float]) -> float:
        return max((row[k] - low) / (high - low) for k, low, high in zip((1, 2, 3), least, dearest, strict=True))

    ranked = sorted(rows, key=lambda row: (most_of_all(row), row))
    _, budget, others, peak = ranked[int(share * (len(ranked) - 1))]
    limits = (Limit(other_tenths(), others), Limit(peak_memory_cost(), peak))
    return Problem(SPACES[toy](), tenths(), accuracy or BlockSumAccuracy(jitter=2, seed=3), budget, 5, limits)


def keeping(asked: Problem, toy: str) -> list[Choice]:
    """Every network that keeps budget and limits."""
    most = (asked.budget, *(limit.most for limit in asked.limits))
    return [row[0] for row in measured(toy) if all(cost <= m for cost, m in zip(row[1:], most, strict=True))]


def keeps_several_limits_at_once(entry: Entry, folder: Path) -> None:
    for toy in SPACES:
        for share in (0.0, 0.3):
            asked = problem(toy, share)
            fits = set(keeping(asked, toy))
            result = entry.run(asked)
            judged = [trial for trial in result.trials if trial.choice in fits]
            assert result.best in judged
            assert result.best.accuracy == max(trial.accuracy for trial in judged)
        few = Trials(asked, max_trials=3)
        try:
            assert entry.run(asked, few).best.choice in fits
        except OutcomeError as error:
            assert "keeps the other limits: allow it more than 3 trials" in str(error)
            assert fits.isdisjoint(trial.choice for trial in few.log)


def finds_the_optimum_under_several_limits(entry: Entry, folder: Path) -> None:
    if entry.optimum is None:
        return
    for toy in ("plain", "ends"):
        for share in (0.3, 0.9):
            asked = problem(toy, share, BlockSumAccuracy(seed=4))
            result = Entry(entry.name, entry.optimum | entry.under_limits).run(asked)
            assert result.best.accuracy == max(Trials(asked).rewards(keeping(asked, toy)))


def tells_which_limits_cannot_be_kept_together(entry: Entry, folder: Path) -> None:
    """Before anything is judged."""
    accuracy, s = BlockSumAccuracy(), SPACES["plain"]()
    least = min(row[2] for row in measured("plain"))
    cheapest = min(row[1] for row in measured("plain") if row[2] == least)
    limits = (Limit(peak_memory_cost(), 1.0), Limit(other_tenths(), least))
    try:
        entry.run(Problem(s, tenths(), accuracy, math.nextafter(cheapest, 0.0), 5, limits))
    except BudgetError as error:
        assert [reach.unit for reach in error.active_limits] == ["units", "others"]
        assert error.smallest == cheapest
    else:
        raise AssertionError("kept what no network keeps")
    assert accuracy.asked == []


LIMIT_CHECKS: tuple[Check, ...] = (
    keeps_several_limits_at_once,
    finds_the_optimum_under_several_limits,
    tells_which_limits_cannot_be_kept_together,
)
