"""The policy: which network of the menu runs the next frame. It needs the times of frames and nothing else."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence


class Policy:
    """Choice of the next frame's network from the times of frames. ``ms`` are the times of the menu, ascending.

    A frame's ratio is its time / the time of its network in the menu.

    Down: when ``fast`` of the last ``fast + 1`` frames were over the budget, to the largest network that fits at their
    median ratio. Up: when the ``quantile`` of the ratios of the last ``slow`` frames says that a larger network fits.
    Both keep a ``margin``. A step up that failed doubles the wait before the next one, up to 16 times ``slow`` frames.
    """

    def __init__(
        self,
        ms: Sequence[float],
        budget_ms: float,
        quantile: float = 0.9,
        fast: int = 2,
        slow: int = 30,
        margin: float = 0.05,
    ) -> None:
        self.ms, self.budget_ms = list(ms), budget_ms
        self.quantile, self.fast, self.slow, self.margin = quantile, fast, slow, margin
        self.ratios: deque[float] = deque(maxlen=slow)
        self._late: deque[bool] = deque(maxlen=fast + 1)
        self._since, self._wait, self._rose = 0, slow, False
        self.now = self.fitting(1.0)

    def fitting(self, ratio: float) -> int:
        """Return the largest network whose time, ``ratio`` times that of the menu, is inside the budget with the
        margin; else the smallest network."""
        return max(0, bisect_right(self.ms, self.budget_ms / ratio / (1 + self.margin)) - 1)

    @property
    def slowdown(self) -> float:
        """Median ratio of the last frames; 1 before the first frame."""
        known = sorted(self.ratios)
        return known[len(known) // 2] if known else 1.0

    def frame(self, ms: float) -> int:
        """Return the network of the next frame, after a frame of ``ms`` milliseconds on the network ``now``."""
        self.ratios.append(ms / self.ms[self.now])
        self._late.append(ms > self.budget_ms)
        self._since += 1
        if sum(self._late) >= self.fast and self.now > 0:
            recent = list(self.ratios)[-len(self._late) :]
            if self._rose and self._since < self.slow:
                self._wait = min(self._wait * 2, 16 * self.slow)
            self.ratios = deque(recent, maxlen=self.slow)  # the frames before the change say nothing about now
            self._to(min(self.fitting(sorted(recent)[len(recent) // 2]), self.now - 1), rose=False)
        elif self._since >= self._wait and len(self.ratios) == self.slow:
            wanted = self.fitting(sorted(self.ratios)[max(0, int(self.quantile * self.slow + 0.9999) - 1)])
            if wanted != self.now:
                self._to(wanted, rose=wanted > self.now)
        if self._rose and self._since == 2 * self.slow:
            self._wait = max(self.slow, self._wait // 2)
        return self.now

    def _to(self, network: int, rose: bool) -> None:
        self.now, self._since, self._rose = network, 0, rose
        self._late.clear()

    def remove(self, network: int) -> None:
        """Remove a network that cannot be used."""
        del self.ms[network]
        if self.now > 0 and self.now >= network:
            self.now -= 1
        self._since = 0
        self._late.clear()
