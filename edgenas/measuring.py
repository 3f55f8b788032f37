"""Timing exported files on a device, and holding them against a budget and a prediction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from blocks.errors import InputError, OutcomeError
from devices.inventory import Entry
from latency_tables import statistics
from latency_tables.statistics import Times
from profiler.plan import Plan
from profiler.runtimes import RUNTIMES


@dataclass(frozen=True, slots=True)
class Verdict:
    """One file on one device: milliseconds a run by ``statistic``, with its 95 % interval.

    ``within_budget`` asks the interval's upper end, not the estimate; None without a budget. ``predicted_ms`` is the
    sum of the network's blocks in a table of the same runtime.
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

    @property
    def error(self) -> float | None:
        """Measured over predicted, less 1."""
        return None if self.predicted_ms is None else self.measured_ms / self.predicted_ms - 1

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "error": self.error}


def runtime_of(path: Path) -> str:
    """The runtime that runs a file, by its ending; InputError for any other."""
    for name, runtime in RUNTIMES.items():
        if path.suffix == f".{runtime.format}":
            return name
    endings = ", ".join(f".{runtime.format}" for runtime in RUNTIMES.values())
    raise InputError(f"{path}: no runtime for files that end in {path.suffix!r}; there are {endings}")


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
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Verdict]:
    """Measure ``files`` (name -> content), all of one runtime, interleaved, as blocks are measured.

    Where a file is outside the budget, fresh processes are added one at a time until all are inside or ``most`` have
    run, and everything measured counts: what disturbs a machine for a while widens the interval until enough of it was
    quiet. OutcomeError when a file cannot be measured.
    """
    from profiler.measure import describe, measure_processes

    device, how = entry.open(), RUNTIMES[runtime]
    settled = (plan or Plan(cores=entry.cores)).on(describe(device, how, entry.python))

    def inside(times: Mapping[str, list[list[Times]]]) -> bool:
        return budget_ms is None or all(statistics.interval(t, statistic)[1] <= budget_ms for t in times.values())

    repeated = measure_processes(
        device, how, files, settled, program=entry.python, processes=processes, most=most, enough=inside,
        progress=progress,
    )  # fmt: skip
    if repeated.failures:
        failure = repeated.failures[0]
        raise OutcomeError(f"{failure.name} cannot be measured on {entry.name} ({failure.stage}): {failure.message}")
    verdicts = []
    for name, times in repeated.times.items():
        low, high = statistics.interval(times, statistic)
        verdicts.append(
            Verdict(
                name, entry.name, runtime, statistic, statistics.estimate(times, statistic), low, high,
                statistics.estimate(times, "median"), statistics.estimate(times, "p90"), budget_ms, predicted_ms,
                None if budget_ms is None else high <= budget_ms,
            )
        )  # fmt: skip
    return verdicts
