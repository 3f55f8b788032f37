"""Processes of test hosts: run one to its end, wait for a condition, list a tree of processes and kill it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path


class RigError(RuntimeError):
    """Error where a test host cannot be set up, or does not behave as it must."""


def run(*argv: str | Path, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a command to its end.

    Raises:
        RigError: it exits with anything but 0; the message holds what it said.
    """
    done = subprocess.run(
        [str(arg) for arg in argv], capture_output=True, text=True, timeout=timeout_s, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise RigError(f"{' '.join(map(str, argv))}: exit {done.returncode}: {(done.stderr or done.stdout).strip()}")
    return done


def wait_for(condition: Callable[[], bool], what: str, timeout_s: float = 20, every_s: float = 0.02) -> None:
    """Check ``condition`` repeatedly until it holds.

    Raises:
        RigError: it does not hold within ``timeout_s``; the message names ``what``.
    """
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            raise RigError(f"{what}: not within {timeout_s:g} s")
        time.sleep(every_s)


def parents() -> dict[int, int]:
    """Return process number → number of its parent, for every visible process."""
    found: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:  # gone since the listing
                continue
            found[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    return found


def children(pid: int) -> list[int]:
    return [child for child, parent in parents().items() if parent == pid]


def descendants(pid: int) -> list[int]:
    """Return every process below ``pid``, nearest first."""
    tree = parents()
    found: list[int] = []
    generation = [pid]
    while generation:
        generation = [child for child, parent in tree.items() if parent in generation]
        found += generation
    return found


def name(pid: int) -> str:
    """Return the name of the program of a process, '' where it has ended."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def command_line(pid: int) -> str:
    """Return the arguments of a process joined by spaces, '' where it has ended or is a zombie."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def kill(pids: Iterable[int], number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal; ignore processes that have ended."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
