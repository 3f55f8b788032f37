"""Progress bars on a terminal: work done, and time left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_WIDE = 100  # columns of a terminal from which the bar is long and the elapsed time is shown
displays: list[Any] = []  #: consoles that show a moving bar or table now, the innermost last
_shown: list[Any] = []  # rich displays on the terminal now; a second one would write over the first


@contextmanager
def displayed(console: Any) -> Iterator[None]:
    """Register ``console`` while the block runs, so that messages are printed above its moving bar or table."""
    displays.append(console)
    try:
        yield
    finally:
        displays.remove(console)


class Bar:
    """One line of ``bars``, a ``rich.progress.Progress``."""

    def __init__(self, bars: Any, label: str) -> None:
        self._bars, self._label, self._of = bars, label, ""
        self.task = bars.add_task(clipped(label, 14), total=None, note="", of="")

    def step(self, number: int, steps: int) -> None:
        """Begin step ``number`` of ``steps``: amounts and time left are those of the step from now on; the elapsed time
        goes on."""
        self._label, self._of = f"{self._label.partition(', step ')[0]}, step {number}/{steps}", " of this step"
        self._total(None)
        self._bars.update(self.task, completed=0, description=self._label, note="", of=self._of)

    def show(self, done: int, total: int | None, note: str) -> None:
        """Move the bar to ``done`` of ``total``, which is None where it is unknown."""
        width = self._bars.console.width
        fixed = (56 if width >= _WIDE else 26) + len(self._of) * (width >= _WIDE)
        room = width - fixed - len(f"{done}/{total}")  # the bar, clocks, spaces
        name = clipped(self._label, max(8, room // 2))
        self._total(total)
        self._bars.update(self.task, completed=done, description=name, note=clipped(note, room - len(name)))

    def _total(self, total: int | None) -> None:
        """Set the total; ``update`` of rich keeps the last one for None, which was that of another step."""
        if total is None:
            next(task for task in self._bars.tasks if task.id == self.task).total = None
        else:
            self._bars.update(self.task, total=total)


@contextmanager
def bar(label: str) -> Iterator[Bar]:
    """Show a bar while the block runs; inside another bar, one line below it."""
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
    """Return bars that disappear from the terminal when they end."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeElapsedColumn
    from rich.progress import TimeRemainingColumn as Remaining
    from rich.table import Column
    from rich.text import Text

    console = Console(stderr=True)
    wide = console.width >= _WIDE

    class Left(Remaining):
        def render(self, task: Task) -> Text:
            return Text("") if task.total is None else super().render(task).append(f" left{task.fields['of'] * wide}")

    def fixed() -> Column:
        return Column(no_wrap=True)

    return Progress(
        TextColumn("{task.description}", markup=False, table_column=fixed()),
        BarColumn(bar_width=28 if wide else 8),
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
    """Return ``text`` cut to at most ``room`` columns."""
    return text if len(text) <= room else text[: room - 1] + "…" if room > 1 else ""
