"""Child processes: run a command within limits of time and output; end the child when its parent ends."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from typing import NoReturn

from edgenas.base.errors import OutputLimitError, TimeLimitError

OUTPUT_LIMIT_BYTES = 64 << 20
_GRACE_S = 0.5  # time to read output that is still in the pipes after the command has ended
# Program that starts the command: it requests SIGKILL (9) from the kernel when the process with the given id ends
# (PR_SET_PDEATHSIG = 1, linux/prctl.h), checks that the process has not ended yet, and becomes the command by exec. It
# is a separate program because code between fork and exec (preexec_fn) is not safe in a program with threads.
_STARTER = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, ctypes.c_ulong(9), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0))
if os.getppid() != int(sys.argv[1]):
    os._exit(1)
for ignored in (signal.SIGPIPE, signal.SIGXFSZ):
    signal.signal(ignored, signal.SIG_DFL)
try:
    os.execvp(sys.argv[2], sys.argv[2:])
except (OSError, ValueError) as error:
    print(f"{sys.argv[2]}: {getattr(error, 'strerror', None) or error}", file=sys.stderr, flush=True)
    os._exit(127)
"""


def run(
    argv: Sequence[str], *, timeout_s: float, limit_bytes: int = OUTPUT_LIMIT_BYTES
) -> subprocess.CompletedProcess[str]:
    """Run ``argv`` in a separate process group and wait for its end.

    The group is killed at the time limit (TimeLimitError), when the output exceeds ``limit_bytes`` (OutputLimitError),
    and on any exception in this function. When the command ends, processes that it left in the group are killed. If
    this process is killed, the kernel kills the command too: a measurement whose result is lost must not disturb the
    next one.
    """
    argv = list(argv)
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _STARTER, str(os.getpid()), *argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        process_group=0,
    )
    output = {"stdout": bytearray(), "stderr": bytearray()}
    try:
        ended = _collect(process, output, time.monotonic() + timeout_s, limit_bytes)
    finally:
        _kill_group(process)
    stdout, stderr = (bytes(data).decode("utf-8", "replace") for data in output.values())
    if ended == "time":
        raise TimeLimitError(f"{argv[0]} was stopped after {timeout_s:g} s", stdout, stderr)
    if ended == "output":
        raise OutputLimitError(f"{argv[0]} was stopped after printing {limit_bytes:,} bytes")
    return subprocess.CompletedProcess(argv, process.returncode, stdout, stderr)


def _collect(process: subprocess.Popen[bytes], output: dict[str, bytearray], deadline: float, limit: int) -> str:
    """Read both streams in parallel until they end; return 'end', or the limit that was reached: 'time', 'output'."""
    ended_at = None
    with selectors.DefaultSelector() as selector:
        for name in output:
            selector.register(getattr(process, name), selectors.EVENT_READ, output[name])
        while selector.get_map():
            now = time.monotonic()
            if ended_at is None and process.poll() is not None:
                ended_at = now
            if ended_at is not None and now > ended_at + _GRACE_S:
                return "end"  # a process that the command started still holds the pipe
            if ended_at is None and now >= deadline:
                return "time"
            for key, _ in selector.select(min(0.1, max(deadline - now, 0.001))):
                data = os.read(key.fd, 1 << 16)
                if data:
                    key.data.extend(data)
                else:
                    selector.unregister(key.fileobj)
            if sum(len(data) for data in output.values()) > limit:
                return "output"
    try:  # both streams are closed, but the command may still run
        process.wait(max(deadline - time.monotonic(), 0.001))
    except subprocess.TimeoutExpired:
        return "time"
    return "end"


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def exit_with_parent(alive: Connection) -> NoReturn:
    """End this process when the other end of the pipe ``alive`` is closed, which happens when the parent ends."""
    wait([alive])
    os._exit(1)
