"""Measurement of a file under sustained load: times minute by minute, state of the device, and slowdown.

Runs follow each other without pause and the clock is not held, as in an application under continuous load. These times
are of warm caches: compare them with other minutes of the same run, not with other results of ``verify``.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.errors import DeviceError
from edgenas.base.listener import SILENT, Listener
from edgenas.devices.inventory import Entry
from edgenas.latency_tables.statistics import estimates
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes.sustained import MINUTE_S, SustainedRequest
from edgenas.profiler.sustained_load import MinuteReading, SustainedLoad
from edgenas.profiler.sustained_run import SustainedRun, minute_reading, run_alone
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
    listener: Listener = SILENT,
    wait: Wait | None = None,
) -> SustainedLoad:
    """Run a file for ``seconds`` on a device. A minute lasts ``minute_s`` seconds.

    A run that is interrupted, lost or killed after its first minute returns the minutes that it had; before that,
    OutcomeError, DeviceError or KeyboardInterrupt is raised. ``listener`` receives a message and progress after each
    minute; the detail of the progress is a ``MinuteReading``.
    """
    from edgenas.devices.transports.jobs import PATIENT
    from edgenas.profiler.device_session import station
    from edgenas.profiler.export.integer import computed_in

    worker, how = open_worker(entry, runtime), runtime_named(runtime)
    plan = Plan(cores=entry.cores, threads=threads, precision=computed_in(model))
    ran = None
    try:
        with station(worker, how, plan, conditions([entry], force, listener)) as held:
            began = datetime.now(UTC).isoformat(timespec="seconds")
            ran = run_alone(
                worker.device,
                how,
                model,
                held.plan,
                SustainedRequest(seconds, minute_s),
                program=worker.program,
                wait=wait or PATIENT,
                listener=_Minutes(listener, Path(file).name),
            )
    except DeviceError as error:  # a lost device cannot be released either
        if ran is None:
            raise
        listener.message(str(error))
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


class _Minutes(Listener):
    """Listener that adds a message to the progress of every minute of a run of ``file``."""

    def __init__(self, inner: Listener, file: str) -> None:
        self._inner, self._file = inner, file

    def progress(
        self, done: int, total: int | None, note: str = "", *, name: str = "", detail: object | None = None
    ) -> None:
        self._inner.message(f"{self._file}: minute {done} of {total}: {note}")
        self._inner.progress(done, total, note, name=name or self._file, detail=detail)

    def message(self, text: str) -> None:
        self._inner.message(text)


def _minutes(ran: SustainedRun) -> list[MinuteReading]:
    """Return the reading of each minute of a run."""
    found = []
    for minute in ran.output.minutes:
        moments = ran.within(minute)
        earlier = [m for m in ran.moments if moments and m.at_s < moments[0].at_s]
        found.append(minute_reading(minute, moments, earlier[-1] if earlier else None))
    return found
