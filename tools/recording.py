"""Recording of a command in a terminal: an asciicast file, and an animated SVG picture of it.

    python -m tools.recording docs/demo.svg -- edgenas demo        # also writes docs/demo.cast

The command runs in a pseudo-terminal of COLUMNS x ROWS; its output is kept with its times (asciicast version 2,
docs.asciinema.org). A terminal emulator, pyte, turns it into screens, of which at most FRAMES that differ are drawn;
pauses are shortened to LONGEST_S. Exit code: that of the command.
"""

from __future__ import annotations

import argparse
import codecs
import fcntl
import json
import os
import pty
import re
import select
import struct
import sys
import termios
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import pyte

COLUMNS, ROWS = 100, 30
FRAMES = 60  #: screens of a picture, at most
LONGEST_S, LAST_S = 1.5, 5.0  #: longest pause between screens, and how long the last one stays
SAME_S = 10.0  #: least time between screens that differ in bars and numbers alone
_WIDE, _HIGH, _EDGE = 7.83, 17.0, 14.0  #: pixels of a character, of a line, and of the margin
_PAPER, _INK = "#14171b", "#d8dce1"
_COLOURS = {
    "black": "#6a6f76", "red": "#ff8f6b", "green": "#52cfa3", "brown": "#f2c14e", "yellow": "#f2c14e",
    "blue": "#7cb8f5", "magenta": "#e79ac6", "cyan": "#6fd0e0", "white": "#f5f6f8",
}  # fmt: skip

Event = tuple[float, str]  #: seconds since the begin, and output


@dataclass(frozen=True, slots=True)
class Frame:
    """A screen: its lines as SVG text, from ``at_s`` on."""

    at_s: float
    lines: tuple[str, ...]


def record(command: Sequence[str]) -> tuple[list[Event], int]:
    """Run ``command`` in a pseudo-terminal, show its output, and return it with its times and the exit code."""
    child, master = pty.fork()
    if child == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        os.environ.update(TERM="xterm-256color", COLUMNS=str(COLUMNS), LINES=str(ROWS))
        os.execvp(command[0], list(command))
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    begin, events = time.monotonic(), list[Event]()
    while True:
        select.select([master], [], [])
        try:
            data = os.read(master, 65536)
        except OSError:  # Linux: the command has closed its terminal
            data = b""
        if not data:
            break
        text = decode(data)
        events.append((time.monotonic() - begin, text))
        sys.stderr.write(text)
        sys.stderr.flush()
    return events, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def asciicast(events: Sequence[Event], title: str) -> str:
    """Return the recording as asciicast version 2."""
    head = {"version": 2, "width": COLUMNS, "height": ROWS, "title": title, "env": {"TERM": "xterm-256color"}}
    lines = [json.dumps(head), *(json.dumps([round(at, 3), "o", text]) for at, text in events)]
    return "\n".join(lines) + "\n"


def read_asciicast(text: str) -> list[Event]:
    """Return the output events of an asciicast."""
    return [(at, data) for at, kind, data in map(json.loads, text.splitlines()[1:]) if kind == "o"]


def frames(events: Sequence[Event], most: int = FRAMES) -> list[Frame]:
    """Return the screens that differ from the one before, at most ``most``, at even steps, the last always."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.Stream(screen)
    found: list[Frame] = []
    waiting: Frame | None = None
    for at_s, text in events:
        stream.feed(text)
        lines = tuple(_line(screen, row) for row in range(ROWS))
        if found and found[-1].lines == lines:
            continue
        if found and at_s - found[-1].at_s < (SAME_S if _words(found[-1].lines) == _words(lines) else 0.05):
            waiting = Frame(at_s, lines)  # drawn only if nothing follows
            continue
        found.append(Frame(at_s, lines))
        waiting = None
    if waiting is not None:
        found.append(waiting)
    if len(found) > most:
        found = [found[round(i * (len(found) - 1) / (most - 1))] for i in range(most)]
    return _tightened(found)


def _words(lines: Sequence[str]) -> str:
    """Return the text of a screen without bars, numbers and colours, which change all the time."""
    return re.sub(r"<[^>]*>|[\d\s:.?/%━╸╺]", "", "".join(lines))


def _tightened(found: Sequence[Frame]) -> list[Frame]:
    """Shorten the pauses between the frames that are left to LONGEST_S."""
    made: list[Frame] = []
    for i, frame in enumerate(found):
        gap = frame.at_s - found[i - 1].at_s if i else 0.0
        made.append(Frame((made[-1].at_s if made else 0.0) + min(gap, LONGEST_S), frame.lines))
    return made


def _line(screen: pyte.Screen, row: int) -> str:
    """One line of a screen as tspan elements, one for each run of characters of one style."""
    runs: list[tuple[str, str]] = []
    for column in range(COLUMNS):
        char = screen.buffer[row][column]
        style = f"{char.fg}{' b' if char.bold else ''}"
        if runs and runs[-1][0] == style:
            runs[-1] = (style, runs[-1][1] + char.data)
        else:
            runs.append((style, char.data))
    while runs and not runs[-1][1].strip():
        runs.pop()
    return "".join(_span(style, text.rstrip() if i == len(runs) - 1 else text) for i, (style, text) in enumerate(runs))


def _span(style: str, text: str) -> str:
    colour, _, bold = style.partition(" ")
    known = _COLOURS.get(colour.removeprefix("bright"), f"#{colour}" if len(colour) == 6 else "")
    attributes = (f' fill="{known}"' if known else "") + (' font-weight="700"' if bold else "")
    return f"<tspan{attributes}>{escape(text)}</tspan>" if attributes else escape(text)


def svg(shown: Sequence[Frame], title: str) -> str:
    """Return the frames as one SVG file, animated by CSS; each line that occurs is written once."""
    wide, high = 2 * _EDGE + COLUMNS * _WIDE, 2 * _EDGE + ROWS * _HIGH
    total = (shown[-1].at_s if shown else 0.0) + LAST_S
    names: dict[str, str] = {}
    for line in (line for frame in shown for line in frame.lines if line):
        names.setdefault(line, f"l{len(names)}")
    stored = "".join(f'<text id="{name}" xml:space="preserve">{line}</text>' for line, name in names.items())
    groups, steps = [], []
    for i, frame in enumerate(shown):
        uses = "".join(
            f'<use href="#{names[line]}" x="{_EDGE:g}" y="{i * high + _EDGE + (row + 0.8) * _HIGH:g}"/>'
            for row, line in enumerate(frame.lines)
            if line
        )
        groups.append(f"<g>{uses}</g>")
        steps.append(f"{100 * frame.at_s / total:.3f}%{{transform:translateY({-i * high:g}px)}}")
    last = max(0, len(shown) - 1) * high
    style = (
        f"text{{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:{_INK}}}"
        f"@keyframes play{{{''.join(steps)}100%{{transform:translateY({-last:g}px)}}}}"
        f".film{{animation:play {total:.1f}s step-end infinite}}"
        f"@media(prefers-reduced-motion:reduce){{.film{{animation:none;transform:translateY({-last:g}px)}}}}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:g} {high:g}" width="{wide:g}" height="{high:g}" '
        f'role="img"><title>{escape(title)}</title><style>{style}</style><defs>{stored}</defs>'
        f'<rect width="100%" height="100%" rx="8" fill="{_PAPER}"/><g class="film">{"".join(groups)}</g></svg>\n'
    )


def main(arguments: Sequence[str]) -> int:
    """Record the command after '--', or draw an asciicast again: python -m tools.recording OUT.svg FILE.cast."""
    parser = argparse.ArgumentParser(
        usage="python -m tools.recording OUT.svg -- COMMAND..., or OUT.svg FILE.cast",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("picture", type=Path, metavar="OUT.svg")
    parser.add_argument("cast", type=Path, nargs="?", metavar="FILE.cast")
    end = arguments.index("--") if "--" in arguments else len(arguments)
    args, command = parser.parse_args(arguments[:end]), arguments[end + 1 :]
    if bool(command) == bool(args.cast):
        parser.error("name a command after '--', or one FILE.cast")
    if args.cast:
        events, code, title = read_asciicast(args.cast.read_text(encoding="utf-8")), 0, args.cast.stem
    else:
        title = " ".join(command)
        events, code = record(command)
        args.picture.with_suffix(".cast").write_text(asciicast(events, title), encoding="utf-8")
    args.picture.write_text(svg(frames(events), title), encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
