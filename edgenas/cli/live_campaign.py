"""Progress of campaigns on several devices: a live table on a terminal, lines in a pipe."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from edgenas.base.listener import Listener
from edgenas.cli.progress_bars import clipped, displayed
from edgenas.cli.terminal import PIPED_S, duration, talk, warn

if TYPE_CHECKING:
    from edgenas.profiler.work import CampaignProgress

_OTHERS = 49  # terminal columns of everything but the names
_WIDE = 80  # terminal columns from which the last device is shown


class LiveTable(Listener):
    """Live table with one row for each latency table, and messages on stderr. Safe to use from several threads."""

    def __init__(self, labels: list[str]) -> None:
        self._latest: dict[str, tuple[float, CampaignProgress] | None] = dict.fromkeys(labels)
        self._lock = threading.Lock()
        self._printed_s = dict.fromkeys(labels, -PIPED_S)
        self._begin_s = time.monotonic()
        self.on_screen = False

    def progress(
        self, done: int, total: int | None, note: str = "", *, name: str = "", detail: object | None = None
    ) -> None:
        """Show the progress of the campaign for the table ``name``."""
        from edgenas.profiler.work import CampaignProgress

        if isinstance(detail, CampaignProgress):
            self._update(name, detail)

    def step(self, text: str) -> None:
        talk(text)

    def message(self, text: str) -> None:
        talk(text)

    def warning(self, text: str, topic: str) -> None:
        warn(text, topic)

    def _update(self, label: str, progress: CampaignProgress) -> None:
        now_s = time.monotonic()
        with self._lock:
            self._latest[label] = now_s, progress
            if self.on_screen:
                return
            if now_s - self._printed_s[label] >= PIPED_S or progress.done + progress.failed >= progress.total:
                self._printed_s[label] = now_s
                talk(line(label, progress))

    def table(self, width: int) -> Any:
        """Return a rich table for a terminal of ``width`` columns.

        The time left counts down between two batches; before the first batch the elapsed time stands in brackets.
        """
        from rich import box
        from rich.table import Table

        with self._lock:
            latest = dict(self._latest)
        now_s = time.monotonic()
        shown = {label: known[1] for label, known in latest.items() if known is not None}
        columns = ["table", "done", "left"]  # the others only where they hold a value, since terminals are narrow
        columns += ["failed"] * any(p.failed for p in shown.values())
        columns += ["unstable"] * any(p.unstable for p in shown.values())
        columns += ["°C"] * any(p.temperature_c is not None for p in shown.values())
        if width >= _WIDE and any(p.device not in ("", label) for label, p in shown.items()):
            columns.append("last device")
        room = max(10, (width - _OTHERS) // (2 if "last device" in columns else 1))
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        for column in columns:
            table.add_column(column, justify="left" if column in ("table", "last device") else "right", no_wrap=True)
        for label, known in latest.items():
            cells = {"table": _tail(label, room), "left": f"({duration(now_s - self._begin_s)})"}
            if known is not None:
                then_s, p = known
                cells |= {
                    "done": f"{p.done}/{p.total}",
                    "left": duration(p.eta_s - (now_s - then_s)),
                    "failed": str(p.failed),
                    "unstable": str(p.unstable),
                    "°C": "" if p.temperature_c is None else f"{p.temperature_c:.0f}",
                    "last device": clipped(p.device, room),
                }
            table.add_row(*(cells.get(column, "") for column in columns))
        return table


def line(label: str, told: CampaignProgress) -> str:
    """Return the progress of one campaign as a line of text."""
    measured = f"{label}: {told.done}/{told.total} measured, {told.failed} failed, {duration(told.eta_s)} left"
    return f"{measured}; {told.note}" if told.note else measured


def _tail(label: str, room: int) -> str:
    """Return the last ``room`` columns of a path, since its end tells tables apart better than its beginning."""
    return label if len(label) <= room else "…" + label[1 - room :]


@contextmanager
def live_table(labels: list[str]) -> Iterator[LiveTable]:
    """Show a LiveTable on stderr while the block runs."""
    live = LiveTable(labels)
    if not sys.stderr.isatty():
        yield live
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    live.on_screen = True
    screen = Live(
        get_renderable=lambda: live.table(console.width), console=console, transient=True, refresh_per_second=2
    )
    with screen, displayed(console):
        yield live
