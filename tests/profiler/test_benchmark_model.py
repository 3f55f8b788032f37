"""benchmark_model: the command line, every real output there is, and texts that no tool ever wrote."""

from __future__ import annotations

import re
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgenas.profiler.runtimes.benchmark_flags import ToolFlags, command
from edgenas.profiler.runtimes.benchmark_model import LIMIT_CHARS, ToolReport, parse_run
from edgenas.profiler.runtimes.benchmark_stat import parse_stat
from edgenas.profiler.runtimes.output import OutputError

TIMES = st.lists(st.integers(0, 10**7), min_size=1, max_size=60)
RUNNING = (
    "Running benchmark for at least {} iterations and at least {:g} seconds but terminate if exceeding {:g} seconds."
)
BOARDS = "traces/benchmark_model_boards/tensorflow/lite"


def spell(times: list[int], *, percentiles: bool = False) -> str:
    """The line for a series of microseconds, written here a second time, from stats_calculator.h."""
    least, most = min(times), max(times)
    if least == most:
        return f"count={len(times)} curr={times[-1]}" + ("(all same)" if len(times) > 1 else "")
    mean = sum(times) / len(times)
    line = f"count={len(times)} first={times[0]} curr={times[-1]} min={least} max={most} avg={mean:g}"
    line += f" std={int(statistics.pstdev(times))}"
    if percentiles:
        ordered = sorted(times)
        line += "".join(
            f" {n}={ordered[int(q * (len(times) - 1))]}" for n, q in (("p5", 0.05), ("median", 0.5), ("p95", 0.95))
        )
    return line


def exactly(warm: list[int], times: list[int]) -> ToolFlags:
    """What was asked when the series have just as many runs."""
    return ToolFlags("/m/b.tflite", warmup_runs=len(warm), warmup_min_s=0, num_runs=len(times), min_s=0)


def spell_run(
    warm: list[int], times: list[int], init: int = 18777, prefix: str = "INFO: ", asked: ToolFlags | None = None
) -> str:
    """A whole output."""
    asked = asked or exactly(warm, times)
    lines = [
        "STARTING!",
        "Log parameter values verbosely: [0]",
        f"Min num runs: [{asked.num_runs}]",
        f"Num threads: [{asked.threads}]",
        f"Graph: [{asked.graph}]",
        "#threads used for CPU inference: [1]",
        "Use xnnpack: [1]",
        f"Loaded model {asked.graph}",
        "XNNPACK delegate created.",
        "Explicitly applied XNNPACK delegate, and the model graph will be completely executed by the delegate.",
        "The input model file size (MB): 3.67827",
        f"Initialized session in {init / 1000:g}ms.",
        RUNNING.format(asked.warmup_runs, asked.warmup_min_s, asked.max_s),
        spell(warm) + "\n",
        RUNNING.format(asked.num_runs, asked.min_s, asked.max_s),
        spell(times) + "\n",
        (
            f"Inference timings in us: Init: {init}, First inference: {warm[0]}, "
            f"Warmup (avg): {sum(warm) / len(warm):g}, Inference (avg): {sum(times) / len(times):g}"
        ),
        "Memory footprint delta from the start of the tool (MB): init=8.97656 overall=18.7227",
    ]
    return "".join(f"{prefix}{line}\n" for line in lines)


SERIES = ([64791, 56295, 54873], [53077, 60727, 55043, 53809, 54000, 53500])
PLAIN = spell_run(*SERIES)


def same_numbers(found: ToolReport, original: ToolReport) -> bool:
    """The numbers that the tool prints twice."""
    return (found.init_us, found.warmup.first_us, found.warmup.avg_text, found.runs.avg_text) == (
        original.init_us,
        original.warmup.first_us,
        original.warmup.avg_text,
        original.runs.avg_text,
    )


def test_command() -> None:
    options = ToolFlags("/data/local/tmp/edgenas-x/0.tflite", threads=2, use_xnnpack=False, num_runs=30, max_s=20)
    assert command("/data/local/tmp/b", options, (4, 5)) == [
        *("taskset", "30", "/data/local/tmp/b", "--graph=/data/local/tmp/edgenas-x/0.tflite", "--num_threads=2"),
        *("--use_xnnpack=false", "--warmup_runs=10", "--warmup_min_secs=0.02", "--num_runs=30", "--min_secs=0.001"),
        "--max_secs=20",
    ]
    assert command("/b", options, ())[0] == "/b"
    assert command("/b", options, (0, 7, 7))[:2] == ["taskset", "81"]


@given(TIMES, st.booleans())
def test_a_real_series_is_never_refused(times: list[int], percentiles: bool) -> None:
    stat = parse_stat(spell(times, percentiles=percentiles))
    assert (stat.count, stat.first_us, stat.last_us) == (len(times), times[0], times[-1])
    assert (stat.min_us, stat.max_us, stat.std_us) == (min(times), max(times), int(statistics.pstdev(times)))
    assert stat.avg_us == pytest.approx(sum(times) / len(times), rel=1e-5)


@given(TIMES, TIMES, st.integers(0, 10**8), st.sampled_from(["", "INFO: "]))
def test_a_whole_run_comes_back(warm: list[int], times: list[int], init: int, prefix: str) -> None:
    run = parse_run(spell_run(warm, times, init, prefix), asked=exactly(warm, times))
    assert (run.init_us, run.warmup.first_us, run.runs.count) == (init, warm[0], len(times))
    assert (run.graph, run.threads, run.use_xnnpack) == ("/m/b.tflite", 1, True)
    assert (run.delegate, run.executed, run.partitions, run.cut_short) == ("XNNPACK", "completely", 1, False)
    assert run.sample_ns == pytest.approx(sum(times) * 1000, rel=1e-5)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("INFO: STARTING!\n", "", "graph None"),
        ("count=6 ", "count=7 ", "explain"),
        ("at least 6 iterations", "at least 7 iterations", "fewer"),
        ("count=6 ", "count=0 ", "no series"),
        ("min=53077", "min=5307", "no series"),
        ("max=60727", "max=607270", "no series"),
        ("curr=53500", "curr=5350", "no series"),
        ("std=2", "std=92", "no series"),
        ("Inference (avg): 55026", "Inference (avg): 55027", "contradict"),
        ("Inference (avg): 55026", "Inference (avg): 055026", "contradict"),
        ("Init: 18777", "Init: 18778", "contradict"),
        ("First inference: 64791", "First inference: 64790", "contradict"),
        ("Initialized session in 18.777ms", "Initialized session in 18.777s", "not as the tool"),
        ("INFO: Inference timings", "INFO: Note", "cut"),
        ("INFO: Loaded model", "ERROR: Failed to load model", "failed"),
        ("INFO: Memory", "ERROR: Benchmarking failed.\nINFO: Memory", "failed"),
        ("INFO: STARTING!", "INFO: STARTING!\nWARN: Unconsumed cmdline flags: --use_xnnpack=true", "failed"),
        ("INFO: Num threads: [1]\n", "", "num_threads None"),
        ("INFO: Running benchmark", "INFO: Note", "a series ends where none began"),
        ("INFO: Running", "INFO: Initialized session in 9.5ms.\nINFO: Running", "a session begins where none should"),
        ("INFO: Loaded", "INFO: Graph: [/m/c.tflite]\nINFO: Loaded", "twice"),
        ("Num threads: [1]", "Num threads: [4]", "num_threads"),
        ("Graph: [/m/b.tflite]", "Graph: [/m/c.tflite]", "graph"),
        ("Use xnnpack: [1]", "Use xnnpack: [0]", "use_xnnpack"),
        ("at least 3 iterations", "at least 1 iterations and at least 0.5 seconds", "not as the tool"),
        (
            "at least 3 iterations and at least 0 s",
            "at least 3 iterations and at least 0.5 s",
            "warmup_min_secs 0.5, not",
        ),
        (
            "at least 6 iterations and at least 0 s",
            "at least 5 iterations and at least 1 s",
            "num_runs 5, not 6 as asked",
        ),
        ("at least 6 iterations and at least 0 s", "at least 6 iterations and at least 1 s", "min_secs 1.0, not 0.0"),
        ("exceeding 150", "exceeding 50", "max_secs 50.0, not 150.0"),
    ],
)
def test_refusals_say_why(old: str, new: str, why: str) -> None:
    asked = exactly(*SERIES)
    assert parse_run(PLAIN, asked=asked).runs.avg_us == 55026
    assert old in PLAIN
    with pytest.raises(OutputError, match=re.escape(why)):
        parse_run(PLAIN.replace(old, new, 1), asked=asked)


@pytest.mark.parametrize(("count", "good"), [(19, True), (18, False), (17, False), (20, False), (50, False)])
def test_a_series_cut_by_the_time_limit(count: int, good: bool) -> None:
    """19 runs of 8.2 s pass the limit of 150 s, which 18 do not reach; the 20th would not have begun."""
    text = spell_run([8_200_000], [8_200_000] * 18 + [8_200_001])
    text = text.replace("at least 19 iterations", "at least 50 iterations").replace("count=19 ", f"count={count} ")
    if good:
        assert parse_run(text).cut_short
        return
    with pytest.raises(OutputError, match=r"explain|no limit|no series"):
        parse_run(text)


def test_errors_on_stderr_and_delegates_that_only_speak_there() -> None:
    with pytest.raises(OutputError, match="BATCH_MATMUL"):
        parse_run(PLAIN, "ERROR: Node number 57 (BATCH_MATMUL) failed to prepare.\n")
    quiet = "".join(line for line in PLAIN.splitlines(True) if "XNNPACK" not in line)
    said = (
        "INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\nVERBOSE: Replacing 9 out of 12 node(s) with delegate "
    )
    said += "(TfLiteXNNPackDelegate) node, yielding 2 partitions for subgraph 0.\n"
    run = parse_run(quiet, said)
    assert (run.delegate, run.executed, run.partitions) == ("XNNPACK", "partially", 2)
    assert parse_run(quiet).delegate == ""


def test_too_much_and_two_at_once() -> None:
    with pytest.raises(OutputError, match="more than"):
        parse_run(PLAIN + "x" * LIMIT_CHARS)
    with pytest.raises(OutputError, match="2 runs"):
        parse_run(PLAIN + PLAIN)
    mixed = [line for pair in zip(PLAIN.splitlines(True), PLAIN.splitlines(True), strict=True) for line in pair]
    with pytest.raises(OutputError):
        parse_run("".join(mixed[1:]))
