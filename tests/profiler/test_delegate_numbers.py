"""Outputs of a delegate beside those of the CPU: which differences rounding explains, and which are refused."""

from __future__ import annotations

import numpy as np
import pytest

from edgenas.profiler.runners.delegate_runner import RefusedError, arithmetic, compare

RIGHT = np.array([[1.0, -2.0, 0.5, 0.0]], np.float32)
INT8 = np.array([[94, -37, 90]], np.int8)


@pytest.mark.parametrize(
    ("computed", "expected", "why"),
    [
        (RIGHT * np.float32("nan"), RIGHT, "gpu computes numbers that are not finite, where the CPU's are"),
        (np.array([[1.0, -2.0, np.inf, 0.0]]), RIGHT, "gpu computes numbers that are not finite"),
        (RIGHT * 0, RIGHT, "gpu computes only zeros, where the CPU does not"),
        (INT8 * 0, INT8, "gpu computes only zeros"),
        (RIGHT[:, :3], RIGHT, "gpu computes 3 outputs, the CPU 4"),
        (RIGHT + 0.07, RIGHT, "gpu computes wrong numbers: they are 0.035 of the largest output off .*, and 0.03 is"),
        (INT8 + 2, INT8, "gpu does not compute int8 as the CPU does: outputs are 2 steps of the quantisation apart"),
        (np.array([[62, -31, 66]], np.int8), INT8, "outputs are 32 steps"),  # LiteRT's GPU, on a file of int8
    ],
)
def test_refused(computed: np.ndarray, expected: np.ndarray, why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        compare("gpu", [computed], [expected])
    with pytest.raises(RefusedError, match=why):  # also where another output is right
        compare("gpu", [RIGHT, computed], [RIGHT, expected])


@pytest.mark.parametrize(
    ("computed", "expected", "rel", "steps"),
    [
        (RIGHT, RIGHT, 0.0, 0),
        (RIGHT + 1e-4, RIGHT, 5e-5, 0),
        (RIGHT + 0.05, RIGHT, 0.025, 0),
        (RIGHT * 0, RIGHT * 0, 0.0, 0),  # zeros that the CPU computes too
        (INT8 - 1, INT8, 0.0, 1),
    ],
)
def test_accepted(computed: np.ndarray, expected: np.ndarray, rel: float, steps: int) -> None:
    found = compare("gpu", [computed], [expected])
    assert found["rel"] == pytest.approx(rel, rel=1e-3) and found["steps"] == steps


def test_the_precision_of_the_arithmetic_is_found_from_the_difference() -> None:
    assert [arithmetic({"rel": rel}, "fp32") for rel in (0.0, 1e-4, 1.1e-4, 3e-2)] == ["fp32", "fp32", "fp16", "fp16"]
    assert arithmetic({"rel": 0.0}, "int8") == "int8"
