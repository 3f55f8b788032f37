"""Real outputs of benchmark_model, whole and mutated: each is read or refused with a reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgenas.profiler.runtimes.benchmark_model import (
    Refused,
    ToolReport,
    parse_log,
    parse_run,
)
from edgenas.profiler.runtimes.output import OutputError
from tests.profiler.test_benchmark_model import BOARDS, PLAIN, same_numbers

MUTATION = st.tuples(
    st.sampled_from(["cut", "delete", "insert", "replace", "copy", "swap"]),
    st.floats(0, 1),
    st.floats(0, 1),
    st.one_of(st.text(max_size=6), st.text("0123456789.e+-=\n :[]", max_size=6)),
)


def mutate(text: str, how: str, at: float, to: float, new: str) -> str:
    start, stop = sorted((int(at * len(text)), int(to * len(text))))
    short = min(stop, start + 12)
    if how == "cut":
        return text[:start]
    if how == "delete":
        return text[:start] + text[short:]
    if how == "insert":
        return text[:start] + new + text[start:]
    if how == "replace":
        return text[:start] + new + text[start + len(new) :]
    if how == "copy":
        return text[:stop] + text[start:short] + text[stop:]
    lines = text.split("\n")
    i, j = int(at * (len(lines) - 1)), int(to * (len(lines) - 1))
    lines[i], lines[j] = lines[j], lines[i]
    return "\n".join(lines)


def check_mutated(original: str, changes: list[tuple[str, float, float, str]]) -> None:
    """Either refused, or the numbers printed twice are as they were and the others are possible."""
    text = original
    for change in changes:
        text = mutate(text, *change)
    try:
        found = parse_run(text)
    except OutputError as error:
        assert str(error)
        return
    assert same_numbers(found, parse_run(original))
    assert found.runs.min_us <= found.runs.avg_us * (1 + 1e-5) and found.runs.avg_us <= found.runs.max_us * (1 + 1e-5)


@given(st.lists(MUTATION, min_size=1, max_size=4))
def test_mutated_outputs_never_give_a_wrong_number(changes: list[tuple[str, float, float, str]]) -> None:
    check_mutated(PLAIN, changes)


@given(st.text())
def test_any_text(text: str) -> None:
    with pytest.raises(OutputError):
        parse_run(text)


def traces(shared_data: Path) -> list[Path]:
    folders = [f for f in (shared_data / "traces").glob("benchmark_model_*") if f.is_dir()]
    files = [f for folder in folders for f in folder.rglob("*") if f.is_file()]
    return sorted(files + list((shared_data / "traces" / "excerpts").iterdir()))


def test_every_real_output_is_read_or_refused_with_a_reason(shared_data: Path) -> None:
    runs: list[ToolReport] = []
    refused: dict[str, str] = {}
    for path in traces(shared_data):
        text = path.read_text(encoding="utf-8", errors="replace")
        try:
            found = parse_log(text)
        except OutputError as error:
            refused[path.name] = str(error)
            assert "count=" not in text or "Timings (microseconds)" in text  # nothing of the tool's is overlooked
            continue
        for run in found:
            if isinstance(run, Refused):
                refused[path.name] = run.reason
            else:
                runs.append(run)
        # a second reading by an unrelated rule
        averages = re.findall(
            r"^(?:INFO: )?(?:Inference timings.*Inference \(avg\)|Average.*no stats): (\S+)", text, re.M
        )
        good = [run.runs.avg_text for run in found if isinstance(run, ToolReport)]
        assert good == averages, path
    assert len(runs) == 229
    assert all(refused.values())
    assert [run.runs.count for run in runs].count(1000) == 1
    assert refused[
        "benchmark_model_android_termux_p5_median_p95_outlier_and_failure__index-id-61267609444.txt"
    ].startswith("it failed: 'tensorflow/lite/kernels/batch_matmul.cc:353")
    assert {run.executed for run in runs} == {"completely", "partially", "not", ""}
    assert sum(run.cut_short for run in runs) > 0


@given(st.lists(MUTATION, min_size=1, max_size=3), st.integers(0, 49))
def test_mutated_real_outputs(shared_data: Path, changes: list[tuple[str, float, float, str]], which: int) -> None:
    text = (shared_data / BOARDS / "efficentdet/results/RasPi5/efficientdet_latency_v2.18.0.txt").read_text()
    parts = text.split("INFO: STARTING!\n")[1:]
    check_mutated("INFO: STARTING!\n" + parts[which], changes)
