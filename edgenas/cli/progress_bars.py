"""Bars on a terminal: how far something is, and how long it will take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_WIDE = 100  # columns from which on the bar is long, and the time spent is shown
displays: list[Any] = []  #: consoles on which something moves now, the innermost last
_shown: list[Any] = []  # the bars that are on the terminal now; a second display would write over them


@contextmanager
def displayed(console: Any) -> Iterator[None]:
    """Register ``console`` as moving while the block runs, so that messages are printed above what moves there."""
    displays.append(console)
    try:
        yield
    finally:
        displays.remove(console)


class Bar:
    """One line of ``bars``, which are of rich."""

    def __init__(self, bars: Any, label: str) -> None:
        self._bars, self._label = bars, label
        self.task = bars.add_task(clipped(label, 14), total=None, note="")

    def show(self, done: int, total: int | None, note: str) -> None:
        """Move the bar; ``total`` is None where it is not known."""
        width = self._bars.console.width
        room = width - (68 if width >= _WIDE else 26) - len(f"{done}/{total}")  # the bar, clocks, spaces
        name = clipped(self._label, max(8, room // 2))
        self._bars.update(
            self.task, completed=done, total=total, description=name, note=clipped(note, room - len(name))
        )


@contextmanager
def bar(label: str) -> Iterator[Bar]:
    """A bar while the block runs; inside another one a line below that."""
    if _shown:
        with _line(_shown[-1], label) as line:
            yield line
        return
    with _bars() as bars, displayed(bars.console):
        _shown.append(bars)
        try:
            with _line(bars, label) as line:
                yield line
        finally:
            _shown.remove(bars)


def _bars() -> Any:
    """Bars that leave nothing behind when they end."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeElapsedColumn
    from rich.progress import TimeRemainingColumn as Remaining
    from rich.table import Column
    from rich.text import Text

    class Left(Remaining):
        def render(self, task: Task) -> Text:
            return Text("") if task.total is None else super().render(task).append(" left")

    console = Console(stderr=True)
    wide = console.width >= _WIDE

    def fixed() -> Column:
        return Column(no_wrap=True)

    return Progress(
        TextColumn("{task.description}", markup=False, table_column=fixed()),
        BarColumn(bar_width=40 if wide else 8),
        MofNCompleteColumn(table_column=fixed()),
        *[TimeElapsedColumn(table_column=fixed())] * wide,
        Left(table_column=fixed()),
        TextColumn("{task.fields[note]}", markup=False, table_column=fixed()),
        console=console,
        transient=True,
    )


@contextmanager
def _line(bars: Any, label: str) -> Iterator[Bar]:
    line = Bar(bars, label)
    try:
        yield line
    finally:
        bars.remove_task(line.task)


def clipped(text: str, room: int) -> str:
    """``text`` in at most ``room`` columns."""
    return text if len(text) <= room else text[: room - 1] + "…" if room > 1 else ""
