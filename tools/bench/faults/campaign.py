"""The campaign that a trial disturbs: 4 blocks in 2 processes, in batches of 2, on one device; in this process, or in a
separate process that can be killed.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.context import SpawnProcess
from pathlib import Path

from edgenas.base.errors import DeviceError, EdgenasError
from edgenas.base.listener import SILENT, Listener
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import Weights
from edgenas.devices.base import Device
from edgenas.devices.session.session import Conditions
from edgenas.devices.transports.remote_device import RemoteDevice
from edgenas.profiler.campaign import profile
from edgenas.profiler.plan import Plan
from edgenas.profiler.stopping import StoppingRule
from tools.bench.faults.rig import Rig
from tools.bench.faults.way import Way
from tools.rig.sleeping import Sleeping

BLOCKS = tuple(BlockSpec.parse(f"conv-8x3-o{width}-k3-s1-relu6") for width in range(1, 5))
PROCESSES, BATCH = 2, 2
PAIRS = len(BLOCKS) * PROCESSES
MODEL_S = 0.1
PATIENCE_S = 4.0
LONGEST_S = 120.0
_MODEL_BYTES = 20_000
_POLL_S = 0.15


class _StoppedError(BaseException):
    """Error that ends a campaign that takes too long."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """End of a campaign: ``error`` is '' where it did not fail, ``clean`` is True where the error is one of edgenas."""

    error: str = ""
    clean: bool = True
    failures: int = 0


@dataclass(slots=True)
class Started:
    """Campaign that runs, in a thread or in a ``process``."""

    said: list[str] = field(default_factory=list)
    process: SpawnProcess | None = None
    outcome: Outcome | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    told: Callable[[str], None] = lambda text: None
    _thread: threading.Thread | None = None
    _file: Path | None = None

    def ended(self) -> bool:
        if self.process is not None:
            return not self.process.is_alive()
        assert self._thread is not None
        return not self._thread.is_alive()

    def wait(self) -> Outcome:
        """Wait for the end of the campaign and return it; stop a campaign that takes too long, and report that."""
        if self.process is not None and self._file is not None:
            self.process.join(LONGEST_S)
            if self.process.is_alive():
                self.process.kill()
                self.process.join()
                return Outcome("it did not end in time", clean=False)
            if self._file.exists():
                return Outcome(**json.loads(self._file.read_text()))
            return Outcome(f"its process ended with {self.process.exitcode}")
        assert self._thread is not None
        self._thread.join(LONGEST_S)
        self.stop.set()
        self._thread.join(60)
        return self.outcome or Outcome("it did not end in time", clean=False)


def runtime(rig: Rig, name: str) -> Sleeping:
    """Return the runtime of a campaign. A campaign under another ``name`` than the disturbed one writes no log, so that
    its runs are not counted.
    """
    return Sleeping(MODEL_S, "/dev/null" if name else rig.log, rig.spoil)


def start(rig: Rig, table: Path, *, own_process: bool = False, limit_bytes: int = 0, name: str = "") -> Started:
    """Start the campaign; ``limit_bytes`` is the largest file that its process may write, 0 for no limit. ``name`` is
    another name for the device, for a second campaign on it.
    """
    running = Started()
    if own_process or limit_bytes:
        running._file = table.with_suffix(".outcome")
        running._file.unlink(missing_ok=True)
        context = multiprocessing.get_context("spawn")
        arguments = (rig.way(name), runtime(rig, name), rig.program, table, running._file, limit_bytes)
        running.process = context.Process(target=_in_process, args=arguments, daemon=True)
        running.process.start()
        return running

    device = rig.way(name).open() if name else rig.open()

    def sleep(seconds: float) -> None:
        time.sleep(min(seconds, _POLL_S))
        if running.stop.is_set():
            raise _StoppedError

    class Heard(Listener):
        def message(self, text: str) -> None:
            running.said.append(text)
            running.told(text)

    def work() -> None:
        running.outcome = _run(device, runtime(rig, name), rig.program, table, sleep, Heard())

    running._thread = threading.Thread(target=work, name=table.stem, daemon=True)
    running._thread.start()
    return running


def _in_process(
    way: Way, runtime: Sleeping, program: str, table: Path, answer: Path, limit_bytes: int
) -> None:  # pragma: no cover, another process
    if limit_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, resource.RLIM_INFINITY))
    outcome = _run(way.open(), runtime, program, table, lambda s: time.sleep(min(s, _POLL_S)), SILENT)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    text = json.dumps({"error": outcome.error, "clean": outcome.clean, "failures": outcome.failures})
    new = answer.with_suffix(".new")
    new.write_text(text)
    new.rename(answer)


def _run(
    device: Device,
    runtime: Sleeping,
    program: str,
    table: Path,
    sleep: Callable[[float], None],
    listener: Listener,
) -> Outcome:
    conditions = Conditions(patience_s=PATIENCE_S, sleep=sleep, listener=listener)
    try:
        done = profile(
            device,
            runtime,
            BLOCKS,
            table,
            writer=_write,
            program=program,
            plan=Plan(),
            enough=StoppingRule.exactly(PROCESSES),
            batch_blocks=BATCH,
            conditions=conditions,
        )
    except (EdgenasError, DeviceError) as error:
        return Outcome(f"{type(error).__name__}: {error}")
    except (Exception, _StoppedError) as error:
        return Outcome(f"{type(error).__name__}: {error}", clean=False)
    finally:
        if isinstance(device, RemoteDevice):
            device.close()
    return Outcome(failures=len(done.failures))


def _write(blocks: Sequence[BlockSpec], weights: Sequence[Weights]) -> bytes:
    """Return a placeholder for a model; nothing reads its content."""
    return str(blocks[0]).encode().ljust(_MODEL_BYTES, b".")
