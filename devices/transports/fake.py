"""A device for tests: this machine, reached over a link whose faults a test can set.

    device = FakeDevice("pi", tmp_path)
    device.link.faults.drop_after_bytes = 1000
    with pytest.raises(LostError):
        device.run(["seq", "100000"], timeout_s=10)

Commands really run, under this machine's sh, with ``tmp_path/bin`` first on their PATH; ``program("vcgencmd", ...)``
adds a program there. All code above the link is the same as for ssh and adb.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shlex
import signal
import subprocess
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from edgenas.base.errors import LostError
from edgenas.devices.transports.link import STALL_S, NotSentError
from edgenas.devices.transports.remote import BOOT_ID, READ_AND_DECODE
from edgenas.devices.transports.remote_device import RemoteDevice

_TURN_S = 0.02  # longest time that one thread holds the lock of a channel


@dataclass
class Faults:
    """Faults of the link; they may be changed while the device is in use.

    unplugged: no byte passes and neither end is notified; a reader waits ``notice_s`` seconds, then the link is lost.
    drop_after_bytes: the connection breaks once, after this number of further bytes in both directions together.
    latency_s: wait before every command, s.
    corrupt_input: one bit of the next data to the device is wrong, once.
    """

    unplugged: bool = False
    notice_s: float = 0.2
    drop_after_bytes: int | None = None
    latency_s: float = 0.0
    corrupt_input: bool = False


class FakeLink:
    """See ``edgenas.devices.transports.link.Link``. ``connects`` is the number of connections made, ``commands`` holds
    the commands started."""

    def __init__(self, folder: Path, name: str) -> None:
        self.faults = Faults()
        self.connects = 0
        self.commands: list[str] = []
        self._folder, self._name = folder, name
        self._up = False
        self._channels: list[FakeChannel] = []
        (folder / "bin").mkdir(parents=True, exist_ok=True)
        self.new_boot()

    def new_boot(self) -> None:
        """Write a new boot id, as after a reboot."""
        (self._folder / "boot_id").write_text(f"{uuid.uuid4()}\n", encoding="ascii")

    def connect(self) -> bool:
        """See ``Link.connect``."""
        if self.faults.unplugged:
            self.drop()
            raise LostError(f"{self._name} does not answer: it is unplugged; set faults.unplugged = False")
        if self._up:
            return False
        self._up = True
        self.connects += 1
        return True

    def open(self, command: str) -> FakeChannel:
        """See ``Link.open``."""
        time.sleep(self.faults.latency_s)
        if not self._up or self.faults.unplugged:
            raise NotSentError(f"{self._name} does not answer")
        self.commands.append(command)
        own = self.with_own_boot(command)
        # EDGENAS_FAKE marks the processes that a power cut kills
        environment = {
            **os.environ,
            "PATH": f"{self._folder / 'bin'}:{os.environ.get('PATH', os.defpath)}",
            "EDGENAS_FAKE": str(self._folder),
        }
        channel = FakeChannel(self, own, environment)
        self._channels = [c for c in self._channels if c.is_open] + [channel]
        return channel

    def with_own_boot(self, script: str) -> str:
        """Return a script of ``remote`` with the boot id of this device."""
        return script.replace(BOOT_ID, shlex.quote(str(self._folder / "boot_id")))

    def passes(self, data: bytes) -> bytes:
        """Count the bytes of ``data`` and return it; LostError, once, at ``drop_after_bytes``."""
        if self.faults.drop_after_bytes is not None:
            self.faults.drop_after_bytes -= len(data)
            if self.faults.drop_after_bytes <= 0:
                self.faults.drop_after_bytes = None
                self.drop()
                raise LostError(f"the connection to {self._name} broke")
        return data

    def drop(self) -> None:
        """Break the connection, as a server that ends does."""
        self._up = False
        for channel in self._channels:
            channel.close()

    def close(self) -> None:
        """See ``Link.close``."""
        self.drop()


class FakeChannel:
    """See ``edgenas.devices.transports.link.Channel``.

    Another thread may close the channel at any moment, as a power cut does. The file descriptor of a closed pipe is
    reused at once, so a pipe is read, written and closed under the lock only.
    """

    def __init__(self, link: FakeLink, command: str, environment: dict[str, str]) -> None:
        self._link = link
        self.is_open = True
        self._expects_script = command == READ_AND_DECODE
        self._lock = threading.RLock()  # reentrant: drop_after_bytes closes the channel while it sends or receives
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            ["sh", "-c", command], stdin=pipe, stdout=pipe, stderr=pipe, env=environment, cwd="/"
        )
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._stdin = self._process.stdin
        os.set_blocking(self._stdin.fileno(), False)
        self._reading, self._writing = selectors.DefaultSelector(), selectors.DefaultSelector()
        self._writing.register(self._process.stdin, selectors.EVENT_WRITE)
        self._reading.register(self._process.stdout, selectors.EVENT_READ, 1)
        self._reading.register(self._process.stderr, selectors.EVENT_READ, 2)

    def send(self, data: bytes) -> None:
        """See ``Channel.send``."""
        self._check()
        if self._expects_script:
            self._expects_script = False
            data = self._link.with_own_boot(data.decode("ascii")).encode("ascii")
        self._link.passes(data)
        if self._link.faults.corrupt_input and data:
            self._link.faults.corrupt_input = False
            data = data[:-1] + bytes([data[-1] ^ 1])
        left, end = memoryview(data), time.monotonic() + STALL_S
        while left:
            with self._lock:
                self._check()
                if self._writing.select(_TURN_S):
                    try:
                        left = left[os.write(self._stdin.fileno(), left) :]
                    except OSError as error:
                        raise LostError(f"the command takes no more input: {error.strerror}") from error
                    end = time.monotonic() + STALL_S
            if time.monotonic() > end:
                raise LostError("nothing is taken any more")

    def end_input(self) -> None:
        """See ``Channel.end_input``."""
        with self._lock:
            if not self._stdin.closed and not self._link.faults.unplugged:
                self._writing.close()
                with contextlib.suppress(OSError):
                    self._stdin.close()

    def receive(self, timeout_s: float) -> tuple[int, bytes] | None:
        """See ``Channel.receive``."""
        end = time.monotonic() + timeout_s
        while True:
            with self._lock:
                self._check()
                if not self._reading.get_map():
                    raise LostError("the connection closed")
                ready = self._reading.select(min(_TURN_S, max(end - time.monotonic(), 0)))
                for key, _ in ready:
                    if data := os.read(key.fd, 1 << 16):
                        return key.data, self._link.passes(data)
                    self._reading.unregister(key.fileobj)
            if not ready and time.monotonic() > end:
                return None

    def close(self) -> None:
        """See ``Channel.close``. Processes that the command started may continue."""
        if not self.is_open:
            return
        self.is_open = False  # threads that wait for the lock end with an error
        with self._lock:
            self._reading.close()
            self._writing.close()
            for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
                if stream:
                    with contextlib.suppress(OSError):
                        stream.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _check(self) -> None:
        if self._link.faults.unplugged:
            time.sleep(self._link.faults.notice_s)
            raise LostError("the device does not answer any more")
        if not self.is_open:
            raise LostError("the connection broke")


class FakeDevice(RemoteDevice):
    """Device of this module. ``link.faults`` may be changed at any time."""

    link: FakeLink

    def __init__(self, name: str, folder: Path) -> None:
        (folder / "files").mkdir(parents=True, exist_ok=True)
        self._folder = folder
        super().__init__(name, FakeLink(folder, name), base=str(folder / "files"))

    def program(self, name: str, script: str) -> None:
        """Put a shell script on the device's PATH, such as a vcgencmd that prints a temperature."""
        path = self._folder / "bin" / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    def power_cut(self) -> None:
        """Kill every process of the device, break the connection, and write a new boot id; files stay."""
        mark = f"EDGENAS_FAKE={self._folder}".encode()
        for path in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if mark in path.read_bytes().split(b"\0"):
                    os.kill(int(path.parent.name), signal.SIGKILL)
        self.link.drop()
        self.link.new_boot()
