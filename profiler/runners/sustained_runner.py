"""Runs one model alone and without pause on the machine it runs on, and prints JSON lines: memory, and a line a minute.

    python3 alone_runner.py TASK.json      the task; its model and bench_runner.py lie beside it

One file beside ``bench_runner.py``, whose runtimes it takes; Python 3.9 or newer. Runs follow each other, caches warm;
a sample is ``loops`` invokes that last ``min_sample_ns``. Of a minute only its size, its deciles and the medians of its
PARTS parts are kept: some 10 MB at most while it lasts, however long the whole. Lines printed:

    {"kind": "alone", ...}      what runs, by whom; KiB resident before the model was loaded; when it begins
    {"kind": "minute", ...}     nanoseconds a run; ``deciles_ns`` from least to most by nearest rank
    {"kind": "end", ...}        the most KiB that ever were resident since the model was loaded

``began_s`` are seconds of /proc/uptime, or of the day's clock where that cannot be read.
"""

from __future__ import annotations

import array
import contextlib
import gc
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PARTS = 6  # of a minute, each with a median of its own


def load_engines() -> Any:
    """The module beside this one, found by its path: the search path of imports may leave this folder out."""
    spec = importlib.util.spec_from_file_location("bench_runner", Path(__file__).with_name("bench_runner.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def status_kib(field: str) -> int | None:
    """VmRSS or VmHWM of this process."""
    for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    return None


def forget_peak() -> None:
    """VmHWM begins anew at what is resident now (proc(5), clear_refs); where that is not allowed it holds the peak of
    the runtime's import as well."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def device_s() -> float:
    try:
        return float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        return time.time()


class SustainedModel:
    """A model being run."""

    def __init__(self, invoke: Callable[[], Any], loops: int) -> None:
        self.invoke, self.loops = invoke, loops

    def minute(self, now: int, end: int, parts: int) -> tuple[int, list[int], list[int], int]:
        """From ``now`` until ``end``: runs, deciles, medians of the parts, when it ended (perf_counter_ns)."""
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
        """The decile by nearest rank, a run."""
        return max(1, round(int(ranked[max(0, -(-tenths * len(ranked) // 10) - 1)]) / self.loops))


def run(task: dict[str, Any], folder: Path, emit: Callable[[dict[str, Any]], None]) -> None:
    engines = load_engines()
    in_force = engines.settle(task["cores"], task["scheduler"])
    runtime = engines.RUNTIMES[task["runtime"]](task["threads"])
    engines.make_input([1], "float32", 0)  # numpy's generator is no part of the model
    data = (folder / task["file"]).read_bytes()
    gc.collect()
    before_kib = status_kib("VmRSS")
    forget_peak()
    loaded = runtime.load(data, task["seed"])
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
    model.result()  # an output that is not finite is an error here too
    emit({"kind": "end", "peak_kib": status_kib("VmHWM")})


def main(arguments: list[str]) -> int:
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # libraries that print do so on stderr from here on: stdout is ours

    def emit(record: dict[str, Any]) -> None:
        out.write(json.dumps(record, allow_nan=False) + "\n")
        out.flush()

    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    path = Path(arguments[0])
    os.environ["TMPDIR"] = str(path.parent)  # what runtimes leave in it goes with us
    run(json.loads(path.read_text(encoding="utf-8")), path.parent, emit)
    return 0


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except Exception as error:  # whatever a runtime raises is this model's failure
        print(f"alone_runner: {type(error).__name__}: {error}", file=sys.stderr)
        code = 1
    sys.stderr.flush()
    os._exit(code)  # some runtimes take a second, or crash, on an orderly way out
