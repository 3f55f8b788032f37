"""Parser of the output of the script of ``tool_script``: the runs of the tool, and the tool's output in each.

The text comes from a device and is not trusted: the runs must be those of the plan, in its order, and every line must
be one that the script writes.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from edgenas.base.json_text import parse_line
from edgenas.profiler.runtimes.output import LIMIT_CHARS, OutputError
from edgenas.profiler.runtimes.tool_script import MARK

_NUMBER = r"(0|[1-9][0-9]{0,8})"
_MARKS = {
    "tool": re.compile(r"([0-9a-f]{64})"),
    "kind": re.compile(r"(tensorflow|litert)"),
    "round": re.compile(rf"{_NUMBER} ([0-9,-]{{1,2000}})"),
    "run": re.compile(rf"{_NUMBER} {_NUMBER} {_NUMBER} {_NUMBER} ([0-9]{{1,12}})"),
    "err": re.compile(rf"{_NUMBER} {_NUMBER}"),
    "ran": re.compile(rf"{_NUMBER} {_NUMBER}"),
    "late": re.compile(_NUMBER),
    "done": re.compile(_NUMBER),
    "end": re.compile(_NUMBER),
}
_CPUS = re.compile(r"([0-9]{1,4})(?:-([0-9]{1,4}))?")


@dataclass(frozen=True, slots=True)
class ToolRun:
    """One run of the tool: number of the model, exit code, duration in whole seconds, begin by the device's clock (s),
    and its output."""

    model: int
    code: int
    seconds: int
    began_s: int
    stdout: str
    stderr: str


@dataclass(slots=True)
class BatchTranscript:
    """Complete records of a batch's output.

    rounds     successful runs of each finished round
    failed     number of a model -> its failed run, from any round
    late       numbers of models that were not started before the time limit
    complete   whether the end mark was printed
    kind       which of the tools called benchmark_model it is, 'tensorflow' or 'litert'; '' where it was not asked
    """

    sha256: str = ""
    kind: str = ""
    cores: tuple[int, ...] = ()
    rounds: list[list[ToolRun]] = field(default_factory=list)
    failed: dict[int, ToolRun] = field(default_factory=dict)
    late: list[int] = field(default_factory=list)
    complete: bool = False


def seal(head: dict[str, Any]) -> bytes:
    """Return the first line of a batch: one JSON object with its crc32, so that a changed digit is detected."""
    return (json.dumps({**head, "crc32": _crc32(head)}) + "\n").encode()


def read_head(line: str) -> dict[str, Any]:
    """Return the object of the line that ``seal`` made. Raises OutputError."""
    try:
        head = parse_line(line)
    except ValueError as error:
        raise OutputError(f"the first line of the batch is not its plan: {error}") from error
    if head.pop("crc32", None) != _crc32(head):
        raise OutputError("the plan came back changed (its crc32 differs); run the batch again")
    return head


def begins(text: str) -> tuple[str, list[str]] | None:
    """Return (first line, lines after it), without an incomplete last line; None where the first line is incomplete."""
    if len(text) > LIMIT_CHARS:
        raise OutputError(f"the batch printed {len(text):,} characters, more than {LIMIT_CHARS:,}")
    lines = text.split("\n")[:-1]
    return (lines[0], lines[1:]) if lines else None


def read_record(lines: list[str], orders: Iterator[tuple[int, ...]]) -> BatchTranscript | None:
    """Parse the batch whose rounds have these ``orders``; None where it ended before its first round began. OutputError
    with the number of the line for any text that the script does not print."""
    reader = _Reader(orders)
    for number, name, values, ran in _events(lines):
        try:
            reader.take(name, values, ran)
        except ValueError as error:
            raise OutputError(f"line {number} of the batch was not understood: {error}") from error
    return reader.record if reader.record.cores else None


def parse_cpus(text: str) -> tuple[int, ...]:
    """Return the numbers of a list of CPUs such as '0-3,5'; ValueError for any text that the kernel does not print."""
    cpus: list[int] = []
    for part in text.split(","):
        match = _CPUS.fullmatch(part)
        if match is None:
            raise ValueError(f"{text[:80]!r} is not a list of CPUs")
        cpus.extend(range(int(match[1]), int(match[2] or match[1]) + 1))
    if not cpus or cpus != sorted(set(cpus)):
        raise ValueError(f"{text[:80]!r} is not a list of CPUs in order")
    return tuple(cpus)


class _Reader:
    """Reader of the marks in order, which checks that each may come next."""

    def __init__(self, orders: Iterator[tuple[int, ...]]) -> None:
        self.record = BatchTranscript()
        self._orders = orders
        self._due: list[int] | None = None  # models of the current round that did not have their turn yet
        self._runs: list[ToolRun] = []

    def take(self, name: str, values: Sequence[str], ran: ToolRun | None) -> None:
        """Add a mark to the record; ValueError for a mark that cannot come at this place."""
        record = self.record
        number = len(record.rounds)  # of the current round, or of the next
        if record.complete:
            raise ValueError("something follows the end")
        if (name == "tool") != (record.sha256 == ""):
            raise ValueError("the mark 'tool' is not the first one, or comes twice")
        if name == "tool":
            record.sha256 = values[0]
        elif name == "kind":
            if record.kind or record.rounds or self._due is not None:
                raise ValueError("the mark 'kind' comes twice, or after a round began")
            record.kind = values[0]
        elif name == "end":
            if int(values[0]) != number or number == 0:
                raise ValueError(f"it ends after {values[0]} rounds, but {number} are here")
            record.complete = True
        elif name == "late":
            self._next(int(values[0]))
            if number > 0:
                raise ValueError("a model is late after the first round")
            record.late.append(int(values[0]))
        elif int(values[0]) != number:
            raise ValueError(f"round {values[0]} comes where round {number} should")
        elif name == "round":
            self._begin(number, parse_cpus(values[1]))
        elif name == "done":
            if self._due != []:
                raise ValueError(f"round {number} is done without all of its runs")
            record.rounds.append(self._runs)
            self._due = None
        elif ran is not None:
            self._next(ran.model)
            if ran.code == 0:
                self._runs.append(ran)
            else:
                record.failed[ran.model] = ran
        else:
            raise ValueError(f"the mark {name!r} stands outside of a run")

    def _begin(self, number: int, cores: tuple[int, ...]) -> None:
        order = next(self._orders, None) if self._due is None else None
        if order is None:
            raise ValueError(f"round {number} begins where none should")
        if self.record.cores not in ((), cores):
            raise OutputError(
                f"the CPUs that it may use changed from {list(self.record.cores)} to {list(cores)} within a batch; "
                f"nothing of it is kept: run it again"
            )
        self.record.cores = cores
        gone = {*self.record.failed, *self.record.late}
        self._due = [model for model in order if model not in gone]
        self._runs = []

    def _next(self, model: int) -> None:
        if not self._due or self._due.pop(0) != model:
            raise ValueError(f"model {model} comes where it was not its turn")


def _events(lines: list[str]) -> Iterator[tuple[int, str, tuple[str, ...], ToolRun | None]]:
    """Yield (number of the line, mark, its values, the run where the mark is one); an incomplete end is left out."""
    at = 0
    while at < len(lines):
        begin, texts = at, []
        name, values = _mark(lines, at)
        if name == "run":
            for sign, mark in (("|", "err"), ("!", "ran")):
                at, text = _quoted(lines, at + 1, sign)
                if at == len(lines):
                    return
                if _mark(lines, at) != (mark, values[:2]):
                    raise OutputError(f"line {at + 2} of the batch is {lines[at]!r:.80}, not {mark!r} of the same run")
                texts.append(text)
        ran = _ran(values, *texts) if texts else None
        yield begin + 2, name, values, ran
        at += 1


def _ran(values: Sequence[str], stdout: str, stderr: str) -> ToolRun:
    model, code, seconds, began_s = (int(value) for value in values[1:])
    return ToolRun(model, code, seconds, began_s, stdout, stderr)


def _mark(lines: list[str], at: int) -> tuple[str, tuple[str, ...]]:
    found = re.fullmatch(f"{MARK} ([a-z]+) (.*)", lines[at])
    match = _MARKS[found[1]].fullmatch(found[2]) if found and found[1] in _MARKS else None
    if found is None or match is None:
        raise OutputError(f"line {at + 2} of the batch is {lines[at]!r:.80}, which is not a mark of the script")
    return found[1], match.groups()


def _quoted(lines: list[str], at: int, sign: str) -> tuple[int, str]:
    """Return (index of the next line, text) of the lines from ``at`` on that begin with ``sign``, up to a mark or the
    end."""
    text: list[str] = []
    while at < len(lines) and lines[at].startswith(sign):
        text.append(lines[at][1:])
        at += 1
    if at < len(lines) and lines[at] == "":
        text.append("")  # the last line ended with a newline
        at += 1
    return at, "\n".join(text)


def _crc32(head: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(head, sort_keys=True).encode())
