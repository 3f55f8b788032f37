"""TensorFlow Lite's ``benchmark_model``: its command line, and a strict parser of its output. Nothing is run.

The tool is a program without Python, for phones. Formats: that of 2018 (``Average inference timings``), that of
TensorFlow 2.3 to 2.14 (no prefix), and the later one with ``INFO:`` before each line; with and without operator
profiles. Source: tensorflow/lite/tools/benchmark/{benchmark_model,benchmark_tflite_model}.cc. INFO goes to stdout;
ERROR and messages of delegates go to stderr. Lines of other programs are ignored. A run is refused for a line of the
tool that is garbled, missing, repeated or out of order, and for contradictory numbers: every average is printed twice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from edgenas.profiler.runtimes.benchmark_stat import FLOAT, SeriesLimit, Stat, is_cut, parse_float, parse_stat
from edgenas.profiler.runtimes.output import OutputError

LIMIT_CHARS = 4 << 20
_WHOLE = r"(0|[1-9][0-9]{0,11})"
_PREFIX = re.compile(r"(?:INFO|WARN|WARNING|VERBOSE): ")
_ERROR = re.compile(
    r"(?:ERROR|FATAL): .*|Benchmarking failed\.|Failed to .*|Unconsumed cmdline flags: .*|Aborted.*|Segm.*"
)
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
_KERNELS = r"(completely|partially) executed by the delegate(?: w/ ([1-9][0-9]{0,5}) delegate kernels)?\."
_APPLIED = re.compile(rf"Explicitly applied ([A-Za-z]{{1,20}}) delegate, and the model graph will be {_KERNELS}")
_UNUSED = re.compile(
    r"Though ([A-Za-z]{1,20}) delegate is explicitly applied, the model graph will not be executed by the delegate\."
)
_REPLACING = re.compile(
    rf"Replacing {_WHOLE} out of {_WHOLE} node\(s\) with delegate \(([A-Za-z0-9_]{{1,60}})\) node, yielding {_WHOLE} "
    r"partitions for (?:the whole graph|subgraph [0-9]{1,4})\."
)
_CREATED = "Created TensorFlow Lite XNNPACK delegate for CPU."
# beginnings of the tool's own lines; such a line must be complete
_OURS = ("count=", "Initialized session", "Running benchmark", "Inference timings", "Average inference timings")
_OURS_ONCE = (*_OURS, "Num threads:", "Graph:", "Use xnnpack:", "Explicitly applied", "Though ", "Replacing ")


@dataclass(frozen=True, slots=True)
class ToolFlags:
    """Flags of the tool. A series ends after its number of runs and its minimum time (the warm-up has its own), at the
    latest after ``max_s``."""

    graph: str
    threads: int = 1
    use_xnnpack: bool = True
    warmup_runs: int = 10
    warmup_min_s: float = 0.02
    num_runs: int = 50
    min_s: float = 0.001
    max_s: float = 150.0


@dataclass(frozen=True, slots=True)
class ToolReport:
    """Report of one run of the tool. ``bounds`` are the limits of the warm-up and of the runs; ``delegate`` is the
    requested delegate ('' for none named), ``executed`` how much of the graph it executes ('completely', 'partially',
    'not'; '' where it is not printed), ``partitions`` the number of its parts. ``cut_short``: the time limit ended the
    runs."""

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

    @property
    def sample_ns(self) -> int:
        """Time of all timed inferences, ns: a sample of ``runs.count`` loops, to six significant digits."""
        return round(self.runs.avg_us * self.runs.count * 1000)


@dataclass(frozen=True, slots=True)
class Refused:
    """A run that began but has no valid numbers, with the reason."""

    reason: str


def command(binary: str, options: ToolFlags, cores: Sequence[int]) -> list[str]:
    """Return the command line on the device, pinned to ``cores`` by ``taskset HEXMASK`` (as util-linux and toybox have
    it)."""
    pin = ["taskset", f"{sum(1 << core for core in set(cores)):x}"] if cores else []
    flags = {
        "graph": options.graph,
        "num_threads": options.threads,
        "use_xnnpack": "true" if options.use_xnnpack else "false",
        "warmup_runs": options.warmup_runs,
        "warmup_min_secs": f"{options.warmup_min_s:g}",
        "num_runs": options.num_runs,
        "min_secs": f"{options.min_s:g}",
        "max_secs": f"{options.max_s:g}",
    }
    return [*pin, binary, *(f"--{name}={value}" for name, value in flags.items())]


def parse_run(stdout: str, stderr: str = "", *, asked: ToolFlags | None = None) -> ToolReport:
    """Parse exactly one run that used the flags ``asked``; OutputError with the reason for anything else."""
    found = parse_log(stdout, stderr)
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
        ("use_xnnpack", flags.use_xnnpack, run.use_xnnpack),
        ("warmup_runs", flags.warmup_runs, warmup.runs),
        ("warmup_min_secs", _printed(flags.warmup_min_s), warmup.least_s),
        ("num_runs", flags.num_runs, runs.runs),
        ("min_secs", _printed(flags.min_s), runs.least_s),
        *(("max_secs", _printed(flags.max_s), bound.most_s) for bound in run.bounds if bound.most_s is not None),
    ):
        if got != want:
            raise OutputError(f"benchmark_model ran with {name} {got!r:.200}, not {want!r:.200} as asked")


def _printed(value: float) -> float:
    """Return a value as the tool prints it: rounded to six significant digits."""
    return float(f"{value:g}")


def parse_log(stdout: str, stderr: str = "") -> tuple[ToolReport | Refused, ...]:
    """Parse every run in a log, in order; OutputError when there is none. ``stderr`` belongs to the last run."""
    if len(stdout) + len(stderr) > LIMIT_CHARS:
        raise OutputError(f"benchmark_model printed more than {LIMIT_CHARS:,} characters")
    parts: list[_Part] = []
    for raw in stdout.split("\n"):
        line = raw.removesuffix("\r")
        prefix = _PREFIX.match(line)
        text = line[prefix.end() :] if prefix else line
        begins = text == "STARTING!" or (text.startswith("Loaded model ") and (not parts or parts[-1].loaded))
        if begins:
            parts.append(_Part())
        if parts:
            parts[-1].take(text)
        elif text.startswith(_OURS):
            parts.append(_Part(reason="the beginning of the output is missing"))
    if not parts:
        raise OutputError("no run of benchmark_model is in this text: neither 'STARTING!' nor 'Loaded model'")
    for raw in stderr.split("\n"):
        line = raw.removesuffix("\r")
        prefix = _PREFIX.match(line)
        parts[-1].take_stderr(line[prefix.end() :] if prefix else line)
    return tuple(part.end() for part in parts)


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
    delegate: tuple[str, str, int | None] | None = None
    created: bool = False

    def take(self, text: str) -> None:
        """Parse a line of stdout; the first fault becomes the ``reason``."""
        if self.reason:
            return
        try:
            self._take(text)
        except ValueError as error:
            self.reason = str(error)

    def take_stderr(self, text: str) -> None:
        """Parse a line of stderr: errors and messages of delegates."""
        if text.startswith(("Replacing ", _CREATED)) or _ERROR.fullmatch(text):
            self.take(text)

    def end(self) -> ToolReport | Refused:
        """Return the report of the lines, or the reason of the refusal."""
        try:
            return Refused(self.reason) if self.reason else self._end()
        except ValueError as error:
            return Refused(str(error))

    def _take(self, text: str) -> None:
        if _ERROR.fullmatch(text):
            raise ValueError(f"it failed: {text.removeprefix('ERROR: ')!r:.300}")
        if text.startswith("Loaded model "):
            if self.loaded:
                raise ValueError("a second model is loaded")
            self.loaded = True
        elif text == _CREATED:
            self.created = True
        elif text.startswith(_OURS_ONCE):
            self._known(text)

    def _known(self, text: str) -> None:
        ready = self.init_text is not None
        if match := _INIT.fullmatch(text):
            parse_float(match[1])
            if ready or not self.loaded:
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
        elif match := _APPLIED.fullmatch(text):
            self._delegated(match[1], match[2], int(match[3]) if match[3] else 1)
        elif match := _UNUSED.fullmatch(text):
            self._delegated(match[1], "not", 0)
        elif match := _REPLACING.fullmatch(text):
            if self.delegate is None:
                how = "completely" if match[1] == match[2] else "partially"
                name = "XNNPACK" if "XNNPack" in match[3] else match[3]
                self.delegate = (name, how if int(match[1]) else "not", int(match[4]))
        elif not text.startswith("Though "):
            raise ValueError(f"the line {text!r:.160} is not as the tool prints it")

    def _parameter(self, name: str, value: str) -> None:
        if self.loaded or name in self.seen:
            raise ValueError(f"lines are out of order: {name!r} twice, or after the model")
        self.seen[name] = value

    def _delegated(self, name: str, executed: str, partitions: int) -> None:
        if self.init_text is not None:
            raise ValueError("lines are out of order: a delegate is applied to a running session")
        self.delegate = (name, executed, partitions)

    def _end(self) -> ToolReport:
        if self.timings is None or self.init_text is None:
            raise ValueError("the output is cut: the line of timings is missing")
        init_us, first_us, warmup_text, avg_text = self.timings
        warmup, runs = self.stats
        printed = (self.init_text, first_us, warmup_text, avg_text)
        counted = (f"{init_us / 1000:g}", warmup.first_us, warmup.avg_text, runs.avg_text)
        if printed != counted:
            raise ValueError(f"the numbers contradict each other: {printed} at the end, {counted} before")
        cut = [is_cut(stat, bound) for stat, bound in zip(self.stats, self.bounds, strict=True)][1]
        xnnpack = self.seen.get("Use xnnpack")
        delegate, executed, partitions = self.delegate or ("XNNPACK" if self.created else "", "", None)
        threads = self.seen.get("Num threads")
        return ToolReport(
            init_us,
            warmup,
            runs,
            (self.bounds[0], self.bounds[1]),
            graph=self.seen.get("Graph"),
            threads=None if threads is None else int(threads),
            use_xnnpack=None if xnnpack is None else xnnpack == "1",
            delegate=delegate,
            executed=executed,
            partitions=partitions,
            cut_short=cut,
        )
