"""What a fleet is doing, for a person: a live table on a terminal, a line now and then in a pipe."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from edgenas.cli.terminal import PIPED_S, talk

if TYPE_CHECKING:
    from profiler.work import Progress

COLUMNS = ("table", "done", "failed", "left", "last device", "°C")


class LiveTable:
    """A row a table of latencies. Safe to use from several threads."""

    def __init__(self, labels: list[str]) -> None:
        self._rows: dict[str, tuple[str, ...]] = dict.fromkeys(labels, ("", "", "", "", ""))
        self._lock = threading.Lock()
        self._told_s = dict.fromkeys(labels, -PIPED_S)
        self._screen: Any = None

    def update(self, label: str, told: Progress) -> None:
        """A batch is done."""
        heat = "" if told.temperature_c is None else f"{told.temperature_c:.0f}"
        row = (f"{told.done}/{told.total}", str(told.failed), f"{told.eta_s:.0f} s", told.device, heat)
        with self._lock:
            self._rows[label] = row
            if self._screen is not None:
                self._screen.update(self._table())
            elif time.monotonic() - self._told_s[label] >= PIPED_S or told.done + told.failed >= told.total:
                self._told_s[label] = time.monotonic()
                talk(
                    f"{label}: {row[0]} measured, {row[1]} failed, {row[2]} left; {told.device} {heat and heat + ' °C'}"
                )

    def _table(self) -> Any:
        from rich import box
        from rich.table import Table

        table = Table(*COLUMNS, box=box.SIMPLE_HEAD)
        for label, row in self._rows.items():
            table.add_row(label, *row)
        return table


@contextmanager
def live_table(labels: list[str]) -> Iterator[LiveTable]:
    """Show a LiveTable on stderr while the block runs."""
    live = LiveTable(labels)
    if not sys.stderr.isatty():
        yield live
        return
    from rich.console import Console
    from rich.live import Live

    with Live(live._table(), console=Console(stderr=True), transient=True) as screen:
        live._screen = screen
        yield live
