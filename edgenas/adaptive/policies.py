"""Policies that a replay compares with the menu's own: the simplest ones, and the oracle."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from edgenas.adaptive.device.policy import Policy
from edgenas.search.algorithms.mathnas_controller import MathNasController
from edgenas.search.menu import best_within


class FramePolicy(Protocol):
    """Choice of the next frame's network from the times of frames."""

    now: int

    def frame(self, ms: float) -> int:
        """Return the network of the next frame, after a frame of ``ms`` milliseconds."""
        ...


class Fixed:
    """Always the same network."""

    slowdown = 1.0

    def __init__(self, now: int) -> None:
        self.now = now

    def frame(self, ms: float) -> int:
        """See ``FramePolicy.frame``."""
        return self.now

    def remove(self, network: int) -> None:
        """Remove a network that cannot be used."""
        self.now = max(0, self.now - 1)


class MovingMean:
    """The largest network that fits at the exponentially weighted mean of the ratios; it may change at every frame."""

    def __init__(self, ms: Sequence[float], budget_ms: float, share: float = 0.2) -> None:
        self.ms, self.budget_ms, self.share, self.slowdown = list(ms), budget_ms, share, 1.0
        self.now = best_within(self.ms, budget_ms)

    def frame(self, ms: float) -> int:
        """See ``FramePolicy.frame``."""
        self.slowdown += self.share * (ms / self.ms[self.now] - self.slowdown)
        self.now = max(0, bisect_right(self.ms, self.budget_ms / self.slowdown) - 1)
        return self.now

    def remove(self, network: int) -> None:
        """Remove a network that cannot be used."""
        del self.ms[network]
        self.now = max(0, self.now - 1)


def policies(ms: Sequence[float], budget_ms: float, own: dict[str, Any]) -> dict[str, Callable[[], FramePolicy]]:
    """Return name -> a function that makes the policy anew; ``own`` are the settings of the menu's own policy."""
    return {
        "this menu": lambda: Policy(ms, budget_ms, **own),
        "as in MathNAS": lambda: MathNasController(ms, budget_ms),
        "moving mean": lambda: MovingMean(ms, budget_ms),
        "largest": lambda: Fixed(best_within(ms, budget_ms)),
        "smallest": lambda: Fixed(0),
    }
