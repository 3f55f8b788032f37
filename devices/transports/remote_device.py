"""RemoteDevice: a Device behind a Link, with everything that ssh, adb and the fake have in common."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO

from edgenas.base.errors import DeviceError, LostError, OutputLimitError, TimeLimitError, TransferError
from edgenas.base.text import printable
from edgenas.base.undo import UndoOnFailure
from edgenas.devices.transports import home, transfer
from edgenas.devices.transports.home import Home
from edgenas.devices.transports.link import Channel, CommandEndedError, Link, NotSentError
from edgenas.devices.transports.owner import this_process
from edgenas.devices.transports.remote import (
    OUTPUT_LIMIT_BYTES,
    Marked,
    ShellCommand,
    check_path,
    new_mark,
    run_command,
    script_command,
)

HANDSHAKE_S = 20.0
_KILLED_S = 3.0  # longest time for a stopped command to end and its last output to arrive
_MIN_BYTE_PER_S = 100_000  # speed of the slowest device for hashing and unpacking


class RemoteDevice:
    """Device with one connection, which is made on first use and again after it broke. Safe for several threads.

    ``base`` is the parent of the folder of edgenas on the device, by default the first writable one of
    ``remote.PARENTS``. A command whose connection broke raises LostError: it may have run. Jobs
    (``edgenas.devices.transports.jobs``) survive a broken connection.
    """

    def __init__(
        self, name: str, link: Link, *, base: str | None = None, serial: str = "", limit_bytes: int = OUTPUT_LIMIT_BYTES
    ) -> None:
        self._name, self.link, self._base, self._limit_bytes = name, link, base, limit_bytes
        self._lock = threading.RLock()
        self._home: Home | None = None
        self._serial = serial
        self._left: set[str] = set()  # work folders to remove at the next connect

    @property
    def name(self) -> str:
        """See ``Device.name``."""
        return self._name

    def run(self, argv: Sequence[str], *, timeout_s: float) -> subprocess.CompletedProcess[str]:
        """See ``Device.run``. The exit code of a command killed by signal N is 128 + N."""
        mark = new_mark()
        command = run_command(argv, mark, limit_s=timeout_s)
        with self._named(), closing(self._open(command)) as channel:
            return self._finish(channel, mark, list(argv), timeout_s)

    def push(self, local: Path, remote: str) -> None:
        """See ``Device.push``."""
        check_path(remote)
        with self._named(), transfer.packed(local) as package:
            mark = new_mark()
            with closing(self._open(script_command(transfer.receive_script(package, remote), mark))) as channel:
                with suppress(LostError):  # perhaps the disk is full: then the script reports it below
                    while chunk := package.file.read(transfer.CHUNK_BYTES):
                        channel.send(chunk)
                channel.end_input()
                done = self._finish(channel, mark, ["push"], HANDSHAKE_S + package.size / _MIN_BYTE_PER_S)
        if done.returncode != 0:
            raise TransferError(f"{self.name}: {local} was not copied to {remote}: {_why(done)}")

    def pull(self, remote: str, local: Path) -> None:
        """See ``Device.pull``."""
        check_path(remote)
        try:
            with tempfile.TemporaryDirectory(prefix=".incoming-", dir=local.parent) as staging, self._named():
                staged = Path(staging) / "it"
                with (Path(staging) / "a").open("w+b") as file:
                    folder, mode = self._receive(remote, file)
                    file.seek(0)
                    if folder:
                        transfer.unpack(file, staged)
                if folder:
                    staged.rename(local)
                else:
                    (Path(staging) / "a").chmod(mode)
                    (Path(staging) / "a").replace(local)
        except (OSError, shutil.Error, tarfile.TarError) as error:
            raise TransferError(f"{self.name}: {remote} was not copied to {local}: {error}") from error

    def _receive(self, remote: str, file: IO[bytes]) -> tuple[bool, int]:
        mark, arrival, errors = new_mark(), transfer.Arrival(file), bytearray()
        with closing(self._open(script_command(transfer.send_script(remote, self._ready().path), mark))) as channel:
            channel.end_input()
            out, err = Marked(mark, arrival.take), Marked(mark, errors.extend)
            moved, since = 0, time.monotonic()
            while not self._drain(channel, out, err, time.monotonic() + 1.0, None):
                if out.size > moved:
                    moved, since = out.size, time.monotonic()
                elif time.monotonic() > since + transfer.DEVICE_LIMIT_S:
                    raise LostError(f"the transfer of {remote} stopped")
                if err.size > self._limit_bytes:
                    raise OutputLimitError(f"reading {remote} printed {self._limit_bytes:,} bytes of errors")
        if out.code != 0:
            raise TransferError(f"{remote} was not copied: {errors.decode('utf-8', 'replace').strip()[-400:]}")
        return arrival.finish()

    @contextmanager
    def workdir(self) -> Iterator[str]:
        """See ``Device.workdir``. If the device is lost at the end, the next connection removes the folder."""
        with self._named():
            where, name = self._ready().path, home.new_work()
            folder = f"{where}/{name}"
            try:
                self._script(home.make_work(where, name, this_process()))
            except DeviceError:
                self._left.add(folder)  # it may exist
                raise
        try:
            yield folder
        finally:
            self._left.add(folder)
            try:
                self._script(home.remove_work(where, [name]))
                self._left.discard(folder)
            except DeviceError:
                pass  # kept in _left

    def about(self) -> Home:
        """Return the state of the device at the time of the last connection; connect if not connected."""
        with self._named():
            return self._ready()

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self.link.close()

    def _ready(self) -> Home:
        """Connect if needed, read the state of the device, and remove old work folders."""
        with self._lock:
            if self.link.connect() or self._home is None:
                self._home = None
                with UndoOnFailure(self.link.close):
                    self._home = self._greet()
            return self._home

    def _greet(self) -> Home:
        found = home.seen(self._script(home.look(self._base), greeting=True))
        if self._serial and found.serial != self._serial:
            raise DeviceError(
                f"another device answers: its serial number is {found.serial!r}, it was {self._serial!r}; "
                "connect the first device again, or start the command again to use this one"
            )
        self._serial = found.serial
        names = home.stale(found, this_process(), self._left)
        for first in range(0, len(names), 500):
            self._script(home.remove_work(found.path, names[first : first + 500]), greeting=True)
        self._left.clear()
        return found

    def _open(self, command: ShellCommand) -> Channel:
        self._ready()
        try:
            return self._begin(command)
        except NotSentError:
            self.close()
        self._ready()
        return self._begin(command)

    def _begin(self, command: ShellCommand) -> Channel:
        """Start a command on the present connection."""
        channel = self.link.open(command.line)
        try:
            if command.script:
                channel.send(command.script)
        except BaseException:
            channel.close()
            raise
        return channel

    def _script(self, script: str, *, greeting: bool = False) -> str:
        """Run a script of edgenas and return its stdout; DeviceError with its stderr where it fails. ``greeting`` runs
        it on the present connection."""
        mark = new_mark()
        with closing((self._begin if greeting else self._open)(script_command(script, mark))) as channel:
            channel.end_input()
            done = self._finish(channel, mark, ["sh"], HANDSHAKE_S)
        if done.returncode != 0:
            raise DeviceError(f"it cannot be used: {_why(done)}")
        return done.stdout

    def _finish(
        self, channel: Channel, mark: str, argv: list[str], timeout_s: float
    ) -> subprocess.CompletedProcess[str]:
        """Read both streams to their marks."""
        data = bytearray(), bytearray()
        out, err = Marked(mark, data[0].extend), Marked(mark, data[1].extend)
        try:
            ended = self._drain(channel, out, err, time.monotonic() + timeout_s, self._limit_bytes)
        except CommandEndedError as error:
            if out.begun or err.begun:
                raise
            raise _no_shell(out, err) from error
        if out.size + err.size > self._limit_bytes:
            raise OutputLimitError(f"{argv[0]} was stopped after printing {self._limit_bytes:,} bytes")
        if not ended:
            channel.end_input()  # the script kills the command when its stdin closes
            with suppress(LostError):  # TimeLimitError follows in any case
                self._drain(channel, out, err, time.monotonic() + _KILLED_S, self._limit_bytes)
            out.give_up()
            err.give_up()
        stdout, stderr = (bytes(d).decode("utf-8", "replace") for d in data)
        if not ended:
            raise TimeLimitError(f"{argv[0]} was stopped after {timeout_s:g} s", stdout, stderr)
        return subprocess.CompletedProcess(argv, out.code or 0, stdout, stderr)

    def _drain(self, channel: Channel, out: Marked, err: Marked, deadline: float, limit: int | None) -> bool:
        """Receive until both marks came (True), more than ``limit`` bytes came (True), or the deadline (False)."""
        while not (out.ended and err.ended):
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if received := channel.receive(left):
                stream, data = received
                (out if stream == 1 else err).take(data)
            if limit is not None and out.size + err.size > limit:
                return True
        return True

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Put the name of the device before the message of every error in the block."""
        try:
            yield
        except TimeLimitError as error:
            raise TimeLimitError(f"{self.name}: {error}", error.stdout, error.stderr) from None
        except DeviceError as error:
            if str(error).startswith(f"{self.name}: "):
                raise
            raise type(error)(f"{self.name}: {error}") from error.__cause__


def _no_shell(out: Marked, err: Marked) -> DeviceError:
    """Return the error for a login shell that ended, but did not run the command."""
    printed = printable((out.before + err.before).decode("utf-8", "replace"))
    return DeviceError(
        f"its login shell ran no command{f', but printed: {printed}' if printed else ' and ended'}; try: ssh USER@HOST "
        "true, and look for exit, exec or read in its start-up files (~/.bashrc)"
    )


def _why(done: subprocess.CompletedProcess[str]) -> str:
    return printable(done.stderr[-400:], 400) or f"exit code {done.returncode}"
