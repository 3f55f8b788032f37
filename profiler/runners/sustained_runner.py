"""Run one model alone and without pause on this machine, and print JSON lines: memory, and one line per minute.

    python3 bench_runner.py TASK.json      the task names this file as ``runner``; its model is beside it

``bench_runner.py`` runs this file and lends it its runtimes; Python 3.9 or newer. Runs follow each other with warm
caches; a sample is ``loops`` invokes of ``min_sample_ns`` or more in all. Only the number of runs, the deciles and the
medians of the PARTS parts of each minute are stored: about 10 MB at most, for any duration. Lines printed:

    {"kind": "alone", ...}      runtime and versions; KiB resident before the model was loaded; begin of the run
    {"kind": "minute", ...}     nanoseconds per run; ``deciles_ns`` from minimum to maximum, by nearest rank
    {"kind": "end", ...}        largest number of KiB resident since the model was loaded; nanoseconds of loading it and
                                of its first run

``began_s`` is in seconds of /proc/uptime, or of the wall clock where that cannot be read.
"""

from __future__ import annotations

import array
import contextlib
import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PARTS = 6  # parts of a minute, each with its own median


def status_kib(field: str) -> int | None:
    """Return VmRSS or VmHWM of this process, KiB; None where /proc does not have it."""
    for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    return None


def forget_peak() -> None:
    """Reset VmHWM to the memory resident now (proc(5), clear_refs); where that is not permitted, VmHWM includes the
    peak of the runtime's import."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def device_s() -> float:
    """Return the seconds of /proc/uptime, or of the wall clock where that cannot be read."""
    try:
        return float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        return time.time()


class SustainedModel:
    """A model that is run without pause; a sample is ``loops`` invokes."""

    def __init__(self, invoke: Callable[[], Any], loops: int) -> None:
        self.invoke, self.loops = invoke, loops

    def minute(self, now: int, end: int, parts: int) -> tuple[int, list[int], list[int], int]:
        """Run from ``now`` until ``end`` (perf_counter_ns), and return (runs, deciles, medians of the parts, end)."""
        import numpy

        clock, invoke, loops, again, begin = time.perf_counter_ns, self.invoke, self.loops, range(self.loops), now
        every, medians = [], []
        for part in range(1, parts + 1):
            until, times = begin + (end - begin) * part // parts, array.array("q")
            while now < until:
                before = clock()
                for _ in again:
                    invoke()
                now = clock()
                times.append(now - before)
            if times:
                every.append(numpy.sort(numpy.frombuffer(times, dtype=numpy.int64)))
                medians.append(self.each(every[-1], 5))
        ranked = numpy.sort(numpy.concatenate(every))
        return len(ranked) * loops, [self.each(ranked, k) for k in range(11)], medians, now

    def each(self, ranked: Any, tenths: int) -> int:
        """Return a decile by nearest rank of sorted samples, ns per run."""
        return max(1, round(int(ranked[max(0, -(-tenths * len(ranked) // 10) - 1)]) / self.loops))


def run(engines: Any, task: dict[str, Any], folder: Path, emit: Callable[[dict[str, Any]], None]) -> None:
    """Run the task in ``folder`` with ``engines``, the module bench_runner, and emit its lines."""
    in_force = engines.settle(task["cores"], task["scheduler"])
    runtime = engines.RUNTIMES[task["runtime"]](task["threads"])
    engines.make_input([1], "float32", 0)  # loads numpy's generator, whose memory is not the model's
    data = (folder / task["file"]).read_bytes()
    gc.collect()
    before_kib = status_kib("VmRSS")
    forget_peak()
    begin = time.perf_counter_ns()
    loaded = runtime.load(data, task["seed"])
    ready = time.perf_counter_ns()
    loaded.invoke()
    started = {"load_ns": ready - begin, "first_ns": time.perf_counter_ns() - ready}
    model = engines.Model("", loaded)
    model.warm_up(task)
    began_s, begin = device_s(), time.perf_counter_ns()
    who = {**engines.identify(task["runtime"], runtime), **in_force, "threads": task["threads"]}
    emit({"kind": "alone", **who, "delegate": loaded.delegate, "before_kib": before_kib, "began_s": began_s})
    gc.disable()
    alone, now, number = SustainedModel(loaded.invoke, model.loops), begin, 0
    end, minute_ns = begin + round(task["seconds"] * 1e9), round(task["minute_s"] * 1e9)
    while now < end:
        number = (now - begin) // minute_ns  # a run may be longer than a minute
        first, until = now, min(end, begin + (number + 1) * minute_ns)
        runs, deciles, medians, now = alone.minute(now, until, PARTS)
        span = {"at_s": (first - begin) / 1e9, "seconds": (now - first) / 1e9}
        emit({"kind": "minute", "number": number, **span, "runs": runs, "deciles_ns": deciles, "parts_ns": medians})
        now = time.perf_counter_ns()
    model.rounds = [[1]]
    model.result()  # raises an error for an output that is not finite
    emit({"kind": "end", "peak_kib": status_kib("VmHWM"), **started})
