"""``benchmark_model`` of TensorFlow Lite and of LiteRT 2: a strict parser of its output. Nothing is run.

The tool is a program without Python, for phones. Formats: that of 2018 (``Average inference timings``), that of
TensorFlow 2.3 to 2.14 (no prefix), the later one with ``INFO:`` before each line, and that of LiteRT 2
(``benchmark_litert.py``); with and without operator profiles. Source: tensorflow/lite/tools/benchmark/
{benchmark_model,benchmark_tflite_model}.cc. INFO goes to stdout; ERROR and messages of delegates and of LiteRT go to
stderr. Lines of other programs are ignored. A run is refused for a line of the tool that is garbled, missing, repeated
or out of order, and for contradictory numbers: every average is printed twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from edgenas.profiler.runtimes.benchmark_delegate import BEGINNINGS, CREATED, DelegateLine, parse_delegate_line
from edgenas.profiler.runtimes.benchmark_flags import ToolFlags
from edgenas.profiler.runtimes.benchmark_litert import UNKNOWN_FLAG, Results
from edgenas.profiler.runtimes.benchmark_stat import FLOAT, SeriesLimit, Stat, is_cut, parse_float, parse_stat
from edgenas.profiler.runtimes.output import OutputError

LIMIT_CHARS = 4 << 20
_WHOLE = r"(0|[1-9][0-9]{0,11})"
_PREFIX = re.compile(r"(?:INFO|WARN|WARNING|VERBOSE): ")
_ERROR = re.compile(r"(?:ERROR|FATAL): .*|Benchmarking failed\.|Failed to .*|Aborted.*|Segm.*")
_UNCONSUMED = "Unconsumed cmdline flags: "
_THREADS = re.compile(r"Num threads: \[(-?[0-9]{1,4})\]")
_GRAPH = re.compile(r"Graph: \[(.*)\]")
_XNNPACK = re.compile(r"Use xnnpack: \[([01])\]")
_INIT = re.compile(rf"Initialized session in {FLOAT}ms\.?")
_RUNNING = re.compile(
    rf"Running benchmark for at least {_WHOLE} iterations and at least {FLOAT} seconds"
    rf"(?: but terminate if exceeding {FLOAT} seconds\.)?"
)
_TIMINGS = re.compile(
    rf"Inference timings in us: Init: {_WHOLE}, First inference: {_WHOLE}, Warmup \(avg\): {FLOAT}, "
    rf"Inference \(avg\): {FLOAT}"
)
_TIMINGS_2018 = re.compile(
    rf"Average inference timings in us: Warmup: {FLOAT}, Init: {_WHOLE}, (?:no stats|Inference): {FLOAT}"
)
# beginnings of the tool's own lines; such a line must be complete
_OURS = ("count=", "Initialized session", "Running benchmark", "Inference timings", "Average inference timings")
_OURS_ONCE = (*_OURS, "Num threads:", "Graph:", "Use xnnpack:", *BEGINNINGS)


@dataclass(frozen=True, slots=True)
class ToolReport:
    """Report of one run of the tool. ``bounds`` are the limits of the warm-up and of the runs; ``delegate`` is the
    requested delegate ('' for none named), ``executed`` how much of the graph it executes ('completely', 'partially',
    'not'; '' where it is not printed), ``partitions`` the number of its parts. ``cut_short``: the time limit ended the
    runs. ``litert``: LiteRT 2's tool printed it."""

    init_us: int
    warmup: Stat
    runs: Stat
    bounds: tuple[SeriesLimit, SeriesLimit]
    graph: str | None = None
    threads: int | None = None
    use_xnnpack: bool | None = None
    delegate: str = ""
    executed: str = ""
    partitions: int | None = None
    cut_short: bool = False
    litert: bool = False

    @property
    def sample_ns(self) -> int:
        """Time of all timed inferences, ns: a sample of ``runs.count`` loops, to six significant digits."""
        return round(self.runs.avg_us * self.runs.count * 1000)


@dataclass(frozen=True, slots=True)
class Refused:
    """A run that began but has no valid numbers, with the reason."""

    reason: str


def parse_run(stdout: str, stderr: str = "", *, asked: ToolFlags | None = None) -> ToolReport:
    """Parse exactly one run that used the flags ``asked``; OutputError with the reason for anything else."""
    found = parse_log(stdout, stderr, frozenset() if asked is None else asked.optional)
    if len(found) != 1:
        raise OutputError(f"benchmark_model printed {len(found)} runs where one was started")
    run = found[0]
    if isinstance(run, Refused):
        raise OutputError(f"benchmark_model: {run.reason}")
    if asked is not None:
        _check_honoured(run, asked)
    return run


def _check_honoured(run: ToolReport, flags: ToolFlags) -> None:
    """Raise OutputError where a flag had no effect: some builds ignore unknown flags."""
    warmup, runs = run.bounds
    for name, want, got in (
        ("graph", flags.graph, run.graph),
        ("num_threads", flags.threads, run.threads),
        ("use_xnnpack", flags.use_xnnpack, run.use_xnnpack if _is_echoed(run, flags) else flags.use_xnnpack),
        ("warmup_runs", flags.warmup_runs, warmup.runs),
        ("warmup_min_secs", _printed(flags.warmup_min_s), warmup.least_s),
        ("num_runs", flags.num_runs, runs.runs),
        ("min_secs", _printed(flags.min_s), runs.least_s),
        *(("max_secs", _printed(flags.max_s), bound.most_s) for bound in run.bounds if bound.most_s is not None),
    ):
        if got != want:
            raise OutputError(f"benchmark_model ran with {name} {got!r:.200}, not {want!r:.200} as asked")


def _is_echoed(run: ToolReport, flags: ToolFlags) -> bool:
    """Return whether the tool prints the value of --use_xnnpack, which LiteRT 2's does not know."""
    return flags.use_xnnpack is not None and not run.litert


def _printed(value: float) -> float:
    """Return a value as the tool prints it: rounded to six significant digits."""
    return float(f"{value:g}")


def parse_log(
    stdout: str, stderr: str = "", optional: frozenset[str] = frozenset()
) -> tuple[ToolReport | Refused, ...]:
    """Parse every run in a log, in order; OutputError when there is none. ``stderr`` belongs to the last run. The tool
    need not know flags that are ``optional``."""
    if len(stdout) + len(stderr) > LIMIT_CHARS:
        raise OutputError(f"benchmark_model printed more than {LIMIT_CHARS:,} characters")
    parts: list[tuple[_Part, list[str]]] = []
    loaded = False
    for line in _lines(stdout):
        text = line[_skip(line) :]
        begins = text == "STARTING!" or (text.startswith("Loaded model ") and (not parts or loaded))
        if begins:
            parts.append((_Part(), []))
            loaded = False
        if parts:
            parts[-1][1].append(line)
            loaded |= text.startswith("Loaded model ")
        elif text.startswith(_OURS):
            parts.append((_Part(reason="the beginning of the output is missing"), []))
    if not parts:
        raise OutputError("no run of benchmark_model is in this text: neither 'STARTING!' nor 'Loaded model'")
    for line in _lines(stderr):
        parts[-1][0].take_stderr(line)
    for part, lines in parts:
        for line in lines:
            part.take(line)
    return tuple(part.end(optional) for part, _ in parts)


def _lines(text: str) -> list[str]:
    return [raw.removesuffix("\r") for raw in text.split("\n")]


def _skip(line: str) -> int:
    """Return the length of the prefix that says how serious a line is: not an error."""
    prefix = _PREFIX.match(line)
    return prefix.end() if prefix else 0


@dataclass(slots=True)
class _Part:
    """Parser of the lines of one run; ``reason`` is the first fault."""

    reason: str = ""
    loaded: bool = False
    init_text: str | None = None
    bounds: list[SeriesLimit] = field(default_factory=list)
    stats: list[Stat] = field(default_factory=list)
    timings: tuple[int, int, str, str] | None = None
    seen: dict[str, str] = field(default_factory=dict)
    delegate: DelegateLine | None = None
    created: bool = False
    litert: Results = field(default_factory=Results)
    unconsumed: str = ""

    def take(self, line: str) -> None:
        """Parse a line of stdout; the first fault becomes the ``reason``."""
        if self.reason:
            return
        try:
            skip = _skip(line)
            self._take(line[skip:], harmless=skip > 0)
        except ValueError as error:
            self.reason = str(error)

    def take_stderr(self, line: str) -> None:
        """Parse a line of stderr: errors and messages of delegates and of LiteRT."""
        skip = _skip(line)
        text = line[skip:]
        if text.startswith(("Replacing ", CREATED, _UNCONSUMED, "[")) or (not skip and _ERROR.fullmatch(text)):
            self.take(line)

    def end(self, optional: frozenset[str] = frozenset()) -> ToolReport | Refused:
        """Return the report of the lines, or the reason of the refusal."""
        known = UNKNOWN_FLAG if self.litert.graph else ""
        unknown = re.findall(r"--([a-z_]+)=", self.unconsumed)
        if self.unconsumed not in ("", known) and not (unknown and optional.issuperset(unknown)):
            return Refused(f"it failed: {self.unconsumed!r:.300}")
        try:
            return Refused(self.reason) if self.reason else self._end()
        except ValueError as error:
            return Refused(str(error))

    def _take(self, text: str, *, harmless: bool) -> None:
        if not harmless and _ERROR.fullmatch(text):
            raise ValueError(f"it failed: {text.removeprefix('ERROR: ')!r:.300}")
        if self.litert.take(text):
            return
        if text.startswith(_UNCONSUMED):
            self.unconsumed = self.unconsumed or text.rstrip()
        elif text.startswith("Loaded model "):
            if self.loaded:
                raise ValueError("a second model is loaded")
            self.loaded = True
        elif text == CREATED:
            self.created = True
        elif text.startswith(_OURS_ONCE):
            self._known(text)

    def _known(self, text: str) -> None:
        ready = self.init_text is not None
        if match := _INIT.fullmatch(text):
            parse_float(match[1])
            if ready or not (self.loaded or self.litert.graph):
                raise ValueError("lines are out of order: a session begins where none should")
            self.init_text = match[1]
        elif match := _RUNNING.fullmatch(text):
            if not ready or len(self.bounds) != len(self.stats) or len(self.bounds) == 2:
                raise ValueError("lines are out of order: a series begins where none should")
            limit = parse_float(match[3]) if match[3] else None
            self.bounds.append(SeriesLimit(int(match[1]), parse_float(match[2]), limit))
        elif text.startswith("count="):
            if len(self.stats) + 1 != len(self.bounds):
                raise ValueError("lines are out of order: a series ends where none began")
            self.stats.append(parse_stat(text))
        elif match := (_TIMINGS.fullmatch(text) or _TIMINGS_2018.fullmatch(text)):
            if self.timings is not None or len(self.stats) != 2:
                raise ValueError("lines are out of order: timings before the end of the runs, or twice")
            if match.re is _TIMINGS:
                self.timings = (int(match[1]), int(match[2]), match[3], match[4])
            else:
                self.timings = (int(match[2]), self.stats[0].first_us, match[1], match[3])
        elif match := (_THREADS.fullmatch(text) or _XNNPACK.fullmatch(text) or _GRAPH.fullmatch(text)):
            self._parameter(text.partition(":")[0], match[1])
        elif said := parse_delegate_line(text):
            if said.applied and ready:
                raise ValueError("lines are out of order: a delegate is applied to a running session")
            if said.applied or self.delegate is None:
                self.delegate = said
        elif not text.startswith("Though "):
            raise ValueError(f"the line {text!r:.160} is not as the tool prints it")

    def _parameter(self, name: str, value: str) -> None:
        if self.loaded or name in self.seen:
            raise ValueError(f"lines are out of order: {name!r} twice, or after the model")
        self.seen[name] = value

    def _end(self) -> ToolReport:
        if self.init_text is None or (self.timings is None and (not self.litert.graph or len(self.stats) != 2)):
            raise ValueError("the output is cut: the line of timings is missing")
        warmup, runs = self.stats
        init_us = round(float(self.init_text) * 1000)
        if self.timings is None:
            self.litert.check(float(self.init_text), warmup, runs)
        else:
            init_us, first_us, warmup_text, avg_text = self.timings
            printed = (self.init_text, first_us, warmup_text, avg_text)
            counted = (f"{init_us / 1000:g}", warmup.first_us, warmup.avg_text, runs.avg_text)
            if printed != counted:
                raise ValueError(f"the numbers contradict each other: {printed} at the end, {counted} before")
        cut = [is_cut(stat, bound) for stat, bound in zip(self.stats, self.bounds, strict=True)][1]
        xnnpack = self.seen.get("Use xnnpack")
        delegate, executed, partitions = ("XNNPACK" if self.created else "", "", None)
        if self.delegate is not None:
            delegate, executed, partitions = self.delegate[:3]
        threads = self.seen.get("Num threads")
        return ToolReport(
            init_us,
            warmup,
            runs,
            (self.bounds[0], self.bounds[1]),
            graph=self.litert.graph or self.seen.get("Graph"),
            threads=None if threads is None else int(threads),
            use_xnnpack=None if xnnpack is None else xnnpack == "1",
            delegate=delegate,
            executed=executed,
            partitions=partitions,
            cut_short=cut,
            litert=bool(self.litert.graph),
        )
