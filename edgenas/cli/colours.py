"""States in colour: green for good, amber for doubtful, red for bad. None where NO_COLOR is set, or in a pipe."""

from __future__ import annotations

import os
import re
import sys

import click

GOOD, DOUBTFUL, BAD = "green", "yellow", "red"
#: words of results -> colour
STATES = {
    "ok": GOOD,
    "yes": GOOD,
    "inside": GOOD,
    "unchanged": GOOD,
    "mark": DOUBTFUL,
    "wait": DOUBTFUL,
    "unstable": DOUBTFUL,
    "not known": DOUBTFUL,
    "NO": BAD,
    "OUTSIDE": BAD,
    "refuse": BAD,
    "missing": BAD,
    "broken": BAD,
    "NOT MET": BAD,
}
_STATE = re.compile(rf"({'|'.join(sorted(STATES, key=len, reverse=True))})(?=$|[,;:])")


def coloured(text: str) -> str:
    """Return ``text`` with its state in colour where it is one, or begins with one and a comma."""
    found = _STATE.match(text)
    if found is None or not in_colour():
        return text
    return click.style(found[1], fg=STATES[found[1]], bold=STATES[found[1]] == BAD) + text[found.end() :]


def in_colour() -> bool:
    """Return True where stdout is a terminal and NO_COLOR is not set (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
