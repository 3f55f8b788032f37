"""onnxruntime_perf_test: its command line, real outputs, changed outputs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edgenas.profiler.runtimes.output import OutputError
from edgenas.profiler.runtimes.perf_test import LIMIT_CHARS, command, parse
from tests.profiler.test_benchmark_model_mutated import MUTATION, mutate

PLAIN = (
    "Setting intra_op_num_threads to 1\nSession creation time cost: 0.127918 s\nFirst inference time cost: 151 ms\n"
    "Total inference time cost: 1.44871 s\nTotal inference requests: 10\nAverage inference time cost: 144.871 ms\n"
    "Total inference run time: 1.44916 s\nNumber of inferences per second: 6.90055\nAvg CPU usage: 68 %\n"
    "Peak working set size: 158171136 bytes\nAvg CPU usage:0\n"
    "Min Latency: 0.140012 s\nMax Latency: 0.151002 s\nP50 Latency: 0.144001 s\nP999 Latency: 0.151002 s\n"
)
LATENCIES = "Max Latency: 0.151002 s\nP50 Latency: 0.144001 s\nP999 Latency: 0.151002 s"


def test_command() -> None:
    assert command("/b/perf", "/m/0.onnx", threads=2, runs=50, cores=(6, 7), seed=3) == [
        *("taskset", "c0", "/b/perf", "-I", "-S", "3", "-e", "cpu", "-m", "times", "-r", "50", "-x", "2", "-y", "1"),
        *("/m/0.onnx", "/dev/null"),
    ]


def test_what_it_prints() -> None:
    found = parse(PLAIN, asked_runs=10)
    assert (found.runs, found.average_ms, found.total_s, found.wall_s) == (10, 144.871, 1.44871, 1.44916)
    assert found.sample_ns == 1_448_710_000
    assert found.latencies_ms == pytest.approx({"Min": 140.012, "Max": 151.002, "P50": 144.001, "P999": 151.002})


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("144.871 ms", "144.872 ms", None),
        ("144.871 ms", "144.971 ms", "contradict"),
        ("requests: 10", "requests: 11", "contradict"),
        ("requests: 10\n", "requests: 1", "not as the tool"),
        ("1.44871 s", "1.448710 s", None),
        ("1.44871 s", "1.4487100 s", "not a number"),
        ("Total inference requests: 10\n", "", "cut"),
        ("Min Latency: 0.140012", "Min Latency: 0.145012", "order"),
        (LATENCIES, "Max Latency: 0.141 s", "outside"),
        ("run time: 1.44916", "run time: 1.34916", "side by side"),
        ("run time: 1.44916", "run time: 1.44871", None),
        ("run time: 1.44916", "run time: 1.44869", None),
        ("run time: 1.44916", "run time: 1.44866", "side by side"),
        (LATENCIES, "Max Latency: 0.14487 s", None),
        (LATENCIES, "Max Latency: 0.144865 s", "outside"),
        (f"Min Latency: 0.140012 s\n{LATENCIES}", "Min Latency: 0.144872 s", None),
        (f"Min Latency: 0.140012 s\n{LATENCIES}", "Min Latency: 0.144877 s", "outside"),
        ("Min Latency", "Total inference requests: 10\nMin Latency", "twice"),
    ],
)
def test_refusals_say_why(old: str, new: str, why: str | None) -> None:
    assert old in PLAIN
    text = PLAIN.replace(old, new)
    if why is None:
        assert parse(text).runs == 10  # within what six digits can tell
        return
    with pytest.raises(OutputError, match=why):
        parse(text)


def test_not_as_asked() -> None:
    with pytest.raises(OutputError, match="not 20 as asked"):
        parse(PLAIN, asked_runs=20)
    with pytest.raises(OutputError, match="more than"):
        parse("x" * (LIMIT_CHARS + 1))


NEWER = PLAIN.replace("cost: 144.871 ms", "cost total: 144.870997 ms")


@pytest.mark.parametrize(
    "text",
    [
        NEWER,
        NEWER.replace("Total inf", "Average inference time cost submission: 0.012000 ms\nTotal inf", 1),
        PLAIN.replace("Avg CPU usage: 68 %", "Total CPU usage: 382 %"),
        PLAIN.replace("\n", "\r\n"),
    ],
)
def test_the_forms_of_newer_versions_and_of_forks(text: str) -> None:
    assert "time cost" in text
    found = parse(text, asked_runs=10)
    assert (found.runs, found.total_s) == (10, 1.44871)
    assert found.average_ms == pytest.approx(144.871, rel=1e-6)
    if text is NEWER:
        with pytest.raises(OutputError, match="contradict"):
            parse(NEWER.replace("144.870997", "144.880000"))


@given(st.integers(1, 10**6), st.floats(1e-4, 1e3), st.sampled_from(["", " total"]), st.booleans(), st.booleans())
def test_any_run_in_any_form_is_read(runs: int, total_s: float, word: str, fixed: bool, spaced: bool) -> None:
    """The first inferences of tiny models have few digits in the fixed form: they are not called a contradiction."""
    average = total_s / runs * 1000
    shown = f"{average:.6f}" if fixed else f"{average:g}"
    space = " " if spaced else ""
    text = f"Total inference time cost:{space}{total_s:g} s\nTotal inference requests:{space}{runs}\n"
    found = parse(f"{text}Average inference time cost{word}:{space}{shown} ms\nAvg CPU usage:{space}11\n")
    assert (found.runs, found.average_ms, found.sample_ns) == (runs, float(shown), round(float(f"{total_s:g}") * 1e9))


@given(st.integers(1, 10**6), st.floats(1e-6, 1e3))
def test_what_the_tool_prints_is_never_refused(runs: int, total_s: float) -> None:
    average = f"{total_s / runs * 1000:g}"
    assume("e" not in average or float(average) > 0)
    text = f"Total inference time cost: {total_s:g} s\nTotal inference requests: {runs}\n"
    found = parse(f"{text}Average inference time cost: {average} ms\n")
    assert (found.runs, found.total_s) == (runs, float(f"{total_s:g}"))


@given(st.lists(MUTATION, min_size=1, max_size=4))
def test_mutated_outputs(changes: list[tuple[str, float, float, str]]) -> None:
    text = PLAIN
    for change in changes:
        text = mutate(text, *change)
    try:
        found = parse(text)
    except OutputError as error:
        assert str(error)
        return
    assert found.total_s / found.runs * 1000 == pytest.approx(144.871, rel=4e-5)


@given(st.text())
def test_any_text(text: str) -> None:
    with pytest.raises(OutputError):
        parse(text)


def test_every_real_output(shared_data: Path) -> None:
    files = sorted((shared_data / "traces" / "excerpts").glob("onnxruntime_perf_test*"))
    found = {path.name.split("__")[1]: parse(path.read_text(encoding="utf-8", errors="replace")) for path in files}
    assert {name: (run.runs, run.average_ms) for name, run in found.items()} == {
        "ort-issue-17313_percentiles.txt": (1000, 58.8053),
        "ort-issue-4331_armv8.txt": (7160, 83.8059),
        "ort-issue-4647.txt": (10, 144.871),
        "ort-pull-2798_windows.txt": (1, 734.606),
    }
    assert found["ort-issue-17313_percentiles.txt"].latencies_ms["P99"] == pytest.approx(61.9517)
