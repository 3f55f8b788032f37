"""A file under sustained load, minute by minute, and how much slower it became."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from edgenas.latency_tables.setting import SettingField
from edgenas.profiler.runtimes.sustained import Of

_LAST = 5  # the last minutes are the last fifth of them


@dataclass(frozen=True, slots=True)
class MinuteReading:
    """A minute (1 is the first) and how the device felt in it: the hottest and the lowest clock of about two looks, and
    what held it back. Deciles are eleven, least to most; ``parts_ns`` medians of its parts in order."""

    minute: Annotated[int, Field(ge=1)]
    seconds: float
    runs: int
    median_ms: Annotated[float, Field(gt=0)]
    p90_ms: Annotated[float, Field(gt=0)]
    temperature_c: float | None
    clock_mhz: float | None
    throttled: tuple[str, ...]
    deciles_ns: tuple[int, ...]
    parts_ns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Slowdown:
    """Median of the last ``minutes`` minutes over that of the first, with a 95 % interval."""

    ratio: float
    low: float
    high: float
    minutes: int


@dataclass(frozen=True, slots=True)
class SustainedLoad:
    """A file on a device. ``of`` says what deciles are of, ``stopped`` why it ended before ``asked_s``; ``statistic``
    is what is held against the budget."""

    DERIVED: ClassVar[tuple[str, ...]] = ("worst_minute", "within_budget", "slower")

    file: str
    sha256: str
    device: str
    runtime: str
    setting: SettingField
    began: str
    asked_s: float
    minute_s: float
    of: Of
    stopped: str
    minutes: Annotated[tuple[MinuteReading, ...], Field(min_length=1)]
    statistic: str
    budget_ms: float | None

    @property
    def counted(self) -> tuple[MinuteReading, ...]:
        """Minutes that are at least a quarter of one long; all where none is."""
        return tuple(m for m in self.minutes if m.seconds >= self.minute_s / 4) or self.minutes

    @property
    def worst(self) -> MinuteReading:
        """The slowest minute by the statistic."""
        return max(self.counted, key=self.value_ms)

    @property
    def worst_minute(self) -> int:
        """Number of that minute."""
        return self.worst.minute

    @property
    def within_budget(self) -> bool | None:
        """Whether the worst minute is; None without a budget."""
        return None if self.budget_ms is None else self.value_ms(self.worst) <= self.budget_ms

    @property
    def slower(self) -> Slowdown | None:
        """How the last minutes compare with the first; None where there are not two."""
        minutes = self.counted
        last = max(1, len(minutes) // _LAST)
        if len(minutes) < 2:
            return None
        return ratio(minutes[0].parts_ns, [part for m in minutes[-last:] for part in m.parts_ns], last)

    def value_ms(self, minute: MinuteReading) -> float:
        """By the statistic."""
        return minute.p90_ms if self.statistic == "p90" else minute.median_ms


def ratio(first: Sequence[int], last: Sequence[int], minutes: int, confidence: float = 0.95) -> Slowdown | None:
    """Ratio of the geometric means of medians of parts. Parts stand for independent ones (batch means: Law, Simulation
    Modeling and Analysis, section 9.5.3), so that the interval is Welch's t of their logarithms. None for one part."""
    from scipy.stats import ttest_ind

    before, after = (np.log(np.array(parts, dtype=np.float64)) for parts in (first, last))
    if min(len(before), len(after)) < 2:
        return None
    apart = float(after.mean() - before.mean())
    low = high = apart
    if np.ptp(before) or np.ptp(after):  # scipy has no interval for numbers that are all alike
        low, high = ttest_ind(after, before, equal_var=False).confidence_interval(confidence)
    return Slowdown(math.exp(apart), math.exp(low), math.exp(high), minutes)
