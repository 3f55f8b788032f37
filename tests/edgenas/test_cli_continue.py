"""Ctrl-C: the printed command continues. Repeated warnings: printed once, counted at the end."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edgenas.cli.continuing import Interrupted, continued_with, continuing, program
from edgenas.cli.repeated import is_first, take_repeats


def test_the_command_has_the_words_that_were_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/x/edgenas"])
    monkeypatch.setenv("PATH", "")
    words = ["search", "my space.py:tiny", "--budget-ms", "3"]
    assert continuing(words, KeyboardInterrupt()) == "/x/edgenas search 'my space.py:tiny' --budget-ms 3"
    with pytest.raises(Interrupted) as stopped, continued_with("--run", "runs/a b"):
        raise KeyboardInterrupt
    assert continuing(["demo", "--seed", "3"], stopped.value) == "/x/edgenas demo --seed 3 --run 'runs/a b'"


def test_the_program_is_named_as_the_shell_finds_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    here = tmp_path / "bin" / "edgenas"
    here.parent.mkdir()
    here.write_text("#!/bin/sh\n")
    here.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(here)])
    monkeypatch.setenv("PATH", str(here.parent))
    assert program() == "edgenas"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert program() == "bin/edgenas"
    monkeypatch.setattr(sys, "argv", ["/x/edgenas/__main__.py"])
    assert program().endswith(" -m edgenas")


def test_a_warning_is_new_once_and_counted_at_the_end() -> None:
    take_repeats()
    assert [is_first(topic) for topic in ("pi4: load", "pi4: load", "pi4: clock", "pi4: load")] == [
        True, False, True, False,
    ]  # fmt: skip
    assert take_repeats().endswith("how many times each came: pi4: load 3") and take_repeats() == ""


@pytest.mark.slow
def test_a_demo_that_ctrl_c_ended_continues_by_what_it_printed(tmp_path: Path) -> None:
    def stopped(argv: list[str]) -> tuple[str, str]:
        """Run a command until its first step, press Ctrl-C, and return the output and the command it printed."""
        with subprocess.Popen(argv, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True) as running:
            assert running.stderr is not None
            output = ""
            while "[1/7]" not in output:
                line = running.stderr.readline()
                assert line, output
                output += line
            os.killpg(running.pid, signal.SIGINT)
            output += running.stderr.read()
        assert running.returncode == 1 and "Traceback" not in output, output
        printed = re.search(r"to continue: (.+)$", output, re.MULTILINE)
        assert printed is not None, output
        return output, printed[1]

    python = Path(sys.executable)
    _, command = stopped([str(python), "-m", "edgenas", "demo", "--seed", "3"])
    (run,) = (tmp_path / "runs").iterdir()
    assert command == f"{python.name} -m edgenas demo --seed 3 --run runs/{run.name}"
    output, again = stopped([str(python), *shlex.split(command)[1:]])
    assert again == command and f"writing into runs/{run.name}" in output
    assert [each.name for each in (tmp_path / "runs").iterdir()] == [run.name]
