"""Budget verdicts of timed files: one meaning of "inside" for the page and the model card, as the terminal has it."""

from __future__ import annotations

from typing import Literal

from edgenas.profiler.verdict import Verdict
from edgenas.report.html import number

BudgetState = Literal["inside", "partly", "outside", ""]

#: state -> words in tables
WORDS: dict[BudgetState, str] = {"inside": "inside", "partly": "inside, not by median", "outside": "outside", "": "–"}


def budget_state(verdict: Verdict) -> BudgetState:
    """Return the state: 'partly' where the budget is kept by the statistic that counts and not by the median; ''
    without a budget."""
    if verdict.within_budget is None:
        return ""
    if not verdict.within_budget:
        return "outside"
    return "partly" if verdict.disturbed else "inside"


def budget_note(verdict: Verdict) -> str:
    """Return a clause on the state for a reader of the page."""
    return {
        "inside": "inside: the upper end of the interval is compared",
        "partly": f"inside by the {verdict.statistic} of the runs, NOT by their median, {number(verdict.median_ms)} ms",
        "outside": "outside: the upper end of the interval is compared",
        "": "no budget",
    }[budget_state(verdict)]


def in_statistic(verdict: Verdict, statistic: str) -> tuple[float, float, float, str]:
    """Return latency, low and high end of its 95 % interval in ms, and the name of their statistic: ``statistic`` where
    the verdict records it, else its own."""
    if statistic == "median" != verdict.statistic and verdict.median_low_ms and verdict.median_high_ms:
        return verdict.median_ms, verdict.median_low_ms, verdict.median_high_ms, "median"
    return verdict.measured_ms, verdict.low_ms, verdict.high_ms, verdict.statistic
