"""Waiting in tests: for a condition, never for a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = 60) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"not in time: {what}"
        time.sleep(0.01)


def when(condition: Callable[[], bool], act: Callable[[], object]) -> threading.Thread:
    """Have ``act`` done as soon as ``condition`` holds, while the test does something else; join what comes back."""

    def watch() -> None:
        wait_until(condition, "what the test waits for")
        act()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # the latter where it ends between opening and reading
        return False


def gone(pid: int, within_s: float = 10.0) -> bool:
    """Wait for a process to end: one that was killed closes its files a little before."""
    end = time.monotonic() + within_s
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not alive(pid)


@contextmanager
def during(condition: Callable[[], bool], act: Callable[[], object], timeout_s: float = 60) -> Iterator[None]:
    """``when`` around a block, which is over once ``act`` is done."""
    thread = when(condition, act)
    yield
    thread.join(timeout_s)
    assert not thread.is_alive(), "what was to happen meanwhile did not end"
