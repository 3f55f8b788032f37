"""The policy of a menu, and MathNAS's controller: what they do on traces that every device can show."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgenas.adaptive.device.policy import Policy
from edgenas.search.algorithms.mathnas_controller import MathNasController

MENU = (5.0, 7.0, 9.0, 12.0, 15.0, 19.0)
BUDGET = 20.0


def after(policy: Policy | MathNasController, slowdowns: Sequence[float]) -> list[int]:
    """The network of each frame."""
    found = []
    for slowdown in slowdowns:
        found.append(policy.now)
        policy.frame(policy.ms[policy.now] * slowdown)
    return found


@settings(max_examples=25)
@given(st.lists(st.tuples(st.floats(0.5, 30.0), st.integers(1, 60)), max_size=12))
def test_every_trace_that_recovers_returns_to_the_largest_network(phases: list[tuple[float, int]]) -> None:
    policy = Policy(MENU, BUDGET)
    after(policy, [slowdown for slowdown, length in phases for _ in range(length)])
    most = len(MENU) * 16 * policy.slow
    assert after(policy, [1.0] * (most + 1))[-1] == len(MENU) - 1
    assert policy.slowdown == 1.0


@settings(max_examples=25)
@given(st.floats(1.0, 3.0))
def test_a_constant_slowdown_ends_at_the_network_that_bisection_finds(slowdown: float) -> None:
    policy = Policy(MENU, BUDGET)
    after(policy, [slowdown] * 2000)
    assert policy.now == policy.fitting(slowdown)
    assert policy.ms[policy.now] * slowdown <= BUDGET / (1 + policy.margin) + 1e-9 or policy.now == 0


def test_two_late_frames_go_down_and_one_does_not() -> None:
    policy = Policy(MENU, BUDGET)
    assert after(policy, [1.0, 1.0, 2.0, 1.0, 1.0]) == [5] * 5
    assert after(policy, [2.0, 2.0, 2.0]) == [5, 5, 2]


def test_a_step_up_that_failed_waits_twice_as_long() -> None:
    policy = Policy(MENU, BUDGET)
    waits = []
    for _ in range(4):  # the device is quick until the largest network runs
        frames = 0
        while policy.now != 5:
            policy.frame(policy.ms[policy.now])
            frames += 1
        waits.append(frames)
        while policy.now == 5:
            policy.frame(30.0)
    assert waits[1:] == sorted(waits[1:]) and waits[3] > 1.5 * waits[2]


def test_a_network_that_is_removed_is_never_chosen() -> None:
    policy = Policy(MENU, BUDGET)
    policy.remove(5)
    assert policy.now == 4 and policy.ms == [5.0, 7.0, 9.0, 12.0, 15.0]
    policy.remove(0)
    assert policy.now == 3 and policy.ms[policy.now] == 15.0


def test_the_controller_of_mathnas_steps_once_inside_the_band_and_else_solves_again() -> None:
    solved = []

    def solve(budget: float) -> int:
        solved.append(budget)
        return max((i for i, ms in enumerate(MENU) if ms <= budget), default=0)

    controller = MathNasController(MENU, BUDGET, solve)
    assert controller.now == 5 and solved == [BUDGET]
    after(controller, [1.2] * 20)  # 22.8 ms: one step down is 18 ms, inside 16 .. 20
    assert controller.now == 4 and controller.scale == pytest.approx(1.2) and solved == [BUDGET]
    after(controller, [2.4] * 20)  # 36 ms: a step down is 28.8 ms, so the program is solved with 20 / 2.4
    assert controller.now == 1 and solved[1:] == [pytest.approx(BUDGET / 2.4)]
