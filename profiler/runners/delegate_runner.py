"""Run a task of ``bench_runner.py`` on a delegate: a GPU, an NPU, or other kernels on the CPU.

    python3 bench_runner.py TASK.json      the task names this file as ``runner`` and the delegate; beside it are
                                           ``delegate_litert.py`` and ``delegate_onnxruntime.py``

Python 3.9 or newer. Every model is compared with the CPU before it is timed. An error names the operators and numbers
where the delegate computes a part of a model only, returns before it has computed, or computes wrong numbers. The
field ``delegated`` of a result says what was found:

    nodes_taken, nodes_total   operators of the model, and how many of them the delegate took
    accelerator                adapter and driver
    rel                        largest difference to the CPU's outputs over the largest output
    steps                      the same for int8 outputs, in steps of the quantisation
    wait_share                 wait of the first read after a run, over the time of the run
    init_ns                    time of loading, compilation and the first run
"""

from __future__ import annotations

import contextlib
import os
import runpy
import tempfile
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

FP32_REL, FP16_REL = 1e-4, 3e-2  # largest differences of arithmetic in float32, and in float16
WAIT_SHARE = 0.25  # largest wait after a run that has computed before it returns, as a share of the run
WAIT_S = 2e-5  # seconds that reading outputs may take longer the first time, whatever the run took
CHECKED_RUNS = 9  # runs whose waits are compared
WAIT_TRIES = 5  # most times that they are compared: other work on the CPU delays some reads, a late result all of them
BUSY_S, CPU_SHARE = 0.3, 1.2  # seconds in which CPU time is compared with time, and its largest share per thread
ENGINES = {
    "litert": ("delegate_litert.py", "LiteRtDelegate"),
    "onnxruntime": ("delegate_onnxruntime.py", "OnnxDelegate"),
}


class Opened(NamedTuple):
    """A model on a delegate: functions that run it, write inputs and read outputs; operators taken, of how many, and
    the names of the others; adapter and driver."""

    invoke: Callable[[], Any]
    refresh: Callable[[], Any]
    outputs: Callable[[], list[Any]]
    taken: int
    total: int
    left: list[str]
    accelerator: str


class RefusedError(Exception):
    """Error for a run that is not what was requested."""


class LeftToCpuError(RefusedError):
    """Error for a model that the delegate does not take whole."""

    stage = "part"


class DelegateRuntime:
    """A runtime of ``bench_runner.py`` whose models run on a delegate; ``cpu`` is the same runtime on the CPU."""

    def __init__(self, cpu: Any, engine: Any, wanted: dict[str, Any], loaded: Callable[..., Any]) -> None:
        self.cpu, self.engine, self.wanted, self.loaded = cpu, engine, wanted, loaded
        self.package, self.version, self.module, self.library = cpu.package, cpu.version, cpu.module, cpu.library
        self.threads, self.companion = cpu.threads, cpu.load
        self.notes, self.describing = engine.notes, False
        self.left: list[str] = []

    def load(self, data: bytes, seed: int) -> Any:
        """Return the model on the delegate, which has computed what the CPU computes."""
        begin = time.perf_counter_ns()
        opened = self.engine.open(data, seed)
        found = {"accelerator": opened.accelerator, "nodes_taken": opened.taken, "nodes_total": opened.total}
        whole, self.left = opened.taken == opened.total, opened.left
        if not opened.taken or not (whole or self.wanted["partial"]):
            raise LeftToCpuError(part(self.wanted["text"], opened.taken, opened.total, opened.left))
        opened.refresh()
        opened.invoke()
        found["init_ns"] = time.perf_counter_ns() - begin
        computed = opened.outputs()
        reference = self.cpu.load(data, seed)
        reference.refresh()
        reference.invoke()
        found |= compare(self.wanted["text"], computed, reference.outputs())
        found["wait_share"] = self.waits(opened)
        self.check_threads(opened)
        name = self.wanted["text"].partition(":fp32")[0]
        delegate = name if whole else name + "+cpu"
        return self.loaded(opened.invoke, opened.refresh, opened.outputs, delegate, 1, {"delegated": found})

    def waits(self, opened: Opened) -> float:
        """Return the share that the first read after a run waits for it; RefusedError where it is too large in each of
        several tries."""
        for _ in range(WAIT_TRIES):
            run, wait = self.waited(opened)
            if wait <= max(WAIT_SHARE * run, WAIT_S):
                return max(0.0, wait / run)
        raise RefusedError(
            f"{self.wanted['text']} returns before it has computed: a run takes {1e3 * run:.3g} ms, and reading its "
            f"outputs then waits {1e3 * wait:.3g} ms; such times are not latencies"
        )

    def waited(self, opened: Opened) -> tuple[float, float]:
        """Return (seconds of a run, seconds that the first read after it takes longer than the second)."""
        runs, waits = [], []
        for _ in range(CHECKED_RUNS):
            opened.refresh()
            times = [time.perf_counter()]
            for step in (opened.invoke, opened.outputs, opened.outputs):
                step()
                times.append(time.perf_counter())
            runs.append(times[1] - times[0])
            waits.append((times[2] - times[1]) - (times[3] - times[2]))
        return sorted(runs)[CHECKED_RUNS // 2], sorted(waits)[CHECKED_RUNS // 4]

    def check_threads(self, opened: Opened) -> None:
        """Raise RefusedError where a batch that is not pinned keeps more CPUs busy than it has threads."""
        if not self.wanted["on_cpu"] or self.describing or len(os.sched_getaffinity(0)) <= self.threads:
            return
        opened.invoke()
        begin, cpu = time.perf_counter(), time.process_time()
        while time.perf_counter() < begin + BUSY_S:
            opened.invoke()
        busy = (time.process_time() - cpu) / (time.perf_counter() - begin)
        if busy > CPU_SHARE * self.threads:
            raise RefusedError(f"{self.wanted['text']} keeps {busy:.1f} CPUs busy, but {self.threads} were planned")


def part(text: str, taken: int, total: int, left: list[str]) -> str:
    """Return the message for a model that the delegate does not take whole."""
    names = ", ".join(dict.fromkeys(left)) or "operators that it does not name"
    return f"{text} takes {taken} of {total} operators; the CPU would compute: {names}"


def compare(text: str, computed: list[Any], expected: list[Any]) -> dict[str, Any]:
    """Return how far outputs are from the CPU's; RefusedError for outputs that no rounding explains."""
    import numpy

    rel, steps = 0.0, 0
    for ours, theirs in zip(computed, expected):  # noqa: B905  Python 3.9
        integer = theirs.dtype.kind in "iu"
        ours, theirs = numpy.ravel(ours).astype(float), numpy.ravel(theirs).astype(float)
        if len(ours) != len(theirs):
            raise RefusedError(f"{text} computes {len(ours)} outputs, the CPU {len(theirs)}")
        if not numpy.isfinite(ours).all():
            raise RefusedError(f"{text} computes numbers that are not finite, where the CPU's are")
        if not ours.any() and theirs.any():
            raise RefusedError(f"{text} computes only zeros, where the CPU does not")
        worst, largest = float(abs(ours - theirs).max()), float(abs(theirs).max()) or 1.0
        if integer:
            steps = max(steps, int(worst))
        else:
            rel = max(rel, worst / largest)
    if steps > 1:
        raise RefusedError(
            f"{text} does not compute int8 as the CPU does: outputs are {steps} steps of the quantisation apart"
        )
    if rel > FP16_REL:
        raise RefusedError(
            f"{text} computes wrong numbers: they are {rel:.2g} of the largest output off the CPU's, and {FP16_REL:g} "
            "is the most that arithmetic in 16 bits explains"
        )
    return {"rel": rel, "steps": steps}


def arithmetic(found: dict[str, Any], precision: str) -> str:
    """Return the precision in which a model was computed, from its differences to the CPU."""
    if precision == "int8":
        return "int8"
    return "fp32" if found["rel"] <= FP32_REL else "fp16"


def run(engines: Any, task: dict[str, Any], folder: Path, emit: Callable[[dict[str, Any]], None]) -> None:
    """Run the task in ``folder`` with ``engines``, the module bench_runner, and emit its lines."""
    wanted, name = task["delegate"], task["runtime"]
    on_cpu = engines.RUNTIMES[name]
    file, kind = ENGINES[name]
    engine = runpy.run_path(str(folder / file))[kind]

    def make(threads: int) -> DelegateRuntime:
        cpu = on_cpu(threads)
        made = DelegateRuntime(cpu, engine(engines, cpu, wanted, tools), wanted, engines.Loaded)
        made.describing = bool(task.get("describe"))
        built.append(made)
        return made

    tools = types.SimpleNamespace(
        Opened=Opened,
        RefusedError=RefusedError,
        LeftToCpuError=LeftToCpuError,
        part=part,
        captured_stderr=captured_stderr,
    )
    built: list[DelegateRuntime] = []
    engines.RUNTIMES[name] = make
    if task.get("describe"):
        engines.describe(name, folder / task["describe"], lambda record: emit(described(record, wanted, built[0].left)))
    elif task.get("then"):
        runpy.run_path(str(folder / task["then"]))["run"](engines, task, folder, emit)
    else:
        engines.Batch(task, folder, emit).run()


def described(record: dict[str, Any], wanted: dict[str, Any], left: list[str]) -> dict[str, Any]:
    """Return a description with what was found on the delegate, which left the operators ``left`` to the CPU."""
    found = record.pop("delegated")
    names = ("accelerator", "nodes_taken", "nodes_total")
    if wanted["what"] == "fp32" and arithmetic(found, wanted["precision"]) != "fp32":
        raise RefusedError(
            f"{wanted['text']} computes in 16 bits: its numbers are {found['rel']:.2g} of the largest output off the "
            f"CPU's, and {FP32_REL:g} is the most in fp32"
        )
    more = {"arithmetic": arithmetic(found, wanted["precision"]), "left": list(dict.fromkeys(left))}
    return {**record, **{name: found[name] for name in names}, **more}


@contextlib.contextmanager
def captured_stderr() -> Iterator[Any]:
    """Yield a function that returns what was written to stderr inside the ``with`` block, also by libraries."""
    with tempfile.TemporaryFile() as file:
        before = os.dup(2)
        text: list[str] = []
        os.dup2(file.fileno(), 2)
        try:
            yield lambda: text[0]
        finally:
            os.dup2(before, 2)
            os.close(before)
            file.seek(0)
            text.append(file.read().decode("utf-8", "replace"))
