"""Budgets as numbers: one rule for every budget and limit, from a command line or a program."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable
from contextlib import suppress
from numbers import Real
from typing import Any

from edgenas.base.errors import InputError

#: unit -> a budget in it, for messages
EXAMPLES = {"ms": "8", "MACs": "60e6", "params": "2e6", "MB": "4"}


def check_budget(value: Any, unit: str, named: str = "budget") -> float:
    """Return a budget in ``unit`` as a float; InputError unless it is a finite number above 0.

    ``named`` is the option or the argument that gave it. A text must be a number without a unit.
    """
    number = math.nan
    if not isinstance(value, bool) and isinstance(value, str | Real):
        with suppress(ValueError, OverflowError):
            number = float(value)
    if math.isfinite(number) and number > 0:
        return number
    such = f", such as {EXAMPLES[unit]}" if unit in EXAMPLES else ""
    shown = shlex.quote(value) if isinstance(value, str) else value
    raise InputError(f"{named} {shown} is not a number of {unit} above 0{such}; give one, without its unit")


def budget_numbers(given: Any, unit: str, named: str = "budget") -> tuple[float, ...]:
    """Return the budgets of an argument that takes one number, several or None; InputError as ``check_budget``."""
    if given is None:
        return ()
    if isinstance(given, str) or not isinstance(given, Iterable):
        return (check_budget(given, unit, named),)
    return tuple(check_budget(each, unit, named) for each in given)
