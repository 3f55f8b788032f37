"""Measurement of model files on a device, of blocks and of whole networks."""

from __future__ import annotations

import contextlib
import hashlib
import statistics
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edgenas.base.errors import DeviceError, OutcomeError, TimeLimitError
from edgenas.base.listener import SILENT, Listener
from edgenas.base.text import printable
from edgenas.devices.base import Device
from edgenas.devices.transports.jobs import PATIENT, Wait
from edgenas.devices.transports.local import LocalDevice
from edgenas.devices.transports.reattach import clear, run_kept
from edgenas.latency_tables.statistics.estimates import Times, rounds_ms
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes.base import Runtime
from edgenas.profiler.runtimes.output import BatchOutput, Description, Header, ModelResult, OutputError
from edgenas.profiler.runtimes.python_runner import PythonRunner

START_S = 120.0  # seconds in which a slow board imports a runtime, or a batch finishes its current round


@dataclass(frozen=True, slots=True)
class Failure:
    """A model that could not be measured: the stage that failed, and the error message."""

    name: str
    stage: str
    message: str


@dataclass(frozen=True, slots=True)
class BatchResult:
    """Results of one process of the runner, by name of the model, and the models that failed."""

    results: Mapping[str, ModelResult]
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class RepeatedTimes:
    """Milliseconds per run by name of the model: process -> round -> samples, as
    ``edgenas.latency_tables.statistics.estimates`` takes them. ``results`` are those of the last process, and
    ``init_ms`` medians of the time of loading, compilation and the first run, where they were taken."""

    times: Mapping[str, list[list[Times]]]
    failures: tuple[Failure, ...]
    results: Mapping[str, ModelResult] = field(default_factory=dict)
    init_ms: Mapping[str, float] = field(default_factory=dict)


def describe(device: Device, runtime: Runtime, program: str) -> Description:
    """Return the description of a runtime on the device; OutcomeError names what to install where it does not run."""
    with device.workdir() as work:
        folder = f"{work}/describe"
        push_files(device, runtime.describe_files(), folder)
        result = device.run(runtime.describe_command(program, folder), timeout_s=START_S)
    if result.returncode != 0:
        why = said_why(result.stderr) or f"exit code {result.returncode}"
        remedy = runtime.install
        if isinstance(runtime, PythonRunner) and not isinstance(device, LocalDevice):
            remedy = f"type: edgenas devices prepare {device.name} --runtime {runtime.name} --write"
        if isinstance(runtime, PythonRunner) and runtime.delegate is not None:
            raise OutcomeError(f"{device.name}, {program}: {why}; {runtime.install}")
        raise OutcomeError(f"{runtime.name} does not run on {device.name} with {program}: {why}; {remedy}")
    return runtime.parse_describe(result.stdout)


def said_why(stderr: str) -> str:
    """Return why a runner failed, by its own message where it has one, else the end of ``stderr``."""
    own = stderr.rpartition("bench_runner: ")[2].partition("\n")[0] if "bench_runner: " in stderr else stderr[-400:]
    return printable(own.removeprefix("RefusedError: "), 600)


def measure_models(
    device: Device,
    runtime: Runtime,
    models: Mapping[str, bytes],
    plan: Plan,
    *,
    program: str,
    process: int = 0,
    key: str = "",
    version: str = "",
    wait: Wait = PATIENT,
) -> BatchResult:
    """Measure every model of ``models`` (name -> content of its file) in one process of the runner, interleaved.

    ``plan`` must be settled (``Plan.on``). ``process`` is the number of the fresh process, which seeds the order of the
    models. A model that crashes the runner is identified by halving the batch, and becomes a failure. ``key`` and
    ``wait`` are those of ``edgenas.devices.transports.reattach.run_kept``; by default the key is made from the files.
    ``version`` is the required package and version of the runtime; '' accepts any. OutcomeError when the runner does
    not start or did not run by the plan, DeviceError when the device fails.
    """
    if not models:
        return BatchResult({}, ())
    files = runtime.batch_files(models, plan, process)
    try:
        output, why = _run(device, runtime, files, plan, program, key or files_key(program, files), wait)
        _check(device.name, output, why, runtime, models, plan, version)
    except OutcomeError:  # the device keeps the output of the job, and would only return it again
        with contextlib.suppress(DeviceError):
            clear(device)
        raise
    assert output is not None
    results = {r.name: r for r in output.results}
    failures = [Failure(e.name, e.stage, e.message) for e in output.errors]
    left = [name for name in models if name not in results and all(f.name != name for f in failures)]
    if len(left) == 1:
        failures.append(Failure(left[0], "crash", why))
    elif left:
        for part in (left[: len(left) // 2], left[len(left) // 2 :]):
            half = measure_models(
                device,
                runtime,
                {n: models[n] for n in part},
                plan,
                program=program,
                process=process,
                version=version,
                wait=wait,
            )
            results.update(half.results)
            failures.extend(half.failures)
    return BatchResult(results, tuple(failures))


def measure_processes(
    device: Device,
    runtime: Runtime,
    models: Mapping[str, bytes],
    plan: Plan,
    *,
    program: str,
    processes: int = 3,
    most: int | None = None,
    wait: Wait = PATIENT,
    enough: Callable[[Mapping[str, list[list[Times]]]], bool] = lambda times: True,
    check: Callable[[ModelResult], str | None] = lambda result: None,
    listener: Listener = SILENT,
) -> RepeatedTimes:
    """Call ``measure_models`` in several fresh processes; a model that fails in one is left out of the rest.

    Processes are added one at a time, up to ``most`` in all, while ``enough(times)`` is false. ``listener`` receives
    the number of processes done and of those expected in all. ``check`` returns why a result is refused, if it is.
    """
    results: dict[str, ModelResult] = {}
    init_ms: dict[str, list[float]] = {}
    times: dict[str, list[list[Times]]] = {name: [] for name in models}
    failures: list[Failure] = []
    for process in range(max(processes, most or 0)):
        if process >= processes and enough(times):
            break
        left = {name: models[name] for name in times}
        batch = measure_models(device, runtime, left, plan, program=program, process=process, wait=wait)
        for failure in batch.failures:
            failures.append(failure)
            times.pop(failure.name)
        for name, result in batch.results.items():
            if why := check(result):
                failures.append(Failure(name, "delegate", why))
                times.pop(name)
                continue
            results[name] = result
            if result.init_ns:
                init_ms.setdefault(name, []).append(result.init_ns / 1e6)
            times[name].append(rounds_ms(result.samples_ns, result.loops))
        listener.progress(process + 1, max(processes, process + 1))
    return RepeatedTimes(times, tuple(failures), results, {n: statistics.median(ms) for n, ms in init_ms.items()})


def _run(
    device: Device,
    runtime: Runtime,
    files: Mapping[str, bytes],
    plan: Plan,
    program: str,
    key: str,
    wait: Wait,
) -> tuple[BatchOutput | None, str]:
    """Push the files in one folder, run the batch, and return its parsed output and how the process ended."""
    try:
        result = run_kept(
            device,
            key,
            lambda folder: push_files(device, files, folder),
            lambda folder: runtime.command(program, folder),
            timeout_s=plan.limit_s + START_S,
            wait=wait,
        )
        stdout, why = result.stdout, how_it_ended(result.returncode, result.stderr)
    except TimeLimitError as error:
        stdout, why = error.stdout, printable(str(error))
    return runtime.parse(stdout), why


def files_key(program: str, files: Mapping[str, bytes]) -> str:
    """Return the key of a batch: a digest of its files and the program that runs it."""
    digest = hashlib.sha256(program.encode())
    for name, content in files.items():
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def push_files(device: Device, files: Mapping[str, bytes], folder: str) -> None:
    """Push files to the new ``folder`` of the device. OutcomeError where this machine has no room to stage them."""
    with tempfile.TemporaryDirectory(prefix="edgenas-") as staging:
        try:
            for name, content in files.items():
                Path(staging, name).write_bytes(content)
        except OSError as error:
            why = error.strerror or error
            raise OutcomeError(f"models cannot be written to {staging}: {why}; make room, or set TMPDIR") from error
        device.push(Path(staging), folder)


def how_it_ended(returncode: int, stderr: str) -> str:
    """Return how a process ended (exit code or signal), with the end of its stderr."""
    last = printable(stderr[-400:].rpartition("\n\n")[2])
    how = f"killed by signal {-returncode}" if returncode < 0 else f"exit code {returncode}"
    return f"{how}: {last}" if last else how


def _check(
    name: str,
    output: BatchOutput | None,
    why: str,
    runtime: Runtime,
    models: Collection[str],
    plan: Plan,
    version: str,
) -> None:
    """Raise OutcomeError where the output of a batch does not match its request."""
    if output is None:
        raise OutcomeError(f"{name}: the runner of {runtime.name} did not start: {why}")
    check_header(name, output.header, runtime, plan)
    installed = f"{output.header.installed.package} {output.header.installed.version}"
    if version and installed != version:
        raise OutcomeError(
            f"{name}: the table is of {version}, but {installed} ran: it was changed since the campaign began; nothing "
            "of this batch is kept: put it back, or measure a table of its own"
        )
    reported = {r.name for r in output.results} | {e.name for e in output.errors}
    if reported - set(models) or (output.complete and reported != set(models)):
        raise OutputError(f"{name}: the runner reported other models than it was given")


def check_header(name: str, header: Header, runtime: Runtime, plan: Plan) -> None:
    """Raise OutcomeError where the conditions of a run differ from the plan."""
    planned = (runtime.name, plan.threads, plan.scheduler, plan.cold_kib)
    actual = (header.installed.runtime, header.threads, header.scheduler, header.cold_kib)
    if planned != actual or (plan.cores and header.cores != plan.cores):
        raise OutcomeError(
            f"{name}: the plan has {runtime.name}, {plan.threads} threads, cores {list(plan.cores or ())}, scheduler "
            f"{plan.scheduler}, {plan.cold_kib} KiB cold, but the runner had {header.installed.runtime}, "
            f"{header.threads}, {list(header.cores)}, {header.scheduler}, {header.cold_kib}; nothing of this batch is "
            "kept: run it again"
        )
