"""Differences between tools: the command line of one run, and the sample in its output. Nothing is run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgenas.profiler.runtimes import benchmark_flags, benchmark_model, perf_test, tool_delegates, tool_memory
from edgenas.profiler.runtimes.output import OutputError
from edgenas.profiler.runtimes.sustained import Memory
from edgenas.profiler.runtimes.tool_comparison import Difference
from edgenas.profiler.runtimes.tool_script import MODEL, TOOL, ToolChoice

if TYPE_CHECKING:
    from edgenas.profiler.plan import Plan

BENCHMARK_MODEL_LOOPS = 50
PERF_TEST_LOOPS = 20  # fewer, since the tool has no time limit: a model of 1 s takes 20 s


@dataclass(frozen=True, slots=True)
class Sample:
    """Sample of one run of a tool: ``ns`` is ``Dialect.loops`` times the mean inference, after ``warmup``
    inferences. With a requested delegate also its ``accelerator``, the ``nodes`` that it took, of all, where they are
    counted, the time of initialisation and first inference, the number of inferences,
    and how far the outputs are from the CPU's, where they were compared; ``left`` are
    operators that it does not take."""

    ns: int
    warmup: int
    delegate: str
    partitions: int
    accelerator: str = ""
    nodes: tuple[int, int] | None = None
    init_ns: int = 0
    runs: int = 0
    difference: Difference | None = None
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Burst:
    """One run of a tool for some seconds: number of inferences, and their mean time, ns."""

    runs: int
    mean_ns: int
    delegate: str


@dataclass(frozen=True, slots=True)
class Dialect:
    """Command lines and parsers of a tool.

    loops               number of inferences of a sample, even where a run had no time for all of them
    command             plan -> command line of one run, which contains TOOL and the file MODEL.format
    read                (plan, name of the model's file, stdout, stderr) -> sample; raises OutputError
    notes               configuration of the measurements
    burst, read_burst   as ``command`` and ``read``, for a run of some seconds
    memory              stdout of such a run -> its memory
    watch               flags that make the tool report its peak memory, which not every build knows
    choices             plan with a delegate -> command lines for the tools that share the name; None: no delegates
    read_delegated      as ``read``, with the kind of the tool after the plan
    """

    loops: int
    command: Callable[[Plan], list[str]]
    read: Callable[[Plan, str, str, str], Sample]
    notes: str
    burst: Callable[[Plan], list[str]]
    read_burst: Callable[[Plan, str, str, str], Burst]
    memory: Callable[[str], Memory]
    watch: tuple[str, ...] = ()
    choices: Callable[[Plan], Mapping[str, ToolChoice]] | None = None
    read_delegated: Callable[[Plan, str, str, str, str], Sample] | None = None


def _options(plan: Plan, graph: str) -> benchmark_flags.ToolFlags:
    max_s = plan.max_round_ms / 1e3
    return benchmark_flags.ToolFlags(
        graph,
        threads=plan.threads,
        use_xnnpack=True,
        warmup_runs=plan.warmup_runs,
        warmup_min_s=min(plan.warmup_ms / 1e3, max_s),
        num_runs=BENCHMARK_MODEL_LOOPS,
        min_s=min(plan.samples * plan.min_sample_us / 1e6, max_s),
        max_s=max_s,
    )


def _benchmark_model_command(plan: Plan) -> list[str]:
    return benchmark_flags.command(TOOL, _options(plan, f"{MODEL}.tflite"), plan.cores or ())


def _benchmark_model_run(plan: Plan, graph: str, stdout: str, stderr: str) -> benchmark_model.ToolReport:
    run = benchmark_model.parse_run(stdout, stderr, asked=_options(plan, graph))
    if run.delegate not in ("", "XNNPACK") or (run.delegate and not run.executed):
        raise OutputError("benchmark_model does not say how much of the model XNNPACK took; use a newer build of it")
    return run


def _choices(plan: Plan) -> Mapping[str, ToolChoice]:
    return tool_delegates.choices(plan, _options(plan, f"{MODEL}.tflite"))


def _read_delegated(plan: Plan, tool: str, graph: str, stdout: str, stderr: str) -> Sample:
    run = tool_delegates.read_delegated(plan, tool, _options(plan, graph), stdout, stderr)
    ns = round(run.report.runs.avg_us * BENCHMARK_MODEL_LOOPS * 1000)
    return Sample(
        ns,
        run.report.warmup.count,
        run.delegate,
        1,
        run.accelerator,
        run.nodes,
        run.init_ns,
        run.report.runs.count,
        run.difference,
        run.left,
    )


def _taken(run: benchmark_model.ToolReport) -> bool:
    return run.executed in ("completely", "partially")


def _benchmark_model_read(plan: Plan, graph: str, stdout: str, stderr: str) -> Sample:
    run = _benchmark_model_run(plan, graph, stdout, stderr)
    partitions = (run.partitions or 1) if _taken(run) else 0
    ns = round(run.runs.avg_us * BENCHMARK_MODEL_LOOPS * 1000)
    init_ns = (run.init_us + run.warmup.first_us) * 1000
    return Sample(ns, run.warmup.count, "xnnpack" if _taken(run) else "none", partitions, init_ns=init_ns)


def _benchmark_model_burst(plan: Plan, graph: str, stdout: str, stderr: str) -> Burst:
    run = _benchmark_model_run(plan, graph, stdout, stderr)
    return Burst(run.runs.count, round(run.runs.avg_us * 1000), "xnnpack" if _taken(run) else "none")


def _perf_test_command(plan: Plan) -> list[str]:
    model = f"{MODEL}.onnx"
    return perf_test.command(
        TOOL, model, threads=plan.threads, runs=PERF_TEST_LOOPS, cores=plan.cores or (), seed=plan.seed
    )


def _perf_test_read(plan: Plan, graph: str, stdout: str, stderr: str) -> Sample:
    return Sample(perf_test.parse(stdout, asked_runs=PERF_TEST_LOOPS).sample_ns, 1, "cpu", 0)


def _perf_test_burst_command(plan: Plan) -> list[str]:
    seconds = math.ceil(plan.max_round_ms / 1e3)
    return perf_test.command(
        TOOL, f"{MODEL}.onnx", threads=plan.threads, seconds=seconds, cores=plan.cores or (), seed=plan.seed
    )


def _perf_test_burst(plan: Plan, graph: str, stdout: str, stderr: str) -> Burst:
    found = perf_test.parse(stdout)
    return Burst(found.runs, round(found.sample_ns / found.runs), "cpu")


BENCHMARK_MODEL = Dialect(
    BENCHMARK_MODEL_LOOPS,
    _benchmark_model_command,
    _benchmark_model_read,
    "a run of the tool is a sample, mean of whole microseconds, random inputs, XNNPACK asked for",
    _benchmark_model_command,
    _benchmark_model_burst,
    tool_memory.benchmark_model_memory,
    tool_memory.WATCH,
    _choices,
    _read_delegated,
)
PERF_TEST = Dialect(
    PERF_TEST_LOOPS,
    _perf_test_command,
    _perf_test_read,
    "a run of the tool is a sample, CPUExecutionProvider, sequential, seeded inputs",
    _perf_test_burst_command,
    _perf_test_burst,
    tool_memory.perf_test_memory,
)
