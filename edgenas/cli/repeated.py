"""Warnings that come again and again, such as a device's load: printed at the first, counted at the end."""

from __future__ import annotations

import threading

_lock = threading.Lock()
_times: dict[str, int] = {}  #: topic of a warning -> how many times it came


def is_first(topic: str) -> bool:
    """Count a warning about ``topic``; return True the first time."""
    with _lock:
        _times[topic] = _times.get(topic, 0) + 1
        return _times[topic] == 1


def take_repeats() -> str:
    """Return a sentence with the number of each warning that came again, '' where none did, and forget all."""
    with _lock:
        again = [f"{topic} {times}" for topic, times in _times.items() if times > 1]
        _times.clear()
    return f"warnings printed once, and how many times each came: {', '.join(again)}" if again else ""
