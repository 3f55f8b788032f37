"""Timing exported files on a device, and holding them against a budget and a prediction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from edgenas.base.errors import DeviceError, InputError, OutcomeError
from edgenas.devices.inventory import Entry
from edgenas.latency_tables.setting import Setting
from edgenas.latency_tables.statistics import estimates
from edgenas.latency_tables.statistics.estimates import Times
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes import RUNTIMES
from edgenas.profiler.runtimes.sustained import Memory
from edgenas.profiler.workers import conditions, open_worker, runtime_named


@dataclass(frozen=True, slots=True)
class Verdict:
    """One file on one device: milliseconds a run by ``statistic``, with its 95 % interval.

    ``within_budget`` asks the interval's upper end, not the estimate; None without a budget. ``predicted_ms`` is the
    sum of the network's blocks in a table of the same runtime; ``setting`` says where and how it was measured.
    ``peak_kib`` is the most memory that a process with nothing but this file had resident, ``model_kib`` what of it
    came with the model; None where that is not told. ``median_low_ms`` and ``median_high_ms`` are the median's own
    interval.
    """

    file: str
    device: str
    runtime: str
    statistic: str
    measured_ms: float
    low_ms: float
    high_ms: float
    median_ms: float
    p90_ms: float
    budget_ms: float | None
    predicted_ms: float | None
    within_budget: bool | None
    setting: Setting
    peak_kib: int | None = None
    model_kib: int | None = None
    median_low_ms: float | None = None
    median_high_ms: float | None = None

    @property
    def disturbed(self) -> bool:
        """Inside the budget by its statistic, while its median is over it."""
        return self.budget_ms is not None and self.within_budget is True and self.median_ms > self.budget_ms

    @property
    def error(self) -> float | None:
        """Measured over predicted, less 1."""
        return None if self.predicted_ms is None else self.measured_ms / self.predicted_ms - 1

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**values, "error": self.error, "setting": self.setting.as_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Verdict:
        """Inverse of ``as_dict``; KeyError, TypeError or ValueError for anything else."""
        values = {each.name: data[each.name] for each in fields(cls) if each.name != "setting"}
        return cls(**values, setting=Setting.from_dict(data["setting"]))


def runtime_of(path: Path, entry: Entry) -> str:
    """The runtime that runs a file on a device, by its ending; InputError for any other."""
    from edgenas.devices.sections import TOOLS

    fitting = {name: runtime for name, runtime in RUNTIMES.items() if (name in TOOLS) == (not entry.python)}
    for name, runtime in fitting.items():
        if path.suffix == f".{runtime.format}":
            return name
    endings = ", ".join(f".{runtime.format}" for runtime in fitting.values()) or "none"
    raise InputError(f"{path}: no runtime for files that end in {path.suffix!r} on {entry.name}; there are {endings}")


def verify_files(
    entry: Entry,
    files: Mapping[str, bytes],
    runtime: str,
    *,
    plan: Plan | None = None,
    processes: int = 3,
    most: int | None = None,
    budget_ms: float | None = None,
    predicted_ms: float | None = None,
    statistic: str = "min",
    force: bool = False,
    memory: bool = True,
    say: Callable[[str], None] = lambda text: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Verdict]:
    """Measure ``files`` (name -> content), all of one runtime, interleaved, as blocks are measured.

    Where a file is outside the budget, fresh processes are added one at a time until all are inside or ``most`` have
    run, and everything measured counts: what disturbs a machine for a while widens the interval until enough of it was
    quiet. Memory is measured after that, each file in a process of its own, unless ``memory`` is False. OutcomeError
    when a file cannot be measured.
    """
    from edgenas.devices.transports.reattach import clear
    from edgenas.profiler.device_session import station
    from edgenas.profiler.export.integer import computed_in
    from edgenas.profiler.measure import measure_processes
    from edgenas.profiler.sustained_run import memory_of

    worker = open_worker(entry, runtime)

    def inside(times: Mapping[str, list[list[Times]]]) -> bool:
        return budget_ms is None or all(estimates.interval(t, statistic)[1] <= budget_ms for t in times.values())

    how = runtime_named(runtime)
    when = conditions([entry], force, say)
    with station(worker, how, plan or Plan(cores=entry.cores), when) as held, held.steady():
        clear(worker.device)  # what an earlier process left there is not measured now
        repeated = measure_processes(
            worker.device,
            how,
            files,
            held.plan,
            program=worker.program,
            processes=processes,
            most=most,
            enough=inside,
            progress=progress,
        )
        takes = dict.fromkeys(files, Memory(None, None))
        for name in repeated.times if memory else ():
            try:
                takes[name] = memory_of(worker.device, how, files[name], held.plan, program=worker.program)
            except (OutcomeError, DeviceError) as error:  # the times stand without it
                say(f"{name}: its memory is not known: {error}")
    if repeated.failures:
        failure = repeated.failures[0]
        raise OutcomeError(f"{failure.name} cannot be measured on {entry.name} ({failure.stage}): {failure.message}")
    verdicts = []
    for name, times in repeated.times.items():
        low, high = estimates.interval(times, statistic)
        verdicts.append(
            Verdict(
                name,
                entry.name,
                runtime,
                statistic,
                estimates.estimate(times, statistic),
                low,
                high,
                estimates.estimate(times, "median"),
                estimates.estimate(times, "p90"),
                budget_ms,
                predicted_ms,
                None if budget_ms is None else high <= budget_ms,
                replace(held.setting, precision=computed_in(files[name])),
                takes[name].peak_kib,
                takes[name].model_kib,
                *estimates.interval(times, "median"),
            )
        )
    return verdicts
