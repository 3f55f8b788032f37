"""Time a batch of models on this machine, and print raw samples as JSON lines. Needs numpy and one runtime.

    python3 bench_runner.py --describe litert|onnxruntime PROBE    print the installed runtime as one JSON object
    python3 bench_runner.py PLAN.json                              run a plan, or the ``runner`` beside it that it names

A single file without other imports of edgenas, Python 3.9 or newer: it is copied to devices. All models are loaded and
warmed up, then measured in rounds of random order. Only invoke is timed. A sample is ``loops`` invokes that last
``min_sample_ns`` in all; with a ``companion``, one invoke after it has run: caches are then as inside a network.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import hashlib
import json
import os
import random
import runpy
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

WARM_WINDOW, WARM_AGREE = 5, 0.05  # invokes in a warm-up window; windows agree whose medians differ by a smaller share
MAX_LOOPS = 100_000
ONNX_TYPES = {"tensor(float)": "float32", "tensor(uint8)": "uint8", "tensor(int8)": "int8", "tensor(int64)": "int64"}

Emit = Callable[[dict[str, Any]], None]


class Loaded(NamedTuple):
    """A model ready to run: functions that run it, write inputs, read outputs; delegate, partitions, more results."""

    invoke: Callable[[], Any]
    refresh: Callable[[], Any]
    outputs: Callable[[], list[Any]]
    delegate: str
    partitions: int
    more: dict[str, Any] = {}  # noqa: RUF012


class LiteRT:
    """LiteRT: ai_edge_litert, or tflite_runtime where the device has only that. XNNPACK is on by default."""

    def __init__(self, threads: int) -> None:
        self.threads, self.notes = threads, "delegates as by default, inputs set before timing"
        try:
            from ai_edge_litert import interpreter as module

            self.package, self.version = "ai_edge_litert", version("ai-edge-litert")
        except ImportError as error:
            try:
                import tflite_runtime
                from tflite_runtime import interpreter as module
            except ImportError:
                raise ImportError(f"ai-edge-litert cannot be loaded: {error}") from None
            self.package, self.version = "tflite_runtime", tflite_runtime.__version__
        self.module = module
        self.library = Path(module.__file__).resolve().parent

    def load(self, data: bytes, seed: int) -> Loaded:
        interpreter = self.module.Interpreter(model_content=data, num_threads=self.threads)
        interpreter.allocate_tensors()
        inputs = enumerate(interpreter.get_input_details())
        given = [(t["index"], make_input(t["shape"], t["dtype"], seed + i)) for i, t in inputs]
        wanted = [tensor["index"] for tensor in interpreter.get_output_details()]
        # a delegate replaces its operators by nodes called DELEGATE; the only default delegate is XNNPACK
        partitions = sum(op["op_name"] == "DELEGATE" for op in interpreter._get_ops_details())
        delegate = "xnnpack" if partitions else "none"
        read, write = interpreter.get_tensor, functools.partial(self.write, interpreter, given)
        write()
        return Loaded(interpreter.invoke, write, lambda: [read(i) for i in wanted], delegate, partitions)

    def write(self, interpreter: Any, given: list[tuple[int, Any]]) -> None:
        for index, values in given:
            interpreter.set_tensor(index, values)


class OnnxRuntime:
    """ONNX Runtime: its CPU provider, sequential execution, inputs and outputs bound once."""

    def __init__(self, threads: int) -> None:
        import onnxruntime

        getattr(onnxruntime, "disable_telemetry_events", lambda: None)()  # newer versions have it: no telemetry is sent
        self.module, self.threads = onnxruntime, threads
        self.notes = "CPUExecutionProvider, sequential, all graph optimisations, IOBinding, spinning allowed"
        self.notes += " during a run only" if threads > 1 else ""
        self.package, self.version = "onnxruntime", onnxruntime.__version__
        self.library = Path(onnxruntime.__file__).resolve().parent / "capi"
        onnxruntime.set_default_logger_severity(3)

    def load(self, data: bytes, seed: int) -> Loaded:
        options = self.module.SessionOptions()  # its execution mode is sequential by default
        options.intra_op_num_threads = self.threads
        if self.threads > 1:  # otherwise the workers of one model still spin while the next is timed
            options.add_session_config_entry("session.force_spinning_stop", "1")
        session = self.module.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        binding, given = session.io_binding(), []
        for i, node in enumerate(session.get_inputs()):
            shape = [n if isinstance(n, int) else 1 for n in node.shape]
            values = make_input(shape, ONNX_TYPES[node.type], seed + i)
            bound = self.module.OrtValue.ortvalue_from_numpy(values)
            binding.bind_ortvalue_input(node.name, bound)
            given.append(functools.partial(bound.update_inplace, values))
        for node in session.get_outputs():
            binding.bind_output(node.name, "cpu")
        run, refresh = functools.partial(session.run_with_iobinding, binding), lambda: [write() for write in given]
        return Loaded(run, refresh, binding.copy_outputs_to_cpu, "cpu", 0)


RUNTIMES: dict[str, Callable[[int], LiteRT | OnnxRuntime]] = {"litert": LiteRT, "onnxruntime": OnnxRuntime}


class Model:
    """One model being measured: warm-up sets ``loops`` and ``samples`` per round, rounds collect times."""

    def __init__(self, name: str, loaded: Loaded, init_ns: int = 0) -> None:
        self.name, self.loaded, self.init_ns = name, loaded, init_ns
        self.loops, self.samples, self.warmup = 1, 1, 0
        self.rounds: list[list[int]] = []

    def warm_up(self, plan: dict[str, Any]) -> None:
        """Run at least warmup_runs and warmup_ms, then until two windows agree, never longer than warmup_limit_ms."""
        clock, invoke = time.perf_counter_ns, self.loaded.invoke
        begin = now = clock()
        least, limit = begin + plan["warmup_ms"] * 1e6, begin + plan["warmup_limit_ms"] * 1e6
        times: list[int] = []
        previous, current, settled = 0.0, 0.0, False
        while now < limit and not (settled and now >= least and len(times) >= plan["warmup_runs"]):
            before = clock()
            invoke()
            now = clock()
            times.append(now - before)
            if len(times) % WARM_WINDOW == 0:
                previous, current = current, statistics.median(times[-WARM_WINDOW:])
                settled = abs(current - previous) <= WARM_AGREE * previous
        self.warmup, self.init_ns = len(times), self.init_ns + times[0]
        invoke_ns = max(1, int(statistics.median(times[-WARM_WINDOW:])))
        self.loops = 1 if plan.get("companion") else max(1, min(MAX_LOOPS, -(-plan["min_sample_ns"] // invoke_ns)))
        fitting = int(plan["max_round_ms"] * 1e6) // (invoke_ns * self.loops)
        self.samples = max(1, min(plan["samples"], fitting))

    def measure_round(self, companion: Callable[[], Any] | None) -> None:
        clock, invoke, again, samples = time.perf_counter_ns, self.loaded.invoke, range(self.loops), []
        for _ in range(self.samples):
            if companion:
                companion()
                self.loaded.refresh()
            begin = clock()
            for _ in again:
                invoke()
            samples.append(clock() - begin)
        self.rounds.append(samples)

    def result(self) -> dict[str, Any]:
        import numpy

        outputs = numpy.concatenate([numpy.ravel(a).astype(float) for a in self.loaded.outputs()])
        total, total_abs = float(outputs.sum()), float(abs(outputs).sum())
        if not numpy.isfinite(total_abs):
            raise ValueError("its output holds numbers that are not finite")
        timed = {"loops": self.loops, "warmup": self.warmup, "init_ns": self.init_ns, "samples_ns": self.rounds}
        computed_by = {"delegate": self.loaded.delegate, "partitions": self.loaded.partitions, **self.loaded.more}
        return {"kind": "model", "name": self.name, **timed, "sum": total, "abs_sum": total_abs, **computed_by}


def make_input(shape: Any, dtype: Any, seed: int) -> Any:
    """Return seeded values: standard normal for floats, 0 .. 127 for integers."""
    import numpy

    generator, shape = numpy.random.default_rng(seed), [int(n) for n in shape]
    if numpy.dtype(dtype).kind == "f":
        return generator.standard_normal(shape).astype(dtype)
    return generator.integers(0, 128, shape).astype(dtype)


def settle(cores: list[int], scheduler: str) -> dict[str, Any]:
    """Pin and raise priority before any library starts threads; return the cores and the scheduler in force."""
    if cores:
        os.sched_setaffinity(0, cores)
    if scheduler == "fifo":
        with contextlib.suppress(OSError):  # not permitted: the returned scheduler is then 'normal'
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(os.sched_get_priority_min(os.SCHED_FIFO)))
    fifo = os.sched_getscheduler(0) == os.SCHED_FIFO
    return {"cores": sorted(os.sched_getaffinity(0)), "scheduler": "fifo" if fifo else "normal"}


def library_sha256(folder: Path) -> str:
    """Return the digest of the names and contents of all shared libraries at the top of the package."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.so*")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def identify(name: str, runtime: LiteRT | OnnxRuntime) -> dict[str, Any]:
    who = {"runtime": name, "package": runtime.package, "version": runtime.version}
    return {**who, "python": ".".join(str(n) for n in sys.version_info[:3]), "notes": runtime.notes}


def describe(name: str, probe: Path, emit: Emit) -> None:
    """Emit what a campaign needs before it starts: versions, delegate of ``probe``, permitted CPUs and schedulers."""
    allowed = settle([], "fifo")
    runtime = RUNTIMES[name](1)
    machine = {"cpus": allowed["cores"], "schedulers": sorted({"normal", allowed["scheduler"]})}
    found = runtime.load(probe.read_bytes(), 0)
    build = {"delegate": found.delegate, "library_sha256": library_sha256(runtime.library), **found.more}
    emit({"kind": "description", **identify(name, runtime), **build, **machine})


class Batch:
    """A batch of models: a model that fails gives an error line, and the others continue."""

    def __init__(self, plan: dict[str, Any], folder: Path, emit: Emit) -> None:
        self.plan, self.folder, self.emit = plan, folder, emit
        self.errors = 0
        self.deadline = time.monotonic() + plan["limit_s"]
        in_force = settle(plan["cores"], plan["scheduler"])
        self.runtime = RUNTIMES[plan["runtime"]](plan["threads"])
        in_force |= {"threads": plan["threads"], "cold_kib": plan["cold_kib"] if plan.get("companion") else 0}
        emit({"kind": "header", **identify(plan["runtime"], self.runtime), **in_force})

    def attempt(self, name: str, stage: str, action: Callable[[], Any]) -> Any:
        """Return the result of ``action``, True where that is None, and None after an error line."""
        try:
            result = action()
        except Exception as error:  # any exception of a runtime is a failure of that model
            stage, self.errors = getattr(error, "stage", stage), self.errors + 1
            text = "".join(c if c.isprintable() else " " for c in f"{type(error).__name__}: {error}")
            self.emit({"kind": "error", "name": name, "stage": stage, "message": " ".join(text.split())[:300]})
            return None
        return True if result is None else result

    def load(self, name: str, file: str) -> Model:
        if time.monotonic() > self.deadline:
            raise TimeoutError("not started: the time limit of its batch had passed")
        data, begin = (self.folder / file).read_bytes(), time.perf_counter_ns()
        return Model(name, self.runtime.load(data, self.plan["seed"]), time.perf_counter_ns() - begin)

    def run(self) -> None:
        attempt, partial = self.attempt, functools.partial
        loaded = [attempt(m["name"], "load", partial(self.load, **m)) for m in self.plan["models"]]
        models = [m for m in loaded if m and attempt(m.name, "run", partial(m.warm_up, self.plan))]
        load, beside = getattr(self.runtime, "companion", self.runtime.load), self.plan.get("companion")
        companion = load((self.folder / beside).read_bytes(), 0).invoke if beside else None
        shuffler = random.Random(self.plan["seed"] * 1000 + self.plan["process"])
        gc.collect()
        gc.disable()
        for number in range(self.plan["rounds"]):
            if number and time.monotonic() > self.deadline:
                break
            shuffler.shuffle(models)
            models = [m for m in models if attempt(m.name, "run", partial(m.measure_round, companion))]
        gc.enable()
        results = [r for m in models if (r := attempt(m.name, "output", m.result))]
        for record in [*results, {"kind": "end", "models": len(results), "errors": self.errors}]:
            self.emit(record)


def main(arguments: list[str]) -> int:
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # output of libraries goes to stderr from this line on: stdout has only our lines

    def emit(record: dict[str, Any]) -> None:
        print(json.dumps(record, allow_nan=False), file=out, flush=True)

    if arguments[:1] == ["--describe"] and len(arguments) == 3 and arguments[1] in RUNTIMES:
        with tempfile.TemporaryDirectory(prefix="edgenas-") as folder:
            os.environ["TMPDIR"] = folder
            describe(arguments[1], Path(arguments[2]), emit)
    elif len(arguments) == 1 and not arguments[0].startswith("-"):
        plan = Path(arguments[0])
        os.environ["TMPDIR"] = str(plan.parent)  # what runtimes leave in it, as onnxruntime on import, goes with us
        task = json.loads(plan.read_text(encoding="utf-8"))
        if "runner" not in task:
            Batch(task, plan.parent, emit).run()
        else:
            runpy.run_path(str(plan.with_name(task["runner"])))["run"](sys.modules[__name__], task, plan.parent, emit)
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except Exception as error:  # whatever a runtime raises is the failure of what it runs
        kind = "" if isinstance(error, (ImportError, OSError)) else f"{type(error).__name__}: "
        print(f"bench_runner: {kind}{error}", file=sys.stderr)
        code = 1
    sys.stderr.flush()
    os._exit(code)  # some runtimes take a second, or crash, in a normal exit
