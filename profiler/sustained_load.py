"""Results of a file under sustained load: readings minute by minute, and the slowdown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from edgenas.latency_tables.setting import SettingField
from edgenas.profiler.runtimes.sustained import Of

_LAST = 5  # divisor: the "last minutes" are the last fifth of all


@dataclass(frozen=True, slots=True)
class MinuteReading:
    """Times of one minute (numbered from 1) and the state of the device in it.

    temperature_c   highest temperature of about two readings; None where the device gives none
    clock_mhz       lowest clock of these readings; None where the device gives none
    throttled       causes of throttling in the minute
    deciles_ns      eleven values, minimum to maximum, ns per run
    parts_ns        medians of the minute's parts, in order, ns per run
    """

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

    def __str__(self) -> str:
        heat = "" if self.temperature_c is None else f", {self.temperature_c:.1f} °C"
        clock = "" if self.clock_mhz is None else f", {self.clock_mhz:.0f} MHz"
        held_back = "".join(f", {flag}" for flag in self.throttled)
        return f"median {self.median_ms:.4g} ms, p90 {self.p90_ms:.4g} ms{heat}{clock}{held_back}"


@dataclass(frozen=True, slots=True)
class Slowdown:
    """Ratio of the medians of the last ``minutes`` minutes to those of the first minute, with a 95 % interval."""

    ratio: float
    low: float
    high: float
    minutes: int


@dataclass(frozen=True, slots=True)
class SustainedLoad:
    """Result of a file under sustained load on a device.

    requested_s requested duration, s
    of          unit of the deciles: 'run' or 'burst' (see ``runtimes.sustained.Of``)
    stopped     reason why the run ended before ``requested_s``; '' where it did not
    statistic   statistic that is compared with the budget
    """

    DERIVED: ClassVar[tuple[str, ...]] = ("worst_minute", "within_budget", "slower")

    file: str
    sha256: str
    device: str
    runtime: str
    setting: SettingField
    began: str
    requested_s: float
    minute_s: float
    of: Of
    stopped: str
    minutes: Annotated[tuple[MinuteReading, ...], Field(min_length=1)]
    statistic: str
    budget_ms: float | None

    @property
    def counted(self) -> tuple[MinuteReading, ...]:
        """Minutes of at least a quarter of ``minute_s``; all minutes where none is that long."""
        return tuple(m for m in self.minutes if m.seconds >= self.minute_s / 4) or self.minutes

    @property
    def worst(self) -> MinuteReading:
        """Slowest minute by the statistic."""
        return max(self.counted, key=self.value_ms)

    @property
    def worst_minute(self) -> int:
        """Number of the slowest minute."""
        return self.worst.minute

    @property
    def within_budget(self) -> bool | None:
        """Return whether the slowest minute is within the budget; None without a budget."""
        return None if self.budget_ms is None else self.value_ms(self.worst) <= self.budget_ms

    @property
    def slower(self) -> Slowdown | None:
        """Slowdown of the last minutes relative to the first; None with fewer than 2 minutes."""
        minutes = self.counted
        last = max(1, len(minutes) // _LAST)
        if len(minutes) < 2:
            return None
        return ratio(minutes[0].parts_ns, [part for m in minutes[-last:] for part in m.parts_ns], last)

    def value_ms(self, minute: MinuteReading) -> float:
        """Return the time of a minute by the statistic, ms."""
        return minute.p90_ms if self.statistic == "p90" else minute.median_ms


def ratio(first: Sequence[int], last: Sequence[int], minutes: int, confidence: float = 0.95) -> Slowdown | None:
    """Return the ratio of the geometric means of the parts' medians, last over first. Parts count as independent (batch
    means: Law, Simulation Modeling and Analysis, section 9.5.3), so the interval is Welch's t interval of their
    logarithms. None where one side has a single part."""
    from scipy.stats import ttest_ind

    before, after = (np.log(np.array(parts, dtype=np.float64)) for parts in (first, last))
    if min(len(before), len(after)) < 2:
        return None
    difference = float(after.mean() - before.mean())
    low = high = difference
    if np.ptp(before) or np.ptp(after):  # scipy gives no interval for constant numbers
        low, high = ttest_ind(after, before, equal_var=False).confidence_interval(confidence)
    return Slowdown(math.exp(difference), math.exp(low), math.exp(high), minutes)
