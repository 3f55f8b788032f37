"""The recorder of terminals: what a command printed, and the screens of the picture."""

from __future__ import annotations

import re
import sys
from itertools import pairwise
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from tools.recording import COLUMNS, LAST_S, LONGEST_S, ROWS, asciicast, frames, main, read_asciicast, svg

EVENTS = [(0.1, "\x1b[32mgreen\x1b[0m <b>\r\n"), (0.3, "10 %\r"), (60.0, "90 %\r"), (60.2, "done\x1b[K\r\n")]


def test_screens_follow_the_cursor_and_pauses_are_short() -> None:
    found = frames(EVENTS)
    assert found[0].lines[0] == '<tspan fill="#52cfa3">green</tspan> &lt;b&gt;'
    assert [frame.lines[1] for frame in found] == ["", "90 %", "done"]
    assert all(len(frame.lines) == ROWS for frame in found)
    assert found[-1].at_s - found[1].at_s <= LONGEST_S + 0.3


def test_few_screens_are_drawn_the_last_always() -> None:
    found = frames([(i / 10, f"{'abcdefghij'[i % 10]}{i}\r") for i in range(200)], most=10)
    assert len(found) == 10 and found[-1].lines[0] == "j199"
    times = [frame.at_s for frame in found]
    assert times == sorted(times) and all(b - a <= LONGEST_S for a, b in pairwise(times))


def test_a_counter_that_runs_is_not_drawn_at_each_number() -> None:
    found = frames([(i / 10, f"━━ {i} %\r") for i in range(200)])
    assert [frame.lines[0] for frame in found] == ["━━ 0 %", "━━ 100 %", "━━ 199 %"]


def test_the_picture_is_a_whole_svg_that_loads_nothing() -> None:
    text = svg(frames(EVENTS), "edgenas & co")
    root = fromstring(text)
    assert root.findtext("{http://www.w3.org/2000/svg}title") == "edgenas & co"
    uses = {use.get("href", "").lstrip("#") for use in root.iter("{http://www.w3.org/2000/svg}use")}
    lines = {line.get("id") for line in root.iter("{http://www.w3.org/2000/svg}text")}
    assert uses == lines and "http" not in text.replace("http://www.w3.org/2000/svg", "")
    seconds = float(next(iter(re.findall(r"animation:play ([\d.]+)s", text))))
    assert seconds == pytest.approx(frames(EVENTS)[-1].at_s + LAST_S, abs=0.06)


def test_a_recording_is_read_back_as_it_was() -> None:
    assert read_asciicast(asciicast(EVENTS, "t")) == EVENTS


@pytest.mark.slow
def test_a_command_is_recorded_in_a_terminal_of_its_size(tmp_path: Path) -> None:
    program = "import os, sys; print(sys.stdout.isatty(), *os.get_terminal_size()); sys.exit(3)"
    assert main([str(tmp_path / "a.svg"), "--", sys.executable, "-c", program]) == 3
    events = read_asciicast((tmp_path / "a.cast").read_text())
    assert "".join(text for _, text in events) == f"True {COLUMNS} {ROWS}\r\n"
    again = (tmp_path / "a.svg").read_text()
    assert f"True {COLUMNS} {ROWS}" in again
    assert main([str(tmp_path / "b.svg"), str(tmp_path / "a.cast")]) == 0
    film = re.compile(r"<defs>.*")  # all but the title, which is the name of the file
    assert film.findall((tmp_path / "b.svg").read_text()) == film.findall(again)
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path / "a.svg")])
