"""Asking several devices side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from edgenas.cli.terminal import progress

if TYPE_CHECKING:
    from edgenas.devices.inventory import Entry

T = TypeVar("T")
_MOST_AT_ONCE = 32


def ask_each(entries: Mapping[str, Entry], ask: Callable[[Entry], T], label: str) -> dict[str, T]:
    """What ``ask`` tells of each device, by name; what it raises is raised when all have ended."""
    from concurrent.futures import ThreadPoolExecutor, as_completed

    with progress(label) as update, ThreadPoolExecutor(_MOST_AT_ONCE) as pool:
        waiting = {pool.submit(ask, entry): name for name, entry in entries.items()}
        for done, future in enumerate(as_completed(waiting), 1):
            update(done, len(waiting), waiting[future])
        return {name: future.result() for future, name in waiting.items()}
