"""What differs between tools: the command line of one run, and the sample that its output holds. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from profiler.runtimes import benchmark_model, perf_test
from profiler.runtimes.output import OutputError
from profiler.runtimes.tool_script import MODEL, TOOL

if TYPE_CHECKING:
    from profiler.plan import Plan

BENCHMARK_MODEL_LOOPS = 50
PERF_TEST_LOOPS = 20  # fewer, since it has no time limit: a model of a second takes 20 of them


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of a tool: the time of ``Dialect.loops`` inferences at their mean, after so many to warm up."""

    ns: int
    warmup: int
    delegate: str
    partitions: int


@dataclass(frozen=True, slots=True)
class Dialect:
    """How to talk with a tool.

    loops     inferences a sample stands for, whether the run had the time for all of them or not
    command   the command line of one run, with TOOL and the file MODEL.format in it
    read      plan, name of the model's file, stdout, stderr -> the sample; OutputError
    notes     how measurements are set up
    """

    loops: int
    command: Callable[[Plan], list[str]]
    read: Callable[[Plan, str, str, str], Sample]
    notes: str


def _options(plan: Plan, graph: str) -> benchmark_model.Options:
    max_s = plan.max_round_ms / 1e3
    return benchmark_model.Options(
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
    return benchmark_model.command(TOOL, _options(plan, f"{MODEL}.tflite"), plan.cores or ())


def _benchmark_model_read(plan: Plan, graph: str, stdout: str, stderr: str) -> Sample:
    run = benchmark_model.parse_run(stdout, stderr, asked=_options(plan, graph))
    if run.delegate not in ("", "XNNPACK") or (run.delegate and not run.executed):
        raise OutputError("benchmark_model does not say how much of the model XNNPACK took; use a newer build of it")
    taken = run.executed in ("completely", "partially")
    partitions = (run.partitions or 1) if taken else 0
    ns = round(run.runs.avg_us * BENCHMARK_MODEL_LOOPS * 1000)
    return Sample(ns, run.warmup.count, "xnnpack" if taken else "none", partitions)


def _perf_test_command(plan: Plan) -> list[str]:
    model = f"{MODEL}.onnx"
    return perf_test.command(
        TOOL, model, threads=plan.threads, runs=PERF_TEST_LOOPS, cores=plan.cores or (), seed=plan.seed
    )


def _perf_test_read(plan: Plan, graph: str, stdout: str, stderr: str) -> Sample:
    return Sample(perf_test.parse(stdout, asked_runs=PERF_TEST_LOOPS).sample_ns, 1, "cpu", 0)


BENCHMARK_MODEL = Dialect(
    BENCHMARK_MODEL_LOOPS,
    _benchmark_model_command,
    _benchmark_model_read,
    "a run of the tool is a sample, mean of whole microseconds, random inputs, XNNPACK asked for",
)
PERF_TEST = Dialect(
    PERF_TEST_LOOPS,
    _perf_test_command,
    _perf_test_read,
    "a run of the tool is a sample, CPUExecutionProvider, sequential, seeded inputs",
)
