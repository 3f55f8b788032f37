"""Output of every verb: results on stdout, messages and progress on stderr."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click

from edgenas.base.text_table import text_table
from edgenas.cli.colours import coloured
from edgenas.cli.progress_bars import Bar, bar, displays
from edgenas.cli.repeated import is_first, take_repeats

json_option = click.option("--json", "as_json", is_flag=True, help="JSON on stdout, instead of tables.")

Cell = str | int | float | None

PIPED_S = 60.0  #: seconds between lines of progress where stderr is not a terminal


def talk(text: str) -> None:
    """Print one message on stderr, above a moving bar or table."""
    if displays:
        displays[-1].print(text, markup=False, highlight=False, soft_wrap=True)
    else:
        click.echo(text, err=True)


def warn(text: str, topic: str) -> None:
    """Print a warning on stderr the first time that ``topic`` comes; ``tell_repeats`` counts the others."""
    if is_first(topic):
        talk(text)


def tell_repeats() -> None:
    """Print how many times each warning came that was printed once."""
    again = take_repeats()
    if again:
        talk(again)


def print_json(data: Any) -> None:
    """Print the whole result as JSON on stdout. ValueError for NaN, which other programs could not read."""
    click.echo(json.dumps(data, indent=2, allow_nan=False))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Cell]], title: str | None = None) -> None:
    """Print a table on stdout, numbers right-aligned, states in colour on a terminal. It is as wide as it needs where
    stdout is not a terminal, and fits the terminal otherwise, without cutting a cell."""
    tell_repeats()
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    right = [any(isinstance(row[i], int | float) for row in rows) for i in range(len(columns))]
    cells = [[_cell(value) for value in row] for row in rows]
    if title is not None:
        click.echo("\n".join(textwrap.wrap(title, width) if width else [title]))
    click.echo("\n".join(text_table(columns, cells, width=width, right=right, paint=coloured)) + "\n")


def print_summary(pairs: Mapping[str, Cell], answer: str) -> None:
    """Print ``key: value`` lines on stdout: results of a verb, files written, next command; and as the last line the
    ``answer`` of the verb, one sentence."""
    print_pairs({**pairs, "answer": answer})


def print_pairs(pairs: Mapping[str, Cell]) -> None:
    """Print ``key: value`` lines on stdout that are not the end of a verb: ``print_summary`` comes after them."""
    tell_repeats()
    width = max(len(key) for key in pairs)
    room = shutil.get_terminal_size().columns - width - 2 if sys.stdout.isatty() else 0
    for key, value in pairs.items():
        first, *more = _lines(_cell(value), room)
        click.echo(f"{key + ':':<{width + 1}} {coloured(first)}")
        for line in more:
            click.echo(" " * (width + 2) + line)


def _lines(text: str, room: int) -> list[str]:
    """Return a value of a summary as lines of ``room`` columns; one line in a pipe, and of a command, to be copied."""
    if room < 20 or len(text) <= room or "edgenas " in text:
        return [text]
    return textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)


@contextmanager
def progress(label: str) -> Iterator[Bar | PipedProgress]:
    """Show progress on stderr while the block runs: a bar with the time left on a terminal; in a pipe one line at the
    end, and before that at most one line every PIPED_S seconds."""
    if sys.stderr.isatty():
        with bar(label) as shown:
            yield shown
    else:
        piped = PipedProgress(label)
        yield piped
        piped.end()


def duration(seconds: float) -> str:
    """Return ``seconds`` as text: '45 s', '12 min', '3 h 05 min'."""
    whole = max(0, round(seconds))
    if whole < 100:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"


class PipedProgress:
    """Progress as lines, at most one every PIPED_S seconds, where stderr is a pipe or a file."""

    def __init__(self, label: str) -> None:
        self._label, self._begin_s = label, time.monotonic()
        self._last_s, self._latest, self._printed = self._begin_s, "", ""

    def step(self, number: int, steps: int) -> None:
        """Begin step ``number`` of ``steps``: the time left is that of the step from now on."""
        self._label = f"{self._label.partition(', step ')[0]}, step {number}/{steps}"
        self._begin_s = time.monotonic()

    def show(self, done: int, total: int | None, note: str) -> None:
        """Print a line if the last one is at least PIPED_S seconds old."""
        now_s = time.monotonic()
        self._latest = f"{self._label}: {done}{'' if total is None else f'/{total}'} {note}".rstrip()
        if now_s - self._last_s >= PIPED_S:
            self._last_s, self._printed = now_s, self._latest
            left_s = (now_s - self._begin_s) * (total - done) / done if total and done else 0.0
            talk(f"{self._latest}; {duration(left_s)} left" if left_s else self._latest)

    def end(self) -> None:
        """Print the last state, unless it was printed already."""
        if self._latest != self._printed:
            talk(self._latest)


def mib(kib: int | None) -> float | None:
    """Convert KiB to MiB, with one digit after the decimal point."""
    return None if kib is None else round(kib / 1024, 1)


def _cell(value: Cell) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)
