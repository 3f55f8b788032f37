"""Listeners of tests: one that records what it receives, one that calls functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from edgenas.base.listener import Listener


@dataclass
class Recorder(Listener):
    """Records everything; ``on_progress(done, total)`` and ``on_message(text)`` are called after that."""

    on_progress: Callable[[int, int | None], object] | None = None
    on_message: Callable[[str], object] | None = None
    steps: list[str] = field(default_factory=list)
    counts: list[tuple[int, int | None]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    details: list[Any] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def step(self, text: str) -> None:
        self.steps.append(text)

    def progress(
        self, done: int, total: int | None, note: str = "", *, name: str = "", detail: object | None = None
    ) -> None:
        self.counts.append((done, total))
        self.notes.append(note)
        self.names.append(name)
        self.details.append(detail)
        if self.on_progress is not None:
            self.on_progress(done, total)

    def message(self, text: str) -> None:
        self.messages.append(text)
        if self.on_message is not None:
            self.on_message(text)
