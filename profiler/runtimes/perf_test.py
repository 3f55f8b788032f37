"""ONNX Runtime's ``onnxruntime_perf_test``: its command line, and a strict parser of its output. Nothing is run.

Formats: those of 2020 ("cost:1.8 s", no space), of 2022 ("Total iterations"), later ones, and that of ONNX Runtime 1.23
and newer ("Average inference time cost total: 4.948100 ms"). Source: onnxruntime/test/perftest/{performance_runner,
command_args_parser}. A number has six significant digits or, since 1.23, six decimals. The total, the number of runs
and the average are redundant: a text in which they do not agree is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from edgenas.profiler.runtimes.output import OutputError

LIMIT_CHARS = 4 << 20
_NUMBER = r"([0-9]{1,15}(?:\.[0-9]{1,12})?(?:e[+-][0-9]{2})?)"
_LINES = {
    "session_s": re.compile(rf"Session creation time cost: ?{_NUMBER} s"),
    "total_s": re.compile(rf"Total (?:inference )?time cost: ?{_NUMBER}(?: s)?"),
    "runs": re.compile(r"Total (?:inference requests|iterations): ?([0-9]{1,12})"),
    "average_ms": re.compile(rf"Average (?:inference )?time cost(?: total)?: ?{_NUMBER} ms"),
    "submission_ms": re.compile(rf"Average inference time cost submission: ?{_NUMBER} ms"),  # until the device has it
    "wall_s": re.compile(rf"Total (?:inference )?run time: ?{_NUMBER} s"),
}
_LATENCY = re.compile(rf"(Min|Max|P50|P90|P95|P99|P999) Latency(?: is |: ){_NUMBER} ?s(?:ec)?")
_ORDER = ("Min", "P50", "P90", "P95", "P99", "P999", "Max")
_OURS = (
    *("Session creation time", "Average inference time", "Average time"),
    *("Total inference", "Total time", "Total iterations", "Total run"),
    *(f"{n} Latency" for n in _ORDER),
)
_DIGITS = 2e-5  # relative error of a value with six significant digits, rounded twice
_DECIMALS = 2e-6  # absolute error of a value with six decimals, rounded twice


@dataclass(frozen=True, slots=True)
class PerfTest:
    """Report of one run: number of inferences, their mean and sum, and latencies by label ('Min', 'P50' .. 'Max')."""

    runs: int
    average_ms: float
    total_s: float
    wall_s: float | None
    session_s: float | None
    latencies_ms: dict[str, float]

    @property
    def sample_ns(self) -> int:
        """Time of all inferences, ns: a sample of ``runs`` loops, to six significant digits."""
        return round(self.total_s * 1e9)


def command(
    binary: str,
    model: str,
    *,
    threads: int,
    runs: int = 0,
    seconds: int = 0,
    cores: Sequence[int],
    seed: int = 0,
    result: str = "/dev/null",
) -> list[str]:
    """Return the command line on the device: random inputs of ``seed`` (-I -S), ``runs`` sequential inferences, or as
    many as fit into ``seconds``, one operator at a time (-y 1), pinned to ``cores``."""
    pin = ["taskset", f"{sum(1 << core for core in set(cores)):x}"] if cores else []
    until = ["-m", "times", "-r", str(runs)] if runs else ["-m", "duration", "-t", str(seconds)]
    flags = ["-I", "-S", str(seed), "-e", "cpu", *until, "-x", str(threads), "-y", "1"]
    return [*pin, binary, *flags, model, result]


def parse(stdout: str, *, asked_runs: int | None = None) -> PerfTest:
    """Parse exactly one run; OutputError with the reason for anything else."""
    if len(stdout) > LIMIT_CHARS:
        raise OutputError(f"onnxruntime_perf_test printed more than {LIMIT_CHARS:,} characters")
    try:
        found = _read(stdout)
    except ValueError as error:
        raise OutputError(f"onnxruntime_perf_test: {error}") from error
    if asked_runs is not None and found.runs != asked_runs:
        raise OutputError(f"onnxruntime_perf_test ran {found.runs} times, not {asked_runs} as asked")
    return found


def _read(text: str) -> PerfTest:
    """Parse the lines of one run; ValueError names the fault."""
    values: dict[str, str] = {}
    latencies: dict[str, float] = {}
    for raw in text.split("\n"):
        line = raw.removesuffix("\r")
        name, number = _line(line)
        if name == "":
            if line.startswith(_OURS):
                raise ValueError(f"the line {line!r:.160} is not as the tool prints it")
            continue
        if name in values or name in latencies:
            raise ValueError(f"{line!r:.160} comes twice: more than one run, or mixed output")
        if name in _ORDER:
            latencies[name] = 1000 * _float(number)
        else:
            values[name] = number
    missing = [name for name in ("total_s", "runs", "average_ms") if name not in values]
    if missing:
        raise ValueError(f"the output is cut or of another tool: no line has {missing[0]}")
    runs, total_s, average_ms = int(values["runs"]), _float(values["total_s"]), _float(values["average_ms"])
    if runs < 1 or total_s <= 0 or not _agree(values["total_s"], 1000 / runs, values["average_ms"]):
        raise ValueError(
            f"the numbers contradict each other: {runs} runs, {total_s:g} s in all, {average_ms:g} ms each"
        )
    ordered = [latencies[name] for name in _ORDER if name in latencies]
    if ordered != sorted(ordered):
        raise ValueError("the latencies are not in order")
    low, high = latencies.get("Min", 0.0), latencies.get("Max", math.inf)
    blur = _error(values["average_ms"])
    if not low * (1 - _DIGITS) - blur <= average_ms <= high * (1 + _DIGITS) + blur:
        raise ValueError("the average lies outside of least and most")
    wall_s = _float(values["wall_s"]) if "wall_s" in values else None
    session_s = _float(values["session_s"]) if "session_s" in values else None
    if wall_s is not None and wall_s < total_s * (1 - _DIGITS):
        raise ValueError(f"{total_s:g} s of inferences in {wall_s:g} s: they ran side by side")
    return PerfTest(runs, average_ms, total_s, wall_s, session_s, latencies)


def _line(line: str) -> tuple[str, str]:
    """Return (name, number) of a line, or ('', '') for a line of other content."""
    if match := _LATENCY.fullmatch(line):
        return match[1], match[2]
    for name, pattern in _LINES.items():
        if match := pattern.fullmatch(line):
            return name, match[1]
    return "", ""


def _agree(total_s: str, factor: float, average_ms: str) -> bool:
    """Return whether two printed numbers agree within their rounding; ``factor`` turns the first into the second."""
    first, second = _float(total_s) * factor, _float(average_ms)
    return abs(first - second) <= max(_DIGITS * max(first, second), _error(total_s) * factor + _error(average_ms))


def _error(text: str) -> float:
    """Return the absolute error of a printed number beyond that of six significant digits."""
    return _DECIMALS if f"{float(text):.6f}" == text else 0.0


def _float(text: str) -> float:
    """Parse a number as C++ prints it, with six significant digits or six decimals; ValueError for other spellings."""
    value = float(text)
    if text not in (f"{value:g}", f"{value:.6f}"):
        raise ValueError(f"{text!r:.40} is not a number as the tool prints it")
    return value
