"""A budget is a finite number above 0, from a command line or a program."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edgenas.base.amounts import budget_numbers, check_budget
from edgenas.base.errors import InputError

WRONG = ("8ms", "", "nan", "inf", "-inf", "0", "-1", "1e999", "8,5", math.nan, math.inf, 0, -3, True, None, [8], b"8")


@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_what_is_no_budget_is_named(value: object) -> None:
    with pytest.raises(InputError, match=r"^budget_ms .* is not a number of ms above 0, such as 8; give one, without"):
        check_budget(value, "ms", "budget_ms")


@pytest.mark.parametrize("value", ["8", " 8.0 ", 8, 8.0, np.float32(8), np.int64(8)], ids=repr)
def test_what_is_one_is_a_float(value: object) -> None:
    found = check_budget(value, "mJ")
    assert found == 8.0 and type(found) is float


def test_one_several_or_none() -> None:
    assert budget_numbers(None, "ms") == () == budget_numbers((), "ms")
    assert budget_numbers(8, "ms") == (8.0,) and budget_numbers(iter([8, 9]), "ms") == (8.0, 9.0)
    with pytest.raises(InputError, match="8ms"):
        budget_numbers("8ms", "ms")
    with pytest.raises(InputError, match="budget nan"):
        budget_numbers([8.0, math.nan], "ms")
