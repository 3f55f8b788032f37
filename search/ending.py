"""How a run of an algorithm ended: by itself, or by the limit on trials, and what it had not done by then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FINISHED, CUT = "finished", "limit of trials"


def ending(notes: Mapping[str, Any]) -> str:
    """Return how a run with these notes (``Result.notes``) ended, in a few words."""
    if not notes.get("max_trials_reached"):
        return FINISHED
    where = _undone(notes)
    return f"{CUT}, {where}" if where else CUT


def cut_message(algorithm: str, notes: Mapping[str, Any], judged: int, budget: str) -> str | None:
    """Return a message for the user about a run that the limit on trials ended before it had looked at the whole
    space; None for other runs. Algorithms without such a point, such as random search, use all trials that they get."""
    where = _undone(notes) if notes.get("max_trials_reached") else ""
    if not where:
        return None
    return (
        f"{algorithm} within {budget} was cut short: the limit of trials ended it {where}, after {judged} networks; "
        f"allow more (--max-trials), or take --algorithm hybrid, which needs fewer"
    )


def _undone(notes: Mapping[str, Any]) -> str:
    """What the run was doing when it was ended; '' where that is not known."""
    if "layers" in notes and notes["layers_searched"] < notes["layers"]:
        return f"in layer {notes['layers_searched'] + 1} of {notes['layers']}"
    return "before its estimate was complete" if notes.get("estimated") is False else ""
