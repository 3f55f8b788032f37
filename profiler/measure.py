"""Measures model files on a device: blocks and whole networks alike."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from edgenas.base.errors import DeviceError, OutcomeError, TimeLimitError
from edgenas.devices.base import Device
from edgenas.devices.facts.facts import printable
from edgenas.devices.transports.jobs import PATIENT, Wait
from edgenas.devices.transports.local import LocalDevice
from edgenas.devices.transports.reattach import clear, run_kept
from edgenas.latency_tables.statistics.estimates import Times, rounds_ms
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes.base import Runtime
from edgenas.profiler.runtimes.output import BatchOutput, Description, Header, ModelResult, OutputError
from edgenas.profiler.runtimes.python_runner import PythonRunner

START_S = 120.0  # for a slow board to import a runtime, and for a batch to finish the round it is in


@dataclass(frozen=True, slots=True)
class Failure:
    """A model that could not be measured: where it went wrong and what was said."""

    name: str
    stage: str
    message: str


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What one process of the runner measured, by name, and what failed."""

    results: Mapping[str, ModelResult]
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class RepeatedTimes:
    """Milliseconds a run by name: process -> round -> samples, as ``edgenas.latency_tables.statistics.estimates``
    takes them."""

    times: Mapping[str, list[list[Times]]]
    failures: tuple[Failure, ...]


def describe(device: Device, runtime: Runtime, program: str) -> Description:
    """What is installed on the device; OutcomeError says what to install where it does not run."""
    with device.workdir() as work:
        folder = f"{work}/describe"
        push_files(device, runtime.describe_files(), folder)
        result = device.run(runtime.describe_command(program, folder), timeout_s=START_S)
    if result.returncode != 0:
        why = printable(result.stderr[-400:]) or f"exit code {result.returncode}"
        remedy = runtime.install
        if isinstance(runtime, PythonRunner) and not isinstance(device, LocalDevice):
            remedy = f"type: edgenas devices prepare {device.name} --runtime {runtime.name} --write"
        raise OutcomeError(f"{runtime.name} does not run on {device.name} with {program}: {why}; {remedy}")
    return runtime.parse_describe(result.stdout)


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
    """Every model of ``models`` (name -> content of its file) in one process of the runner, interleaved.

    ``plan`` must be settled (``Plan.on``). ``process`` numbers the fresh process: it shuffles the order anew. A model
    that crashes the runner is found by halving the batch and becomes a failure. ``key`` and ``wait`` are those of
    ``edgenas.devices.transports.reattach.run_kept``; the key is made from the files where none is given. ``version``
    is the package and its version that must run, where it matters. OutcomeError when the runner does not start or ran
    otherwise than the plan says, DeviceError when the device fails.
    """
    if not models:
        return BatchResult({}, ())
    files = runtime.batch_files(models, plan, process)
    try:
        output, why = _run(device, runtime, files, plan, program, key or files_key(program, files), wait)
        _check(device.name, output, why, runtime, models, plan, version)
    except OutcomeError:  # the device keeps what it ran, and would only say the same again
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
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> RepeatedTimes:
    """``measure_models`` in several fresh processes; a model that fails in one is left out of the rest.

    Up to ``most`` processes are added, one at a time, while ``enough(times)`` says no. ``progress`` is told (processes
    done, processes in all as it looks now).
    """
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
            times[name].append(rounds_ms(result.samples_ns, result.loops))
        progress(process + 1, max(processes, process + 1))
    return RepeatedTimes(times, tuple(failures))


def _run(
    device: Device,
    runtime: Runtime,
    files: Mapping[str, bytes],
    plan: Plan,
    program: str,
    key: str,
    wait: Wait,
) -> tuple[BatchOutput | None, str]:
    """Carry everything there in one folder, run it, read what came back; and why it stopped where it stopped."""
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
    """What names a batch by what it is."""
    digest = hashlib.sha256(program.encode())
    for name, content in files.items():
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def push_files(device: Device, files: Mapping[str, bytes], folder: str) -> None:
    """Carry files to the new ``folder`` of the device. OutcomeError where there is no room here."""
    with tempfile.TemporaryDirectory(prefix="edgenas-") as staging:
        try:
            for name, content in files.items():
                Path(staging, name).write_bytes(content)
        except OSError as error:
            why = error.strerror or error
            raise OutcomeError(f"models cannot be written to {staging}: {why}; make room, or set TMPDIR") from error
        device.push(Path(staging), folder)


def how_it_ended(returncode: int, stderr: str) -> str:
    """The end of what it said on stderr, or how it ended."""
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
    """OutcomeError where a batch is none of what was asked for."""
    if output is None:
        raise OutcomeError(f"{name}: the runner of {runtime.name} did not start: {why}")
    check_header(name, output.header, runtime, plan)
    installed = f"{output.header.installed.package} {output.header.installed.version}"
    if version and installed != version:
        raise OutcomeError(
            f"{name}: the table is of {version}, but {installed} ran: it was changed since the campaign began; nothing "
            "of this batch is kept: put it back, or measure a table of its own"
        )
    told = {r.name for r in output.results} | {e.name for e in output.errors}
    if told - set(models) or (output.complete and told != set(models)):
        raise OutputError(f"{name}: the runner reported other models than it was given")


def check_header(name: str, header: Header, runtime: Runtime, plan: Plan) -> None:
    """OutcomeError where something else was in force than the plan says."""
    asked = (runtime.name, plan.threads, plan.scheduler, plan.cold_kib)
    got = (header.installed.runtime, header.threads, header.scheduler, header.cold_kib)
    if asked != got or (plan.cores and header.cores != plan.cores):
        raise OutcomeError(
            f"{name}: asked for {runtime.name}, {plan.threads} threads, cores {list(plan.cores or ())}, scheduler "
            f"{plan.scheduler}, {plan.cold_kib} KiB cold, but the runner had {header.installed.runtime}, "
            f"{header.threads}, {list(header.cores)}, {header.scheduler}, {header.cold_kib}; nothing of this batch is "
            "kept: run it again"
        )
