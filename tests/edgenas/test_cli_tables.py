"""Tables of the command line and of benchmarks on a terminal of 80 columns and in a pipe; colours of states."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest
from rich.table import Table

from tools.bench.command import show

CODE = """
from edgenas.cli.terminal import print_summary, print_table
heads = ("file", "device", "runtime", "of", "ms", "95 % interval", "median", "p90", "predicted", "error %", "peak MiB")
row = ("runs/1/model.tflite", "local", "litert", "min", 0.04311, "0.0402 .. 0.0461", 0.05, 0.06, 0.04, -8.4, 53.1)
print_table((*heads, "verdict"), [(*row, "inside"), (*row, "OUTSIDE")], "By running each file on 2,396 test images")
rows = {"sums of blocks": "differ from whole networks by 2.9 % on average " * 3, "next": "edgenas " + "x" * 90}
print_summary(rows, "it is inside")
"""


def on_80_columns(code: str, **environment: str) -> str:
    """What a program prints on a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    variables = {**os.environ, "COLUMNS": "80", "TERM": "xterm-256color", **environment}
    with subprocess.Popen([sys.executable, "-c", code], stdout=theirs, env=variables) as running:
        os.close(theirs)
        output = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the program ended
                break
            if not part:
                break
            output += part
        assert running.wait() == 0
    os.close(ours)
    return output.decode().replace("\r\n", "\n")


def test_a_terminal_of_80_columns_cuts_and_breaks_nothing() -> None:
    shown = on_80_columns(CODE)
    assert "\x1b[32m" in shown and "\x1b[31m" in shown
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    *lines, command, answer, _ = plain.split("\n")
    assert max(map(len, lines)) <= 80 and command.endswith("x" * 90) and answer.rstrip().endswith(" it is inside")
    for word in ("runs/1/model.tflite", "0.04311", "0.0402 .. 0.0461", "predicted", "inside", "OUTSIDE"):
        assert word in plain


def test_no_color_is_respected() -> None:
    assert "\x1b[" not in on_80_columns(CODE, NO_COLOR="1")
    piped = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True).stdout
    assert "\x1b[" not in piped and len(piped.split("\n")[1]) > 80
    assert piped.split("\n")[4].split()[-1] == "OUTSIDE"


def test_tables_of_benchmarks_are_whole_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("method", *[f"number {i}" for i in range(30)], title="Variants a second")
    table.add_row("[bold]edgenas[/bold]", *[f"{i}.12345" for i in range(30)])
    show({}, [table], None)
    title, heads, _, row, *_ = capsys.readouterr().out.split("\n")
    assert title == "Variants a second" and heads.startswith("method ") and heads.endswith("number 29")
    assert row.split() == ["edgenas", *[f"{i}.12345" for i in range(30)]]
