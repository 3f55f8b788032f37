"""What moves on a terminal and what is said meanwhile, and how little of it there is in a pipe."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edgenas.cli import terminal
from edgenas.cli.live_campaign import LiveTable
from edgenas.cli.progress_bars import bar
from edgenas.cli.terminal import duration
from edgenas.cli.terminal_listener import TERMINAL, TerminalListener
from edgenas.profiler.work import CampaignProgress
from tests.support.listeners import Recorder

HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


@contextmanager
def on_a_terminal(code: str, columns: int = 60) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A Python program whose stderr is a terminal, and the descriptor to read that from."""
    ours, theirs = pty.openpty()
    env = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm-256color"}
    env.pop("NO_COLOR", None)
    argv = [sys.executable, "-c", textwrap.dedent(code)]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=theirs, env=env)
    os.close(theirs)
    try:
        yield process, ours
    finally:
        process.kill()
        process.communicate()
        os.close(ours)


def read_until(ours: int, end: str = "") -> str:
    """What the terminal got, until ``end`` is there or the program has ended."""
    data = b""
    while not end or end.encode() not in data:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
        if not chunk:
            break
        data += chunk
    return data.decode()


def lines(shown: str) -> list[str]:
    """What stood on lines, whatever moved the cursor in between."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    return [line.rstrip() for line in re.split(r"\x1b\[[0-9;?]*[a-zA-Z]|\r|\n", plain)]


def test_a_bar_inside_a_bar_and_talk_above_both() -> None:
    code = """
    from edgenas.cli.terminal import talk
    from edgenas.cli.terminal_listener import TERMINAL
    with TERMINAL.task("a search of something with a long name, longer than a narrow terminal") as outer:
        outer.progress(3, None, "networks judged, layernas at 0.3 ms: 97.25 %, which is more than fits here")
        talk("said in between, and longer than the sixty columns that this terminal has in one line")
        with outer.task("measured again") as inner:
            inner.progress(5, 20, "51 °C, 3 unstable", name="pi4")
            inner.message("said inside")
            input()
    talk("said afterwards")
    """
    with on_a_terminal(code) as (process, ours):
        shown = read_until(ours, "51")
        process.communicate(b"\n", timeout=30)
        shown += read_until(ours)
        assert process.returncode == 0
    found = lines(shown)
    assert "said in between, and longer than the sixty columns that this terminal has in one line" in found
    assert "said inside" in found and "said afterwards" in found
    assert any("5/20" in line and "51 °C" in line for line in found)
    moving = [line for line in found if "━" in line or "╸" in line]
    assert moving and max(map(len, moving)) <= 60
    assert shown.rfind(SHOW) > shown.rfind(HIDE) >= 0


def test_a_total_ends_with_what_it_was_of() -> None:
    """Networks that are judged have no total; the number of blocks of the step before is not theirs."""
    with bar("demo") as shown:
        progress = shown._bars
        for number in (1, 2):
            shown.step(number, 2)
            shown.show(40, 129, "blocks")
            assert progress.tasks[0].total == 129
            shown.show(251, None, "networks judged")
            assert progress.tasks[0].total is None and progress.tasks[0].completed == 251
        shown.show(5, 129, "blocks")
        shown.step(3, 3)
        assert progress.tasks[0].total is None


def test_ctrl_c_leaves_nothing_behind() -> None:
    code = """
    import time
    from edgenas.cli.terminal import talk
    from edgenas.cli.terminal_listener import TERMINAL
    from edgenas.profiler.work import CampaignProgress
    try:
        with TERMINAL.task("profile", ["pi4", "a/very/long/path/of/a/table-litert.jsonl"]) as live:
            told = CampaignProgress(18, 54, 1, 4000.0, "shelf-3", 51.2, 7)
            live.named("pi4").progress(18, 54, detail=told)
            live.message("said")
            time.sleep(60)
    except KeyboardInterrupt:
        talk("interrupted")
    """
    with on_a_terminal(code) as (process, ours):
        shown = read_until(ours, "67 min")
        process.send_signal(signal.SIGINT)
        shown += read_until(ours)
        assert process.wait(30) == 0
    found = lines(shown)
    row = next(line for line in found if "18/54" in line)
    assert row.split() == ["pi4", "18/54", "67", "min", "1", "7", "51"]
    assert any(line.startswith(" …") and "rt.jsonl" in line for line in found)
    assert max(len(line) for line in found if "─" in line) <= 60
    assert "said" in found and [line for line in found if line][-1] == "interrupted"
    assert shown.rfind(SHOW) > shown.rfind(HIDE) >= 0


def test_a_pipe_gets_few_lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 0.0
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now_s)
    with TERMINAL.task("search") as listener:
        for done in range(1, 1201):
            now_s = done / 10  # two minutes
            listener.progress(done, 1200, "judged")
    told = capsys.readouterr().err.splitlines()
    assert told == ["search: 600/1200 judged; 60 s left", "search: 1200/1200 judged"]
    with TERMINAL.task("nothing"):
        pass
    assert not capsys.readouterr().err


def test_steps_are_numbered_and_names_stand_before_notes(capsys: pytest.CaptureFixture[str]) -> None:
    with TerminalListener(steps=2).task("ship") as listener:
        listener.step("measuring")
        listener.progress(1, 2, "pi4", name="litert")
        listener.step("searching")
    assert capsys.readouterr().err.splitlines() == [
        "[1/2] measuring",
        "[2/2] searching",
        "ship, step 1/2: 1/2 litert: pi4",
    ]
    plain = TerminalListener()
    plain.progress(1, 2)
    plain.step("measuring")
    plain.message("said")
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "measuring\nsaid\n")


def test_tables_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    live = LiveTable(["pi4"])
    for done in range(10, 60, 10):
        told = CampaignProgress(done, 50, 0, 7200.0, "shelf-3", 51.2, 7)
        live.progress(done, 50, name="pi4", detail=told)
    first, last = capsys.readouterr().err.splitlines()
    assert first == "pi4: 10/50 measured, 0 failed, 2 h 00 min left; shelf-3, 51 °C, 7 unstable"
    assert last.startswith("pi4: 50/50 measured")


def test_durations() -> None:
    assert [duration(s) for s in (-1, 0.4, 99, 100, 3600, 5999, 6000, 86399)] == [
        "0 s",
        "0 s",
        "99 s",
        "2 min",
        "60 min",
        "1 h 40 min",
        "1 h 40 min",
        "24 h 00 min",
    ]


def test_unstable_blocks_are_counted(tmp_path: Path) -> None:
    from edgenas.blocks.spec import BlockSpec
    from edgenas.devices.session.session import Conditions
    from edgenas.devices.transports.local import LocalDevice
    from edgenas.latency_tables.store.journal import read_table
    from edgenas.profiler.campaign import profile
    from edgenas.profiler.export import WRITERS
    from edgenas.profiler.plan import Plan
    from edgenas.profiler.runtimes import RUNTIMES
    from edgenas.profiler.stopping import StoppingRule

    recorder = Recorder()
    blocks = [BlockSpec.parse(f"conv-8x3-o{width}-k3-s1-relu6") for width in (4, 8)]
    enough = StoppingRule(1, 2, 1e-9, sentinels=0)  # never known
    profile(
        LocalDevice(),
        RUNTIMES["litert"],
        blocks,
        tmp_path / "t.jsonl",
        writer=WRITERS["tflite"],
        program=sys.executable,
        plan=Plan(rounds=2, samples=2, cold_kib=0),
        enough=enough,
        conditions=Conditions(listener=recorder),
    )
    assert [(p.done, p.total, p.unstable) for p in recorder.details] == [(2, 2, 0), (4, 4, 2)]
    assert len(enough.unstable(read_table(tmp_path / "t.jsonl"), [(b,) for b in blocks])) == 2
