"""MathNAS's controller on the device (Wang et al., arXiv 2311.04943, section 3.4).

The latency of batches of frames is watched. When its mean leaves a band below the budget, the latencies of all blocks
are multiplied by one number, measured / predicted; first a change of one step is tried; where it is not inside the
band, the whole program is solved again with the new latencies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

EVERY = 20  #: frames of a batch
LOW = 0.8  #: lower end of the band, as a share of the budget


class MathNasController:
    """Choice of the next frame's network from the times of frames.

    ms          predicted times of the networks, ascending, as measured on an undisturbed device
    solve       exact solver of the program: budget, in units of the undisturbed device -> network (default: the most
                accurate of ``ms`` within it). Latencies times m within B are latencies within B / m
    budget_ms   budget in ms
    """

    def __init__(
        self,
        ms: Sequence[float],
        budget_ms: float,
        solve: Callable[[float], int] | None = None,
        every: int = EVERY,
        low: float = LOW,
    ) -> None:
        self.ms, self.budget_ms, self.every, self.low = list(ms), budget_ms, every, low
        self._solve = solve or self._most_accurate
        self._batch: list[float] = []
        self.scale = 1.0
        self.now = self._solve(budget_ms)

    @property
    def slowdown(self) -> float:
        """The number that multiplies the latencies of all blocks."""
        return self.scale

    def frame(self, ms: float) -> int:
        """Return the network of the next frame, after a frame of ``ms`` milliseconds on the network ``now``."""
        self._batch.append(ms)
        if len(self._batch) == self.every:
            mean, self._batch = sum(self._batch) / self.every, []
            if not self._inside(mean):
                self.scale = mean / self.ms[self.now]
                step = self.now + (-1 if mean > self.budget_ms else 1)
                if 0 <= step < len(self.ms) and self._inside(self.scale * self.ms[step]):
                    self.now = step
                else:
                    self.now = self._solve(self.budget_ms / self.scale)
        return self.now

    def remove(self, network: int) -> None:
        """Remove a network that cannot be used."""
        del self.ms[network]
        if self.now > 0 and self.now >= network:
            self.now -= 1

    def _inside(self, ms: float) -> bool:
        return self.low * self.budget_ms <= ms <= self.budget_ms

    def _most_accurate(self, budget: float) -> int:
        return max([i for i, ms in enumerate(self.ms) if ms <= budget], default=0)
