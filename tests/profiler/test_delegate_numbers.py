"""What a delegate computes, and when: the differences to the CPU and the waits that are refused, and the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgenas.profiler.runners import delegate_runner
from edgenas.profiler.runners.delegate_runner import DelegateRuntime, Opened, RefusedError, arithmetic, compare

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


class Clock:
    """A clock that the steps of a run move."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.s = 0.0
        monkeypatch.setattr(delegate_runner.time, "perf_counter", lambda: self.s)

    def takes(self, *seconds: float) -> Callable[[], list[Any]]:
        """Return a step that takes these seconds in turn, the last for all later calls."""
        left = list(seconds)

        def step() -> list[Any]:
            self.s += left.pop(0) if len(left) > 1 else left[0]
            return []

        return step

    def opened(self, run: Callable[[], Any], read: Callable[[], list[Any]]) -> Opened:
        return Opened(run, lambda: None, read, 1, 1, [], "")


def waits(opened: Opened) -> float:
    loaded = DelegateRuntime.__new__(DelegateRuntime)
    loaded.wanted = {"text": "gpu"}
    return loaded.waits(opened)


def test_a_run_that_returns_before_the_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    late = [0.889, 0.0003] * (9 * delegate_runner.WAIT_TRIES)  # first and second read of each run
    with pytest.raises(RefusedError, match=r"a run takes 0.88 ms, and reading its outputs then waits 889 ms"):
        waits(clock.opened(clock.takes(0.00088), clock.takes(*late)))
    assert waits(clock.opened(clock.takes(1.13), clock.takes(0.0003))) == 0


def test_other_work_that_delays_reads_for_a_moment_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    busy = [0.000045, 0.00001] * 9  # as a block of OpenVINO on a busy machine was seen to be read
    assert waits(clock.opened(clock.takes(0.000127), clock.takes(*busy, 0.00001))) == 0
