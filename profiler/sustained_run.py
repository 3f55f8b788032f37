"""Runs one model alone on a device for as long as one likes, and looks at both meanwhile: minutes, heat, memory.

On devices with a connection to lose it is a job that goes on without it (``edgenas.devices.transports.jobs``); what
it has printed is read as it goes, so that a run which is broken off leaves the minutes it had. Nothing holds the
clock: it is the device as applications find it. The scheduler is the normal one, since one that gives way to nobody
may not do so for minutes.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from edgenas.base.errors import DeviceError, LostError, OutcomeError
from edgenas.devices.base import Device
from edgenas.devices.session.sample_state import Moment, read_brief
from edgenas.devices.transports.jobs import PATIENT, Wait
from edgenas.devices.transports.reattach import clear, run_kept
from edgenas.devices.transports.remote_device import RemoteDevice
from edgenas.profiler.measure import START_S, check_header, files_key, how_it_ended, push_files
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes.base import Runtime
from edgenas.profiler.runtimes.sustained import Memory, Minute, SustainedOutput, SustainedRequest

_LOOKS, _READS = 2, 6  # at the device, and at what was printed, a minute

#: Told of every minute that is over, with the looks at the device in it.
Tell = Callable[[Minute, Sequence[Moment]], None]


@dataclass(frozen=True, slots=True)
class SustainedRun:
    """What a model did alone, and how the device felt. ``stopped`` says why it ended before its time, '' where it did
    not."""

    output: SustainedOutput
    moments: tuple[Moment, ...]
    stopped: str = ""

    def within(self, minute: Minute) -> list[Moment]:
        """The looks at the device in that minute."""
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
    tell: Tell = lambda minute, moments: None,
) -> SustainedRun:
    """``plan`` must be settled (``Plan.on``): cores, threads, seed and warm-up are taken from it.

    A run that is interrupted (KeyboardInterrupt), lost or killed gives the minutes that it had; where it had none,
    KeyboardInterrupt, DeviceError or OutcomeError is raised.
    """
    settled = replace(plan, cold_kib=0, scheduler="normal", limit_s=math.ceil(task.seconds) or plan.limit_s)
    files = runtime.alone_files(model, settled, task)
    watch = _Watch(device, runtime, task, settled.cores or (), tell)
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
    """What a model takes while it runs a few times, in a process of its own. OutcomeError, DeviceError."""
    try:
        ran = run_alone(device, runtime, model, plan, SustainedRequest(0.0, watch=True), program=program, wait=wait)
    except OutcomeError:  # a tool that does not know how to watch
        ran = run_alone(device, runtime, model, plan, SustainedRequest(0.0), program=program, wait=wait)
    assert ran.output.memory is not None
    return ran.output.memory


def looks(output: SustainedOutput, moments: Sequence[Moment], minute: Minute) -> list[Moment]:
    """Those of ``moments`` that fall into ``minute``."""
    begin_s = output.began_s + minute.at_s
    return [moment for moment in moments if begin_s <= moment.at_s < begin_s + minute.seconds]


def _run(
    device: Device,
    runtime: Runtime,
    files: dict[str, bytes],
    task: SustainedRequest,
    program: str,
    wait: Wait,
    watch: _Watch,
) -> tuple[int, str]:
    """Exit code and stderr; what was printed is in ``watch``, also where this raises."""
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
    """``look`` now and then in a thread of its own while the block runs."""
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
    """Looks at what a run has printed to ``path`` and at its device, each a few times a minute."""

    def __init__(
        self, device: Device, runtime: Runtime, task: SustainedRequest, cores: Sequence[int], tell: Tell
    ) -> None:
        self.path, self.text, self.moments = "", "", list[Moment]()
        self._device, self._runtime, self._task, self._cores, self._tell = device, runtime, task, cores, tell
        self._told = -1
        self._next_look_s = self._next_read_s = 0.0

    def look(self) -> None:
        """Whatever is due. LostError, for whoever waits for the device; what else fails is left out."""
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
                self._say()
        except LostError:
            raise
        except (DeviceError, OutcomeError):
            pass

    def read(self) -> None:
        """Take what is new of what was printed, in whole lines."""
        if not self.path:
            return
        argv = ["tail", "-n", f"+{self.text.count(chr(10)) + 1}", self.path]
        self.text += "".join(self._device.run(argv, timeout_s=60.0).stdout.rpartition("\n")[:2])

    def _say(self) -> None:
        output = self._runtime.parse_alone(self.text, self._task)
        if output is None:
            return
        for minute in output.minutes if output.of == "run" else output.minutes[:-1]:  # a tool's last one goes on
            if minute.number > self._told:
                self._told = minute.number
                self._tell(minute, looks(output, self.moments, minute))
