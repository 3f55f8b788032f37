"""Tools that crash, hang, flood, say nothing or lie: a failure with its reason, and the other models are measured."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

import pytest

from edgenas.base.errors import OutcomeError
from edgenas.devices.transports.local import LocalDevice
from edgenas.profiler.measure import measure_models
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes import RUNTIMES
from edgenas.profiler.runtimes.tool_runner import ToolRunner
from tests.profiler.test_perf_test import PLAIN as PERF_TEST
from tests.support.tool_helpers import BLOCKS, models, program

CORE = min(os.sched_getaffinity(0))
PLAN = Plan(rounds=2, warmup_runs=2, warmup_ms=0, max_round_ms=1000, cores=(CORE,), scheduler="normal", cold_kib=0)
BENCHMARK_MODEL = RUNTIMES["benchmark_model"]
BAD, GOOD = map(str, BLOCKS)  # 0.tflite and 1.tflite

pytestmark = pytest.mark.slow


@pytest.fixture
def device(tmp_path: Path) -> LocalDevice:
    return LocalDevice(base=tmp_path)


@pytest.mark.parametrize(
    ("does", "stage", "says"),
    [
        (":", "output", "no run of benchmark_model is in this text"),
        ("kill -SEGV $$", "run", "killed by signal 11"),
        ("kill -KILL $$", "run", "killed by signal 9"),
        ("echo out; echo why >&2; exit 7", "run", "exit code 7: why"),
        ("printf 'no end'; exit 7", "run", "exit code 7: no end"),
        ("sleep 100", "run", r"stopped after \d+ s"),
        ("while :; do echo 'INFO: flood'; done", "run", "killed by signal 25|exit code"),
        ("while :; do echo 'flood' >&2; done", "run", "killed by signal 25|exit code"),
        (
            "echo '=== edgenas ran 0 0'; echo '=== edgenas done 0'; echo '=== edgenas end 1'",
            "output",
            "no run of bench",
        ),
        ("printf '\\n=== edgenas end 1\\n\\0\\377\\r\\n|\\n!'", "output", "no run of benchmark_model"),
        ('"$real" --graph=1.tflite', "output", "ran with graph '1.tflite', not '0.tflite' as asked"),
        ('"$real" "$@" | sed "s/Num threads: .1/Num threads: [4/"', "output", "ran with num_threads 4, not 1"),
        ('"$real" "$@" | sed "s/^INFO: count=2 /INFO: count=3 /"', "output", "benchmark_model: "),
        ('"$real" "$@" | grep -v delegate', "", ""),
        ('"$real" "$@" | head -n 20', "output", "cut"),
        ('"$real" "$@"; "$real" "$@"', "output", "2 runs where one was started"),
        ('"$real" "$@"; echo "ERROR: it went wrong" >&2', "output", "it failed"),
    ],
)
def test_one_bad_model(tmp_path: Path, device: LocalDevice, tool: Path, does: str, stage: str, says: str) -> None:
    text = f'real={tool}\ncase $1 in --graph=0.tflite) :;; *) exec "$real" "$@";; esac\n{does}'
    bad = program(tmp_path / "bad", text)
    assert isinstance(BENCHMARK_MODEL, ToolRunner)
    runtime = dataclasses.replace(BENCHMARK_MODEL, run_limit_s=2 if "sleep" in does else 60)
    batch = measure_models(device, runtime, models(), PLAN, program=bad)
    assert len(batch.results[GOOD].samples_ns) == 2
    if not stage:  # nothing said of a delegate: none
        assert (batch.results[BAD].delegate, batch.results[BAD].partitions) == ("none", 0)
        return
    assert [(f.name, f.stage) for f in batch.failures] == [(BAD, stage)]
    assert re.search(says, batch.failures[0].message), batch.failures[0].message


def test_the_time_limit_ends_the_batch_between_rounds(tmp_path: Path, device: LocalDevice, tool: Path) -> None:
    slow = program(tmp_path / "slow", f'sleep 0.3; exec {tool} "$@"')
    plan = dataclasses.replace(PLAN, rounds=1000, limit_s=5)
    batch = measure_models(device, BENCHMARK_MODEL, models(), plan, program=slow)
    assert batch.failures == ()
    assert 1 <= len(batch.results[GOOD].samples_ns) < 20
    assert len(batch.results[GOOD].samples_ns) == len(batch.results[BAD].samples_ns)


def test_no_model_is_started_after_the_time_limit(tmp_path: Path, device: LocalDevice, tool: Path) -> None:
    slow = program(tmp_path / "slow", f'sleep 5; exec {tool} "$@"')
    batch = measure_models(device, BENCHMARK_MODEL, models(), dataclasses.replace(PLAN, limit_s=4), program=slow)
    assert len(batch.results) == 1
    assert [(f.stage, f.message) for f in batch.failures] == [
        ("load", "not started: the time limit of its batch had passed")
    ]


def test_a_tool_that_went_away(tmp_path: Path, device: LocalDevice) -> None:
    with pytest.raises(OutcomeError, match=r"did not start: exit code 127: .*/gone: no program there"):
        measure_models(device, BENCHMARK_MODEL, models(), PLAN, program=str(tmp_path / "gone"))


def test_a_core_that_went_away(tmp_path: Path, device: LocalDevice, tool: Path) -> None:
    plan = dataclasses.replace(PLAN, cores=(1000,))
    with pytest.raises(OutcomeError, match=r"did not start: exit code 3: .*affinity"):
        measure_models(device, BENCHMARK_MODEL, models(), plan, program=str(tool))


def test_onnxruntime_perf_test(tmp_path: Path, device: LocalDevice) -> None:
    """A stand-in that says what a real one said, with the numbers of so many runs."""
    out = "".join(line for line in PERF_TEST.splitlines(True) if "Latency" not in line)
    (tmp_path / "said").write_text(out.replace("requests: 10", "requests: 20").replace("144.871", "72.4355"))
    text = f'for last do model=$before before=$last; done\n[ -s "$model" ] && [ $# = 15 ] && cat {tmp_path}/said'
    standing_in = program(tmp_path / "perf_test", text)
    runtime = RUNTIMES["onnxruntime_perf_test"]
    given = {**models("onnx"), "empty": b""}
    batch = measure_models(device, runtime, given, PLAN, program=standing_in)
    assert [(f.name, f.message) for f in batch.failures] == [("empty", "exit code 1")]
    assert {r.samples_ns for r in batch.results.values()} == {((1_448_710_000,), (1_448_710_000,))}
    assert {(r.loops, r.delegate) for r in batch.results.values()} == {(20, "cpu")}
