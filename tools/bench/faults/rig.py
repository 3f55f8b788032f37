"""Device of a trial, to which faults are applied: the parts common to all transports, and this machine as a device."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
import uuid
from abc import ABC, abstractmethod
from pathlib import Path

from edgenas.devices.base import Device
from tools.bench.faults.way import Way
from tools.rig import process

GOVERNOR = "ondemand"


class Rig:
    """This machine as a device, and the base class of all devices of trials.

    ``base`` is where our folder on the device is made; ``log``, ``spoil`` and ``program`` are paths on the device,
    ``here(path)`` is that file on this machine.
    """

    transport = "local"

    def __init__(self, folder: Path, *, small_disk: bool = False) -> None:
        self.folder, self.name = folder, folder.name
        self.root = folder / "device"
        self.base, self._small = self.root / "base", small_disk
        self.base.mkdir(parents=True)
        self.cpu, self.programs = self.root / "cpu", self.root / "bin"
        self.mark = f"EDGENAS_RIG_DEVICE={self.root}"  # a variable that its processes have
        self.stack = contextlib.ExitStack()
        self._device: Device | None = None

    def __enter__(self) -> Rig:
        with contextlib.ExitStack() as undo:
            undo.push(self.__exit__)
            if self._small:
                process.run("mount", "-t", "tmpfs", "-o", "size=1m", "none", self.base)
                self.stack.callback(process.run, "umount", "-l", self.base)
            self.set_governors()
            self.restore_program()
            self.start()
            undo.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self.kill_all()
        self.stack.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Start the device; this machine runs already."""

    @property
    def there(self) -> str:
        """Path of ``root`` on the device."""
        return str(self.root)

    @property
    def log(self) -> str:
        return f"{self.there}/log"

    @property
    def spoil(self) -> str:
        return f"{self.there}/spoil"

    @property
    def program(self) -> str:
        return f"{self.there}/runner"

    def here(self, path: str) -> Path:
        return self.root / path.removeprefix(self.there).lstrip("/")

    def way(self, name: str = "") -> Way:
        return Way("local", name or self.name, {"base": str(self.base)})

    def open(self) -> Device:
        """Return the device of this process, always the same object: it keeps the list of what it could not remove."""
        self._device = self._device or self.way().open()
        return self._device

    def give_program(self, name: str, script: str) -> None:
        """Install a shell script as a program on the device's PATH."""
        path = self.programs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def replace_program(self, content: bytes) -> None:
        """Replace the content of the runtime's program."""
        new = self.root / "runner.new"
        new.write_bytes(content)
        new.chmod(0o755)
        new.rename(self.root / "runner")

    def restore_program(self) -> None:
        self.replace_program(b'#!/bin/sh\nexec sh "$@"\n')

    def spoil_next(self, how: str) -> None:
        """Make the runtime spoil the output of the next batch, see ``tools.rig.sleeping``."""
        new = self.here(f"{self.spoil}.new")
        new.write_text(f"{how}\n")
        new.rename(self.here(self.spoil))

    def jobs(self) -> list[Path]:
        """Return the folders of kept jobs, as paths of this machine."""
        return list(self.base.glob("edgenas-*/kept/*/job"))

    def processes(self) -> list[int]:
        """Return the processes of edgenas on the device: those with the folder of edgenas in their arguments, except
        the watchdog of the clock.
        """
        found, place = [], f"{self.there}/{self.base.relative_to(self.root)}/"
        for pid in process.parents():
            line = process.command_line(pid)
            if place in line and pid != os.getpid() and "/state/watch" not in line:
                found.append(pid)
        return found

    def kill_all(self) -> None:
        """Kill every process of the device."""
        mark = self.mark.encode()
        for path in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if mark in path.read_bytes().split(b"\0"):
                    os.kill(int(path.parent.name), signal.SIGKILL)

    def governors(self) -> list[str]:
        return sorted({path.read_text().strip() for path in self.cpu.glob("cpu*/cpufreq/scaling_governor")})

    def has_governors(self) -> bool:
        return False

    def set_governors(self) -> None:
        """Set the governors to their values after booting."""
        for number in range(2):
            path = self.cpu / f"cpu{number}" / "cpufreq" / "scaling_governor"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{GOVERNOR}\n")


class RemoteRig(Rig, ABC):
    """Device behind a connection that can be broken."""

    boot: Path  # the file that is its boot id

    @abstractmethod
    def pull(self) -> None:
        """Disconnect the device."""

    @abstractmethod
    def plug(self) -> None:
        """Connect the device again."""

    @abstractmethod
    def cut(self, after_bytes: int) -> None:
        """Break the connection after ``after_bytes`` more bytes."""

    @abstractmethod
    def slow(self, delay_s: float) -> None:
        """Delay all data by ``delay_s``; 0 ends the delay."""

    def power_cut(self) -> None:
        """Kill every process, break the connection, write a new boot id, and set the governors as after booting; files
        stay.
        """
        self.pull()
        self.kill_all()
        self.set_governors()
        with self.boot.open("r+b") as file:  # in place: it may be mounted over the real one
            os.pwrite(file.fileno(), f"{uuid.uuid4()}\n".encode(), 0)
        self.plug()


def wait_for_quiet(rig: Rig, limit_s: float = 3.0) -> list[int]:
    """Wait until no process of edgenas runs on the device, at most ``limit_s``; return those that still run."""
    end = time.monotonic() + limit_s
    while (left := rig.processes()) and time.monotonic() < end:
        time.sleep(0.05)
    return left
