"""A file under sustained load: how fast it is minute by minute, how the device feels, and how much slower it becomes.

Runs follow each other without pause and nothing holds the clock, as in an application that never rests: a time here is
of warm caches, and to be compared with other minutes, not with what ``verify`` measures otherwise.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from edgenas.base.errors import DeviceError
from edgenas.devices.inventory import Entry
from edgenas.devices.session.sample_state import Moment, flags
from edgenas.latency_tables.setting import Setting
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes.sustained import MINUTE_S, Minute, Of, SustainedRequest
from edgenas.profiler.sustained_run import SustainedRun, run_alone
from edgenas.profiler.workers import conditions, open_worker, runtime_named

if TYPE_CHECKING:
    from edgenas.devices.transports.jobs import Wait

FORMAT, VERSION = "edgenas sustained load", 1  #: of a line that is kept; version 1 is the first
STATISTICS = ("median", "p90")
_LAST = 5  # the last minutes are the last fifth of them


@dataclass(frozen=True, slots=True)
class MinuteReading:
    """A minute (1 is the first) and how the device felt in it: the hottest and the lowest clock of about two looks, and
    what held it back. Deciles are eleven, least to most; ``parts_ns`` medians of its parts in order."""

    minute: int
    seconds: float
    runs: int
    median_ms: float
    p90_ms: float
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

    file: str
    sha256: str
    device: str
    runtime: str
    setting: Setting
    began: str
    asked_s: float
    minute_s: float
    of: Of
    stopped: str
    minutes: tuple[MinuteReading, ...]
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

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        slower = self.slower
        return {
            "format": FORMAT,
            "version": VERSION,
            **asdict(self),
            "setting": self.setting.as_dict(),
            "worst_minute": self.worst.minute,
            "within_budget": self.within_budget,
            "slower": None if slower is None else asdict(slower),
        }


def sustain(
    entry: Entry,
    file: str,
    model: bytes,
    runtime: str,
    seconds: float,
    *,
    threads: int = 1,
    budget_ms: float | None = None,
    statistic: str = "median",
    force: bool = False,
    minute_s: float = MINUTE_S,
    say: Callable[[str], None] = lambda text: None,
    tell: Callable[[MinuteReading], None] = lambda felt: None,
    wait: Wait | None = None,
) -> SustainedLoad:
    """Run a file for so long. One that is interrupted, lost or killed after its first minute gives what it had.

    OutcomeError, DeviceError or KeyboardInterrupt before that.
    """
    from edgenas.devices.transports.jobs import PATIENT
    from edgenas.profiler.device_session import station
    from edgenas.profiler.export.integer import computed_in

    worker, how = open_worker(entry, runtime), runtime_named(runtime)
    plan = Plan(cores=entry.cores, threads=threads, precision=computed_in(model))
    ran = None
    try:
        with station(worker, how, plan, conditions([entry], force, say)) as held:
            began = datetime.now(UTC).isoformat(timespec="seconds")
            ran = run_alone(
                worker.device,
                how,
                model,
                held.plan,
                SustainedRequest(seconds, minute_s),
                program=worker.program,
                wait=wait or PATIENT,
                tell=lambda minute, moments: tell(felt(minute, moments)),
            )
    except DeviceError as error:  # a device that was lost cannot be given back either
        if ran is None:
            raise
        say(str(error))
    device = tuple(pair for pair in held.setting.device if pair[0] != "governor")  # which nothing held
    setting = replace(held.setting, device=device, scheduler="normal", cold_kib=0, delegate=ran.output.delegate)
    return SustainedLoad(
        file,
        hashlib.sha256(model).hexdigest(),
        entry.name,
        runtime,
        setting,
        began,
        seconds,
        minute_s,
        ran.output.of,
        ran.stopped,
        tuple(_minutes(ran)),
        statistic,
        budget_ms,
    )


def felt(minute: Minute, moments: Sequence[Moment], before: Moment | None = None) -> MinuteReading:
    """``minute`` with the looks at the device in it; ``before`` is the last one before them."""
    held_back: dict[str, None] = {}
    for moment in moments:
        held_back.update(dict.fromkeys(flags(before, moment)))
        before = moment
    return MinuteReading(
        minute.number + 1,
        minute.seconds,
        minute.runs,
        minute.median_ms,
        minute.p90_ms,
        max((m.temperature_c for m in moments if m.temperature_c is not None), default=None),
        min((m.clock_mhz for m in moments if m.clock_mhz is not None), default=None),
        tuple(held_back),
        minute.deciles_ns,
        minute.parts_ns,
    )


def ratio(first: Sequence[int], last: Sequence[int], minutes: int, confidence: float = 0.95) -> Slowdown | None:
    """Of the geometric means of medians of parts. Parts stand for independent ones (batch means: Law, Simulation
    Modeling and Analysis, section 9.5.3), so that the interval is Welch's t of their logarithms. None for one part."""
    from scipy.special import stdtrit

    logs = [np.log(np.array(parts, dtype=np.float64)) for parts in (first, last)]
    if min(map(len, logs)) < 2:
        return None
    apart = float(logs[1].mean() - logs[0].mean())
    shares = [float(log.var(ddof=1)) / len(log) for log in logs]  # of the variance of the difference
    if sum(shares) == 0:
        return Slowdown(math.exp(apart), math.exp(apart), math.exp(apart), minutes)
    freedom = sum(shares) ** 2 / sum(s**2 / (len(log) - 1) for s, log in zip(shares, logs, strict=True))
    half = float(stdtrit(freedom, (1 + confidence) / 2)) * math.sqrt(sum(shares))
    return Slowdown(math.exp(apart), math.exp(apart - half), math.exp(apart + half), minutes)


def _minutes(ran: SustainedRun) -> list[MinuteReading]:
    found = []
    for minute in ran.output.minutes:
        moments = ran.within(minute)
        earlier = [m for m in ran.moments if moments and m.at_s < moments[0].at_s]
        found.append(felt(minute, moments, earlier[-1] if earlier else None))
    return found
