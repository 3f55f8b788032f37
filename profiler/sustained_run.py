"""Sustained run of one model alone on a device, for any duration, with its times, temperature and memory.

On a remote device the run is a job that continues without a connection (``edgenas.devices.transports.jobs``). Its
output is read while it runs, so that an interrupted run leaves the minutes it had. The clock is not held: applications
have the same conditions. The scheduler is 'normal', since 'fifo' must not block a core for minutes.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from edgenas.base.errors import DeviceError, LostError, OutcomeError
from edgenas.base.listener import SILENT, Listener
from edgenas.devices.base import Device
from edgenas.devices.session.sample_state import Moment, flags, read_brief
from edgenas.devices.transports.jobs import PATIENT, Wait
from edgenas.devices.transports.reattach import clear, run_kept
from edgenas.devices.transports.remote_device import RemoteDevice
from edgenas.profiler.measure import START_S, check_header, files_key, how_it_ended, push_files
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes.base import Runtime
from edgenas.profiler.runtimes.sustained import Memory, Minute, SustainedOutput, SustainedRequest
from edgenas.profiler.sustained_load import MinuteReading

_LOOKS, _READS = 2, 6  # readings per minute of the device's state, and of the output


@dataclass(frozen=True, slots=True)
class SustainedRun:
    """Output of a model that ran alone, and the states of the device meanwhile (``moments``). ``stopped`` is the reason
    why the run ended early, '' where it did not."""

    output: SustainedOutput
    moments: tuple[Moment, ...]
    stopped: str = ""

    def within(self, minute: Minute) -> list[Moment]:
        """Return the states of the device in ``minute``."""
        return looks(self.output, self.moments, minute)


def run_alone(
    device: Device,
    runtime: Runtime,
    model: bytes,
    plan: Plan,
    task: SustainedRequest,
    *,
    program: str,
    wait: Wait = PATIENT,
    listener: Listener = SILENT,
) -> SustainedRun:
    """Run one model alone on a device for ``task.seconds``. ``plan`` must be settled (``Plan.on``): cores, threads,
    seed and warm-up are taken from it.

    A run that is interrupted (KeyboardInterrupt), lost or killed returns the minutes that it had; where it had none,
    KeyboardInterrupt, DeviceError or OutcomeError is raised.
    """
    settled = replace(plan, cold_kib=0, scheduler="normal", limit_s=math.ceil(task.seconds) or plan.limit_s)
    files = runtime.alone_files(model, settled, task)
    watch = _Watch(device, runtime, task, settled.cores or (), listener)
    broken: KeyboardInterrupt | DeviceError | None = None
    try:
        returncode, stderr = _run(device, runtime, files, task, program, wait, watch)
        stopped = how_it_ended(returncode, stderr)
    except KeyboardInterrupt as error:
        stopped, broken = "interrupted", error
    except DeviceError as error:
        stopped, broken = str(error), error
    output = runtime.parse_alone(watch.text, task)
    if output is not None:
        check_header(device.name, output.header, runtime, settled)
    if output is not None and output.memory is not None and not output.failure and broken is None:
        return SustainedRun(output, tuple(watch.moments))
    if output is None or not output.minutes:
        if broken is not None:
            raise broken
        why = (output.failure if output else "") or stopped
        raise OutcomeError(f"{device.name}: {runtime.name} does not run the model alone: {why}")
    return SustainedRun(output, tuple(watch.moments), output.failure or stopped)


def memory_of(
    device: Device, runtime: Runtime, model: bytes, plan: Plan, *, program: str, wait: Wait = PATIENT
) -> Memory:
    """Measure the memory of a model that runs a few times in a process of its own. Raises OutcomeError, DeviceError."""
    try:
        ran = run_alone(device, runtime, model, plan, SustainedRequest(0.0, watch=True), program=program, wait=wait)
    except OutcomeError:  # a build of a tool without the option that reports memory
        ran = run_alone(device, runtime, model, plan, SustainedRequest(0.0), program=program, wait=wait)
    assert ran.output.memory is not None
    return ran.output.memory


def looks(output: SustainedOutput, moments: Sequence[Moment], minute: Minute) -> list[Moment]:
    """Return those of ``moments`` that are within ``minute``."""
    begin_s = output.began_s + minute.at_s
    return [moment for moment in moments if begin_s <= moment.at_s < begin_s + minute.seconds]


def minute_reading(minute: Minute, moments: Sequence[Moment], before: Moment | None = None) -> MinuteReading:
    """Return the reading of ``minute``, with temperature, clock and throttling of the device at its ``moments``;
    ``before`` is the moment before them."""
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


def _run(
    device: Device,
    runtime: Runtime,
    files: dict[str, bytes],
    task: SustainedRequest,
    program: str,
    wait: Wait,
    watch: _Watch,
) -> tuple[int, str]:
    """Run the files on the device and return (exit code, stderr); the output is in ``watch``, also after an error."""
    timeout_s = task.seconds + START_S
    if isinstance(device, RemoteDevice):

        def put(folder: str) -> None:
            push_files(device, files, folder)
            watch.path = f"{folder}/job/out"

        clear(device)
        result = run_kept(
            device,
            files_key(program, files),
            put,
            lambda folder: runtime.alone_command(program, folder),
            timeout_s=timeout_s,
            wait=replace(wait, watch=watch.look),
        )
        clear(device)
        watch.text = result.stdout
        return result.returncode, result.stderr
    with device.workdir() as work:
        folder = f"{work}/work"
        push_files(device, files, folder)
        watch.path = f"{work}/printed"
        argv = ["sh", "-c", 'exec "$@" >"$0"', watch.path, *runtime.alone_command(program, folder)]
        try:
            with _beside(watch.look, min(1.0, task.minute_s / _READS)):
                result = device.run(argv, timeout_s=timeout_s)
        finally:
            watch.read()
        return result.returncode, result.stderr


@contextlib.contextmanager
def _beside(look: Callable[[], None], every_s: float) -> Iterator[None]:
    """Call ``look`` every ``every_s`` seconds in a separate thread during the ``with`` block."""
    over = threading.Event()

    def loop() -> None:
        while not over.wait(every_s):
            with contextlib.suppress(DeviceError):
                look()

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class _Watch:
    """Reader of a run's output at ``path`` and of its device's state, each a few times per minute."""

    def __init__(
        self, device: Device, runtime: Runtime, task: SustainedRequest, cores: Sequence[int], listener: Listener
    ) -> None:
        self.path, self.text, self.moments = "", "", list[Moment]()
        self._device, self._runtime, self._task, self._cores = device, runtime, task, cores
        self._listener, self._minutes = listener, math.ceil(task.seconds / task.minute_s)
        self._last_reported = -1
        self._next_look_s = self._next_read_s = 0.0

    def look(self) -> None:
        """Read what is due. Raises LostError, so that the caller waits for the device; other errors skip a reading."""
        if self._task.seconds == 0:
            return
        now = time.monotonic()
        try:
            if now >= self._next_look_s:
                self._next_look_s = now + self._task.minute_s / _LOOKS
                moment = read_brief(self._device, self._cores)
                self.moments += [moment] if moment else []
            if now >= self._next_read_s:
                self._next_read_s = now + self._task.minute_s / _READS
                self.read()
                self._report()
        except LostError:
            raise
        except (DeviceError, OutcomeError):
            pass

    def read(self) -> None:
        """Read the new output, in whole lines."""
        if not self.path:
            return
        argv = ["tail", "-n", f"+{self.text.count(chr(10)) + 1}", self.path]
        self.text += "".join(self._device.run(argv, timeout_s=60.0).stdout.rpartition("\n")[:2])

    def _report(self) -> None:
        """Call ``tell`` for each complete minute that was not reported yet."""
        output = self._runtime.parse_alone(self.text, self._task)
        if output is None:
            return
        for minute in output.minutes if output.of == "run" else output.minutes[:-1]:  # a tool's last one goes on
            if minute.number > self._last_reported:
                self._last_reported = minute.number
                reading = minute_reading(minute, looks(output, self.moments, minute))
                self._listener.progress(reading.minute, self._minutes, str(reading), detail=reading)
