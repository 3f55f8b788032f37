"""Services of an adbd: shell and file transfer, with the requested faults.

Source of the formats: Android's packages/modules/adb, SYNC.TXT and shell_protocol.h.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import stat
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tools.rig.adb_protocol import Stream

STDIN, STDOUT, STDERR, EXIT, CLOSE_STDIN = range(5)  # of shell protocol 2
CHUNK_BYTES = 32768


@dataclass
class Faults:
    """Faults of the device; they may be changed while it runs.

    auth: 'none' lets everybody in, 'accept' taps "Allow USB debugging" for every key, 'deny' never does, so adb calls
        the device unauthorized.
    mute: connections are accepted and never answered; adb calls the device offline.
    latency_s: wait before every packet.
    drop_after_bytes: the connection breaks, once, when so much has been received from now on.
    lose_exit: commands end without an exit code.
    cut_output_bytes: a command's output ends there as if it were done, without an exit code.
    corrupt_push: the last byte of every pushed file is wrong.
    """

    auth: Literal["none", "accept", "deny"] = "none"
    mute: bool = False
    latency_s: float = 0.0
    drop_after_bytes: int | None = None
    lose_exit: bool = False
    cut_output_bytes: int | None = None
    corrupt_push: bool = False

    def drops(self, received_bytes: int) -> bool:
        """Count received bytes; return True once, when the connection must be dropped."""
        if self.drop_after_bytes is None:
            return False
        self.drop_after_bytes -= received_bytes
        if self.drop_after_bytes > 0:
            return False
        self.drop_after_bytes = None
        return True


async def shell(stream: Stream, argv: Sequence[str], version2: bool, faults: Faults) -> None:
    """Run a command and send its output as it appears. When the client leaves, the command gets SIGHUP, as in adbd."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE if version2 else asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    left = faults.cut_output_bytes

    async def pump(source: asyncio.StreamReader | None, kind: int) -> None:
        nonlocal left
        while source is not None and (data := await source.read(CHUNK_BYTES)):
            if left is not None:
                data, left = data[:left], left - min(left, len(data))
            if data:
                await stream.write(struct.pack("<BI", kind, len(data)) + data if version2 else data)

    feeding = asyncio.create_task(_feed(stream, process, version2))
    try:
        await asyncio.gather(pump(process.stdout, STDOUT), pump(process.stderr, STDERR))
        code = await process.wait()
        if version2 and not faults.lose_exit and faults.cut_output_bytes is None:
            await stream.write(struct.pack("<BIB", EXIT, 1, code if code >= 0 else 128 - code))
    finally:
        feeding.cancel()
        if process.stdin is not None:
            process.stdin.close()  # as adbd does: what ignores the hang-up still sees the end of its input
        _hang_up(process)
        await asyncio.shield(asyncio.create_task(_reap(process)))  # also when this task is cancelled twice


async def _reap(process: asyncio.subprocess.Process) -> None:
    """Wait for the end of a command and close its pipes, which its remaining children may hold open."""
    await process.wait()
    process._transport.close()  # type: ignore[attr-defined]  # asyncio offers no other way


async def _feed(stream: Stream, process: asyncio.subprocess.Process, version2: bool) -> None:
    """Send the client's input to a command until the client leaves."""
    assert process.stdin is not None
    try:
        while True:
            kind, size = struct.unpack("<BI", await stream.read(5)) if version2 else (STDIN, 1)
            data = await stream.read(size)
            if kind == CLOSE_STDIN:
                process.stdin.close()
            elif kind == STDIN:
                process.stdin.write(data)
                await process.stdin.drain()
    except (EOFError, ConnectionError):
        _hang_up(process)


def _hang_up(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGHUP)


async def sync(stream: Stream, root: Path, faults: Faults) -> None:
    """Serve STAT, LIST, SEND and RECV until QUIT, for files below ``root``."""
    while True:
        request, size = struct.unpack("<4sI", await stream.read(8))
        if request == b"QUIT":
            return
        argument = (await stream.read(size)).decode()
        try:
            if request == b"STAT":
                await _stat(stream, inside(root, argument))
            elif request == b"LIST":
                await _list(stream, inside(root, argument))
            elif request == b"RECV":
                await _send_file(stream, inside(root, argument))
            elif request == b"SEND":
                path, _, mode = argument.rpartition(",")
                await _receive_file(stream, inside(root, path), int(mode), faults)
            else:
                await _fail(stream, f"unknown request {request!r}")
                return
        except OSError as error:
            await _fail(stream, error.strerror or str(error))


def inside(root: Path, path: str) -> Path:
    """Return a device's path as a path below ``root``, never above it."""
    return root / os.path.normpath("/" + path.lstrip("/")).lstrip("/")


async def _fail(stream: Stream, message: str) -> None:
    await stream.write(b"FAIL" + struct.pack("<I", len(message.encode())) + message.encode())


async def _stat(stream: Stream, path: Path) -> None:
    try:
        found = path.stat()
        fields = (found.st_mode, found.st_size, int(found.st_mtime))
    except OSError:
        fields = (0, 0, 0)  # the protocol's way to say so
    await stream.write(b"STAT" + struct.pack("<3I", *fields))


async def _list(stream: Stream, path: Path) -> None:
    for entry in sorted(path.iterdir()) if path.is_dir() else ():
        found, name = entry.lstat(), entry.name.encode()
        row = struct.pack("<4I", found.st_mode, found.st_size, int(found.st_mtime), len(name))
        await stream.write(b"DENT" + row + name)
    await stream.write(b"DONE" + bytes(16))


async def _send_file(stream: Stream, path: Path) -> None:
    with path.open("rb") as file:
        while data := file.read(64 * 1024):
            await stream.write(b"DATA" + struct.pack("<I", len(data)) + data)
    await stream.write(b"DONE" + bytes(4))


async def _receive_file(stream: Stream, path: Path, mode: int, faults: Faults) -> None:
    """Write received parts to the file at once; a broken connection leaves a partial file, as in adbd."""
    error: OSError | None = None
    target, data = path, b""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as refused:  # the client learns of it only after it has sent everything
        error, target = refused, Path(os.devnull)
    with target.open("wb", buffering=0) as file:
        while True:
            kind, size = struct.unpack("<4sI", await stream.read(8))
            if kind == b"DONE":
                break
            data = await stream.read(size)
            file.write(data)
        if faults.corrupt_push and error is None and data:
            file.seek(-1, os.SEEK_END)
            file.write(bytes([data[-1] ^ 1]))
    if error is not None:
        raise error
    path.chmod(stat.S_IMODE(mode))
    os.utime(path, (size, size))  # DONE carries the time in place of a size
    await stream.write(b"OKAY" + bytes(4))
