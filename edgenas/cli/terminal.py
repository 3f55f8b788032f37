"""What every verb does with the terminal: data on stdout, talk and progress on stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout instead of tables.")

Cell = str | int | float | None

PIPED_S = 10.0  #: seconds between lines of progress when stderr is no terminal


def talk(text: str) -> None:
    """One line to the person, on stderr."""
    click.echo(text, err=True)


def print_json(data: Any) -> None:
    """The whole answer as JSON on stdout; NaN is refused, since no other program could read it."""
    click.echo(json.dumps(data, indent=2, allow_nan=False))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Cell]], title: str | None = None) -> None:
    """A table on stdout: numbers right-aligned, never cut when the output is a pipe."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold", pad_edge=False)
    for i, column in enumerate(columns):
        numeric = any(isinstance(row[i], int | float) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold", no_wrap=numeric)
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    console = Console(width=None if sys.stdout.isatty() else 200, markup=False, highlight=False)
    console.print(table)


def print_summary(pairs: dict[str, Cell]) -> None:
    """``key: value`` lines on stdout: what a verb did, what it wrote, what to type next."""
    width = max(len(key) for key in pairs)
    for key, value in pairs.items():
        click.echo(f"{key + ':':<{width + 1}} {_cell(value)}")


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int | None, str], None]]:
    """Yields ``update(done, total, note)``: a bar with time left on a terminal; when piped, a line when it ends and at
    most one in PIPED_S seconds before. ``total`` is None where nobody knows it."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
        from rich.progress import TimeRemainingColumn as Remaining

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                   Remaining(), TextColumn("{task.fields[note]}", markup=False))  # fmt: skip
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(label, total=None, note="")
            yield lambda done, total, note: bar.update(task, completed=done, total=total, note=note)
        return
    last_s, latest, told = time.monotonic(), "", ""

    def tell(done: int, total: int | None, note: str) -> None:
        nonlocal last_s, latest, told
        latest = f"{label}: {done}{'' if total is None else f'/{total}'} {note}".rstrip()
        if time.monotonic() - last_s >= PIPED_S:
            last_s, told = time.monotonic(), latest
            talk(latest)

    yield tell
    if latest != told:
        talk(latest)


def mib(kib: int | None) -> float | None:
    """MiB with one digit after the point."""
    return None if kib is None else round(kib / 1024, 1)


def _cell(value: Cell) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)
