"""Verification of exported files: time them on a device, and compare with a budget and a prediction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgenas.base.errors import DeviceError, InputError, OutcomeError
from edgenas.base.listener import SILENT, Listener
from edgenas.devices.facts.facts import fingerprint, read_facts
from edgenas.devices.inventory import Entry
from edgenas.latency_tables.setting import Fact, Setting
from edgenas.latency_tables.statistics import estimates
from edgenas.latency_tables.statistics.estimates import Times
from edgenas.profiler.delegation import check_plan, fault_of
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes import RUNTIMES
from edgenas.profiler.runtimes.output import ModelResult
from edgenas.profiler.runtimes.sustained import Memory
from edgenas.profiler.verdict import Verdict
from edgenas.profiler.workers import conditions, open_worker, runtime_named


def runtime_of(path: Path, entry: Entry) -> str:
    """Return the name of the runtime that runs a file on a device, by the file's suffix; InputError for any other
    suffix."""
    from edgenas.devices.sections import TOOLS

    fitting = {name: runtime for name, runtime in RUNTIMES.items() if (name in TOOLS) == (not entry.python)}
    for name, runtime in fitting.items():
        if path.suffix == f".{runtime.format}":
            return name
    endings = ", ".join(f".{runtime.format}" for runtime in fitting.values()) or "none"
    raise InputError(f"{path}: no runtime for files that end in {path.suffix!r} on {entry.name}; there are {endings}")


def plan_in(setting: Setting, entry: Entry, **changes: Any) -> Plan:
    """Return the plan that measures on a device in the conditions of ``setting``.

    Its cores are those of the inventory; without any, those of the setting where the device is the setting's machine;
    otherwise the device chooses its own. ``changes``: see ``Plan.of``.
    """
    cores = entry.cores
    if cores is None and machine(setting) == _known(fingerprint(read_facts(entry.open()))):
        cores = setting.cores
    return Plan.of(setting, **{**changes, "cores": cores})


def machine(setting: Setting) -> dict[str, Fact]:
    """Return the facts of a setting's device that stay the same when its clock is held."""
    return _known(dict(setting.device))


def _known(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    return {name: value for name, value in facts.items() if name != "governor"}


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
    statistic: str = estimates.DEFAULT,
    force: bool = False,
    memory: bool = True,
    leave_out: bool = False,
    listener: Listener = SILENT,
) -> list[Verdict]:
    """Measure ``files`` (name -> content), all of one runtime, interleaved in several fresh processes, by the method
    that measures blocks.

    Where a file is outside the budget, fresh processes are added one at a time until all files are inside or ``most``
    processes have run. All measurements count: a temporary disturbance of the machine widens the interval until enough
    processes were undisturbed. Memory is measured afterwards, each file in a process of its own, unless ``memory`` is
    False. OutcomeError when a file cannot be measured; with ``leave_out``, such a file has no verdict, and a message
    says why, unless it is every file.
    """
    from edgenas.devices.transports.reattach import clear
    from edgenas.profiler.device_session import station
    from edgenas.profiler.export.integer import computed_in
    from edgenas.profiler.measure import measure_processes
    from edgenas.profiler.sustained_run import memory_of

    plan = plan or Plan(cores=entry.cores)
    for model in files.values():
        check_plan(replace(plan, precision=computed_in(model)), runtime)
    worker = open_worker(entry, runtime, plan.requested)

    def inside(times: Mapping[str, list[list[Times]]]) -> bool:
        return budget_ms is None or all(estimates.interval(t, statistic)[1] <= budget_ms for t in times.values())

    how = runtime_named(runtime)
    when = conditions([entry], force, listener)
    with station(worker, how, plan, when) as held, held.steady():
        clear(worker.device)  # a kept result of an earlier process must not be collected as this measurement
        repeated = measure_processes(
            worker.device,
            held.runtime,
            files,
            held.plan,
            program=worker.program,
            processes=processes,
            most=most,
            enough=inside,
            check=lambda result: fault_of(result, held.setting),
            listener=listener,
        )
        takes = dict.fromkeys(files, Memory(None, None))
        for name in repeated.times if memory else ():
            try:
                takes[name] = memory_of(worker.device, held.runtime, files[name], held.plan, program=worker.program)
            except (OutcomeError, DeviceError) as error:  # the times are valid without it
                listener.message(f"{name}: its memory is not known: {error}")
    for failure in repeated.failures:
        why = f"{failure.name} cannot be measured on {entry.name} ({failure.stage}): {failure.message}"
        if not leave_out or not repeated.times:
            raise OutcomeError(why)
        listener.message(f"left out: {why}")
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
                _of_file(held.setting, computed_in(files[name]), repeated.results[name]),
                takes[name].peak_kib,
                takes[name].model_kib,
                *estimates.interval(times, "median"),
                takes[name].load_ms,
                takes[name].first_ms,
                init_ms=repeated.init_ms.get(name),
            )
        )
    return verdicts


def _of_file(setting: Setting, precision: str, result: ModelResult) -> Setting:
    """Return the conditions in which a file was measured: its precision, and what the delegate took of it."""
    found = result.delegated
    if found is None:
        return replace(setting, precision=precision)
    return replace(
        setting,
        precision=precision,
        delegate=result.delegate,
        nodes_taken=found.nodes_taken,
        nodes_total=found.nodes_total,
    )
