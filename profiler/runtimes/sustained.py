"""Results of a model that runs alone and without pause (one record per minute, and memory), and the parser of the
Python runner's output. The text comes from a device and is not trusted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from edgenas.base.json_text import parse_line
from edgenas.latency_tables.records import SAMPLE_LIMIT_NS
from edgenas.latency_tables.store.fields import Fields, whole
from edgenas.profiler.runtimes.output import LIMIT_CHARS, Header, OutputError, read_header

#: Unit of a minute's deciles: 'run' for single runs; 'burst' for means over a tool's runs of some seconds, where the
#: tool does not print single runs.
Of = Literal["run", "burst"]
MINUTE_S = 60.0
_MOST_KIB = 1 << 36
_MOST_NS = 10**13


@dataclass(frozen=True, slots=True)
class SustainedRequest:
    """Duration of a sustained run, ``seconds`` (0: only long enough to measure memory), divided into minutes of
    ``minute_s``. With ``watch``, tools that can report their peak memory do so."""

    seconds: float
    minute_s: float = MINUTE_S
    watch: bool = False


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute, from ``at_s`` after the beginning, ``seconds`` long. ``deciles_ns`` are eleven values, minimum to
    maximum, by nearest rank; ``parts_ns`` are the medians of its parts, in order. Both are ns per run."""

    number: int
    at_s: float
    seconds: float
    runs: int
    deciles_ns: tuple[int, ...]
    parts_ns: tuple[int, ...]

    @property
    def median_ms(self) -> float:
        """Median time of a run, ms."""
        return self.deciles_ns[5] / 1e6

    @property
    def p90_ms(self) -> float:
        """Ninth decile of the time of a run, ms."""
        return self.deciles_ns[9] / 1e6


@dataclass(frozen=True, slots=True)
class Memory:
    """Cost of a model in a new process that runs it alone.

    peak_kib    peak of the resident memory of the whole process, KiB
    model_kib   the part that came with the model, without the start of the runtime, KiB
    load_ms     time to load the model: read its bytes, plan its memory, prepare its kernels
    first_ms    time of its first run

    None where it is not reported.
    """

    peak_kib: int | None
    model_kib: int | None
    load_ms: float | None = None
    first_ms: float | None = None


@dataclass(frozen=True, slots=True)
class SustainedOutput:
    """Output of a sustained run, complete or not: ``memory`` is printed only at the end. ``began_s`` is the begin of
    the first minute by the device's clock (/proc/uptime, s). ``failure`` is the reason of an early end, where
    printed."""

    header: Header
    delegate: str
    of: Of
    began_s: float
    minutes: tuple[Minute, ...]
    memory: Memory | None
    failure: str = ""


def parse_alone(text: str) -> SustainedOutput | None:
    """Parse the output of ``sustained_runner.py``; None when it ended before its first line was complete. Raises
    OutputError."""
    if len(text) > LIMIT_CHARS:
        raise OutputError(f"the runner printed {len(text):,} characters, more than {LIMIT_CHARS:,}")
    found: SustainedOutput | None = None
    minutes: list[Minute] = []
    before_kib, memory = None, None
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        try:
            fields = Fields(parse_line(line))
            kind = fields.text("kind", 20)
            if memory is not None or (kind == "alone") != (number == 1):
                raise ValueError(f"a record of kind {kind!r} is out of order")
            if kind == "alone":
                delegate = fields.text("delegate", 100)
                before_kib, began_s = _kib(fields, "before_kib"), fields.number("began_s")
                found = SustainedOutput(read_header(fields), delegate, "run", began_s, (), None)
            elif kind == "minute":
                minutes.append(_minute(fields, minutes))
            elif kind == "end":
                peak_kib = _kib(fields, "peak_kib")
                known = peak_kib is not None and before_kib is not None
                model_kib = max(0, (peak_kib or 0) - (before_kib or 0)) if known else None
                memory = Memory(peak_kib, model_kib, _ms(fields, "load_ns"), _ms(fields, "first_ns"))
            else:
                raise ValueError(f"unknown kind {kind!r}")
            fields.done()
        except ValueError as problem:
            raise OutputError(f"line {number} of the runner's output was not understood: {problem}") from problem
    if found is None:
        return None
    return SustainedOutput(found.header, found.delegate, "run", found.began_s, tuple(minutes), memory)


def deciles(values: Sequence[int]) -> tuple[int, ...]:
    """Return the eleven deciles, minimum to maximum, by nearest rank."""
    ranked = sorted(values)
    return tuple(ranked[max(0, math.ceil(k * len(ranked) / 10) - 1)] for k in range(11))


def _kib(fields: Fields, name: str) -> int | None:
    value = fields.any(name)
    return None if value is None else whole(value, name, 0, _MOST_KIB)


def _ms(fields: Fields, name: str) -> float | None:
    """Milliseconds of a field in ns; None where it is absent: a runner of edgenas 0.2 does not print it."""
    return None if fields.peek(name) is None else fields.whole(name, 1, _MOST_NS) / 1e6


def _minute(fields: Fields, before: Sequence[Minute]) -> Minute:
    found = Minute(
        fields.whole("number", before[-1].number + 1 if before else 0, 10**6),
        fields.number("at_s"),
        fields.number("seconds"),
        fields.whole("runs", 1, 10**12),
        fields.wholes("deciles_ns", 1, SAMPLE_LIMIT_NS, 11),
        fields.wholes("parts_ns", 1, SAMPLE_LIMIT_NS, 1000),
    )
    if len(found.deciles_ns) != 11 or list(found.deciles_ns) != sorted(found.deciles_ns) or not found.parts_ns:
        raise ValueError("deciles_ns are not eleven in order, or there are no parts")
    if found.at_s < 0 or found.seconds <= 0:
        raise ValueError("a minute begins before the beginning, or lasts no time")
    return found
