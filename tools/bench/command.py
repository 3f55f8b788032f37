"""Common command line of all benchmarks: the option --json, tables or JSON, missing packages of peers, exit codes."""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from edgenas.base.errors import EdgenasError, InputError
from edgenas.base.files import write_whole
from edgenas.base.installing import install_extra
from edgenas.base.text_table import text_table

STDOUT = "-"


def options(description: str | None) -> argparse.ArgumentParser:
    """Return the parser of a benchmark, with its option --json; ``description`` is the docstring of its module."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=description, formatter_class=formatter)
    parser.add_argument(
        "--json",
        nargs="?",
        const=STDOUT,
        type=_writable,
        metavar="FILE",
        help="write the numbers as JSON to FILE too; without FILE print JSON instead of the tables",
    )
    return parser


def _writable(text: str) -> str:
    """Return ``text``; report a missing folder before the benchmark runs."""
    if text != STDOUT and (Path(text).is_dir() or not Path(text).absolute().parent.is_dir()):
        raise argparse.ArgumentTypeError(f"{text} is a folder, or lies in one that does not exist; name a file")
    return text


def show(numbers: Any, tables: Iterable[Table], to: str | None, absent: Mapping[str, str] | None = None) -> None:
    """Print ``tables``, and the ``absent`` parts with the reason, to stdout; or ``numbers`` as JSON instead.

    ``to`` is the value of --json: None for tables, a path for tables and a file of JSON, ``STDOUT`` for JSON.
    InputError where the file cannot be written.
    """
    text = json.dumps(numbers, indent=2)
    if to == STDOUT:
        print(text)
        return
    if to is not None:
        write_whole(Path(to), text + "\n")
    for table in tables:
        print_bench_table(table)
    if absent:
        left_out = Table("left out", "reason")
        for name, reason in absent.items():
            left_out.add_row(Text(name), Text(reason))
        print_bench_table(left_out)


def print_bench_table(table: Table) -> None:
    """Print a table on stdout: as wide as it needs in a pipe, never wider than a terminal, and no cell is cut."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    heads = [_plain(column.header) for column in table.columns]
    rows = [[_plain(cell) for cell in cells] for cells in zip(*(c.cells for c in table.columns), strict=True)]
    right = [column.justify == "right" for column in table.columns]
    if table.title:
        print(_plain(table.title))
    print("\n".join(text_table(heads, rows, width=width, right=right)) + "\n")


def _plain(cell: RenderableType) -> str:
    """Return the text of a cell without its markup."""
    return cell.plain if isinstance(cell, Text) else Text.from_markup(str(cell)).plain


@dataclass(frozen=True, slots=True)
class Bar:
    """Requirement of a benchmark: the number found must be at most ``bar``, or at least ``bar`` where ``at_least``."""

    what: str
    found: float
    bar: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Return whether the requirement is met; False where nothing was found (nan)."""
        return self.found >= self.bar if self.at_least else self.found <= self.bar

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {**asdict(self), "met": self.met}


def bars_table(bars: Sequence[Bar]) -> Table:
    """Return a table with one line for each requirement: the required number, the number found, met or NOT MET."""
    table = Table("bar", "asked for", "found", "", title="bars")
    for bar in bars:
        sign = ">=" if bar.at_least else "<="
        table.add_row(bar.what, f"{sign} {bar.bar:.3g}", f"{bar.found:.3g}", "met" if bar.met else "NOT MET")
    return table


def not_installed(peers: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Return the peers that are not installed, each with the command that installs it.

    ``peers`` maps a name to (module, extra).
    """
    return {
        name: f"not installed: {install_extra(extra)}"
        for name, (module, extra) in peers.items()
        if importlib.util.find_spec(module) is None
    }


def run(main: Callable[[], int]) -> NoReturn:
    """Run a benchmark and exit: 0 success, 1 a requirement was missed or a job failed, 2 misuse."""
    try:
        code = main()
    except EdgenasError as error:
        print(f"edgenas: {error}", file=sys.stderr)
        code = 2 if isinstance(error, InputError) else 1
    sys.exit(code)
