"""LiteRT 2's benchmark_model: its output, apart in two streams and as one, is read like TensorFlow Lite's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes.benchmark_delegate import parse_delegate_line
from edgenas.profiler.runtimes.benchmark_litert import Results
from edgenas.profiler.runtimes.benchmark_model import parse_run
from edgenas.profiler.runtimes.output import OutputError
from edgenas.profiler.runtimes.tool_dialects import BENCHMARK_MODEL
from tests.profiler.test_benchmark_model import RUNNING, TIMES, exactly, spell
from tests.profiler.test_benchmark_model_mutated import MUTATION, check_mutated

SERIES = ([2125, 969, 950], [947, 1015, 942, 950, 939, 945])
REPLACING = (
    "VERBOSE: Replacing 9 out of 9 node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 1 partitions for "
)


def spell_litert(warm: list[int], times: list[int], init: int = 5757) -> tuple[str, str]:
    """The two streams of one run: what the tool itself says is on stderr, with the line of its source before it."""
    asked = exactly(warm, times)
    out = [
        *("STARTING!", "Log parameter values verbosely: [0]", f"Min num runs: [{len(times)}]", "Num threads: [1]"),
        f"Initialized session in {init / 1000:g}ms.",
        RUNNING.format(asked.warmup_runs, asked.warmup_min_s, asked.max_s),
        spell(warm, percentiles=True) + "\n",
        RUNNING.format(asked.num_runs, asked.min_s, asked.max_s),
        spell(times, percentiles=True) + "\n",
    ]
    results = [
        f"Model initialization: {init / 1000:.2f} ms",
        f"Warmup (first):       {warm[0] / 1000:.2f} ms",
        f"Warmup (avg):         {sum(warm) / len(warm) / 1000:.2f} ms ({len(warm)} runs)",
        f"Inference (avg):      {sum(times) / len(times) / 1000:.2f} ms ({len(times)} runs)",
        f"Inference (min):      {min(times) / 1000:.2f} ms",
        f"Inference (max):      {max(times) / 1000:.2f} ms",
        "Inference (std):      0.02",
        "Throughput:           197.97 MB/s",
        "\nMemory Usage:",
        "Init footprint:       4.06 MB",
        "Peak memory usage not available. (peak_mem_mb <= 0)",
    ]
    err = [
        f"[litert/tools/benchmark_litert_model.cc:137] Loading model from: {asked.graph}",
        "[litert/runtime/accelerators/auto_registration.cc:109] CPU accelerator registered.",
        "Failed to load OpenCL library with dlopen: libOpenCL.so: cannot open shared object file. Trying ICD loader.",
        "Created TensorFlow Lite XNNPACK delegate for CPU.",
        "[./litert/tools/benchmark_litert_model.h:72] \n========== BENCHMARK RESULTS ==========",
        *(f"[./litert/tools/benchmark_litert_model.h:{75 + k}] {line}" for k, line in enumerate(results)),
    ]
    text = "".join(f"INFO: {line}\n" for line in out)
    said = "".join(f"INFO: {line}\n" for line in err)
    said = said.replace("INFO: Created", f"{REPLACING}subgraph 0 (main).\nINFO: Created")
    return text.replace("INFO: Log", "WARN: Unconsumed cmdline flags: --use_xnnpack=true\nINFO: Log"), said


def merged(out: str, err: str) -> str:
    """Both streams in one file, in the order of the run."""
    head, begin, rest = out.partition("INFO: Initialized")
    before, results, after = err.partition("INFO: [./litert")
    return head + before + begin + rest + results + after


OUT, ERR = spell_litert(*SERIES)


@given(TIMES, TIMES, st.integers(0, 10**8), st.booleans())
def test_a_whole_run_comes_back(warm: list[int], times: list[int], init: int, together: bool) -> None:
    out, err = spell_litert(warm, times, init)
    streams = (merged(out, err), "") if together else (out, err)
    run = parse_run(*streams, asked=exactly(warm, times))
    assert (run.warmup.first_us, run.runs.count, run.litert) == (warm[0], len(times), True)
    assert run.init_us == pytest.approx(init, rel=1e-5)
    assert (run.graph, run.threads, run.use_xnnpack) == ("/m/b.tflite", 1, None)
    assert (run.delegate, run.executed, run.partitions) == ("XNNPACK", "completely", 1)
    assert run.sample_ns == pytest.approx(sum(times) * 1000, rel=1e-5)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("count=6 ", "count=7 ", "contradict"),
        ("Inference (avg):      0.96 ms (6", "Inference (avg):      0.96 ms (7", "contradict"),
        ("Inference (avg):      0.96", "Inference (avg):      0.91", "contradict"),
        ("Inference (min):      0.94", "Inference (min):      0.99", "contradict"),
        ("Warmup (first):       2.12", "Warmup (first):       2.22", "contradict"),
        ("Model initialization: 5.76", "Model initialization: 5.96", "contradict"),
        ("Inference (avg):      0.96 ms (6 runs)", "Inference (avg):      0.96", "not as the tool prints it"),
        ("INFO: [./litert/tools/benchmark_litert_model.h:78] Inference (avg)", "INFO: [x] Inference", "cut"),
        ("INFO: Init", "INFO: Note: init", "begins where none should"),
        ("--use_xnnpack=true", "--use_xnnpack=true --num_runs=6", "Unconsumed"),
        ("Loading model from: /m/b.tflite", "Loading model from: /m/c.tflite", "graph"),
        ("INFO: [litert/tools/benchmark_litert_model.cc:137] Loading", "INFO: [litert/x.cc:1] Loading", "Unconsumed"),
        ("Num threads: [1]", "Num threads: [4]", "num_threads"),
        ("INFO: [litert/runtime", "ERROR: [litert/runtime", "failed"),
    ],
)
def test_refusals_say_why(old: str, new: str, why: str) -> None:
    asked = exactly(*SERIES)
    assert parse_run(OUT, ERR, asked=asked).runs.avg_us == pytest.approx(956.333)
    assert old in OUT + ERR
    with pytest.raises(OutputError) as refused:
        parse_run(OUT.replace(old, new, 1), ERR.replace(old, new, 1), asked=asked)
    assert why in str(refused.value)


@given(st.lists(MUTATION, min_size=1, max_size=4))
def test_mutated_outputs_never_give_a_wrong_number(changes: list[tuple[str, float, float, str]]) -> None:
    check_mutated(merged(OUT, ERR), changes)


def test_its_cpu_result_is_a_sample_of_the_runtime() -> None:
    plan = Plan(
        rounds=3, warmup_runs=3, warmup_ms=0, min_sample_us=0, cores=(1,), scheduler="normal", max_round_ms=60_000
    )
    times = [940 + k % 5 for k in range(50)]
    out, err = spell_litert(SERIES[0], times)
    out, err = out.replace("exceeding 150", "exceeding 60"), err.replace("/m/b.tflite", "0.tflite")
    sample = BENCHMARK_MODEL.read(plan, "0.tflite", out, err)
    assert (sample.ns, sample.warmup, sample.delegate, sample.partitions) == (sum(times) * 1000, 3, "xnnpack", 1)
    with pytest.raises(OutputError, match="how much of the model XNNPACK took"):
        BENCHMARK_MODEL.read(plan, "0.tflite", out, err.replace("VERBOSE: Replacing", "VERBOSE: Note"))


def test_every_line_of_real_results_is_read(shared_data: Path) -> None:
    results = Results()
    text = (shared_data / "traces/delegates/09-litert-gpu-full-results.txt").read_text(encoding="utf-8")
    taken = [results.take(line.removeprefix("INFO: ")) for line in text.splitlines()]
    assert sum(taken) == text.count("benchmark_litert_model.h")
    assert results.found == {
        "Model initialization": (23744.73, ""),
        "Warmup (first)": (7441.04, ""),
        "Warmup (avg)": (7441.04, "1"),
        "Inference (avg)": (7430.20, "10"),
        "Inference (min)": (7416.40, ""),
        "Inference (max)": (7448.86, ""),
    }
    begun = Results()
    text = (shared_data / "traces/delegates/10-litert-npu-begin.txt").read_text(encoding="utf-8")
    assert any(begun.take(line.removeprefix("INFO: ")) for line in text.splitlines())
    assert begun.graph == "speechbrain_sepformer_wham_decoder.tflite"


def test_every_real_line_about_nodes_is_read(shared_data: Path) -> None:
    """Also names of delegates with a space, and of subgraphs."""
    found = {}
    for path in sorted((shared_data / "traces" / "delegates").glob("*.txt")):
        for line in re.findall(r"Replacing [0-9]+ .*partitions.*\.$", path.read_text("utf-8"), re.M):
            found[line] = parse_delegate_line(line)
    assert len(found) == 8 and all(found.values())
    assert {"LITERT_CL", "Vx Delegate", "XNNPACK"} <= {line.name for line in found.values() if line is not None}
