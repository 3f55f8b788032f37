"""A file under sustained load: how fast it is minute by minute, how the device feels, and how much slower it becomes.

Runs follow each other without pause and nothing holds the clock, as in an application that never rests: a time here is
of warm caches, and to be compared with other minutes, not with what ``verify`` measures otherwise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from edgenas.base.errors import DeviceError
from edgenas.devices.inventory import Entry
from edgenas.devices.session.sample_state import Moment, flags
from edgenas.latency_tables.statistics import estimates
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes.sustained import MINUTE_S, Minute, SustainedRequest
from edgenas.profiler.sustained_load import MinuteReading, SustainedLoad
from edgenas.profiler.sustained_run import SustainedRun, run_alone
from edgenas.profiler.workers import conditions, open_worker, runtime_named

if TYPE_CHECKING:
    from edgenas.devices.transports.jobs import Wait

STATISTICS = ("median", "p90")


def sustain(
    entry: Entry,
    file: str,
    model: bytes,
    runtime: str,
    seconds: float,
    *,
    threads: int = 1,
    budget_ms: float | None = None,
    statistic: str = estimates.DEFAULT,
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


def _minutes(ran: SustainedRun) -> list[MinuteReading]:
    found = []
    for minute in ran.output.minutes:
        moments = ran.within(minute)
        earlier = [m for m in ran.moments if moments and m.at_s < moments[0].at_s]
        found.append(felt(minute, moments, earlier[-1] if earlier else None))
    return found
