"""The listener of the command line: steps, messages and progress go to stderr."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from edgenas.base.listener import Listener
from edgenas.cli.live_campaign import live_table
from edgenas.cli.progress_bars import Bar
from edgenas.cli.terminal import PipedProgress, progress, talk, warn


class TerminalListener(Listener):
    """Listener that prints steps and messages as lines, and tasks as bars or tables that disappear when they end.

    ``steps`` is the number of steps; with 0 they are not numbered. Progress outside of a task is dropped.
    """

    def __init__(self, steps: int = 0) -> None:
        self.steps, self.number = steps, 0

    def step(self, text: str) -> None:
        self.number += 1
        talk(f"[{self.number}/{self.steps}] {text}" if self.steps else text)

    def message(self, text: str) -> None:
        talk(text)

    def warning(self, text: str, topic: str) -> None:
        warn(text, topic)

    @contextmanager
    def task(self, label: str, rows: Sequence[str] = ()) -> Iterator[Listener]:
        if rows:
            with live_table(list(rows)) as live:
                yield live
        else:
            with progress(label) as shown:
                yield _Task(self, shown)


class _Task(Listener):
    """Listener of one task of ``outer``: progress goes to the task's bar, the rest to ``outer``."""

    def __init__(self, outer: TerminalListener, shown: Bar | PipedProgress) -> None:
        self._outer, self._shown = outer, shown

    def step(self, text: str) -> None:
        self._outer.step(text)
        if self._outer.steps:
            self._shown.step(self._outer.number, self._outer.steps)

    def progress(
        self, done: int, total: int | None, note: str = "", *, name: str = "", detail: object | None = None
    ) -> None:
        self._shown.show(done, total, ": ".join(part for part in (name, note) if part))

    def message(self, text: str) -> None:
        self._outer.message(text)

    def warning(self, text: str, topic: str) -> None:
        self._outer.warning(text, topic)

    def task(self, label: str, rows: Sequence[str] = ()) -> AbstractContextManager[Listener]:
        return self._outer.task(label, rows)


TERMINAL = TerminalListener()
