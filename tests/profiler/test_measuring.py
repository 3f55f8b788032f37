"""Holding files against a budget: fresh processes are added only while it may help."""

import sys
from dataclasses import replace

import pytest

from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import random_weights
from edgenas.cli.verify import print_verdicts
from edgenas.devices.inventory import Entry
from edgenas.profiler.export import WRITERS
from edgenas.profiler.plan import Plan
from edgenas.profiler.verify import Verdict, verify_files
from tests.latency_tables.test_journal import SETTING
from tests.support.listeners import Recorder

BLOCK = BlockSpec.parse("conv-8x3-o4-k3-s1-relu6")
QUICK = Plan(rounds=2, samples=2, warmup_runs=1, warmup_ms=0, cores=())


@pytest.mark.slow
@pytest.mark.parametrize(("budget_ms", "ran", "inside"), [(1000.0, 2, True), (1e-6, 4, False), (None, 2, None)])
def test_processes_are_added_while_a_file_is_outside(budget_ms: float | None, ran: int, inside: bool | None) -> None:
    files = {"model.onnx": WRITERS["onnx"]([BLOCK], [random_weights(BLOCK, 0)])}
    recorder = Recorder()
    (verdict,) = verify_files(
        Entry("local", "local", sys.executable),
        files,
        "onnxruntime",
        plan=QUICK,
        processes=2,
        most=4,
        budget_ms=budget_ms,
        listener=recorder,
    )
    assert verdict.within_budget is inside
    assert verdict.peak_kib is not None and verdict.model_kib is not None
    assert 0 < verdict.model_kib < verdict.peak_kib
    assert verdict.statistic == "median" and verdict.low_ms <= verdict.measured_ms <= verdict.high_ms
    assert verdict.median_low_ms is not None and verdict.median_high_ms is not None
    assert verdict.median_low_ms <= verdict.median_ms <= verdict.median_high_ms
    assert recorder.counts[-1] == (ran, ran)


def test_a_budget_that_the_minimum_keeps_alone_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    quiet = Verdict("m.tflite", "pi4", "litert", "min", 7.0, 6.9, 7.1, 7.9, 8.3, 8.0, None, True, SETTING)
    slow = replace(quiet, file="slow.tflite", median_ms=8.2)
    outside = replace(slow, file="outside.tflite", high_ms=8.1, within_budget=False)
    free = replace(slow, file="free.tflite", budget_ms=None, within_budget=None)
    print_verdicts([quiet, slow, outside, free])
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith("slow.tflite is inside 8 ms by the min of its samples, and not by its median of 8.2 ms")
    assert "pi4" in told and told.endswith("--statistic median")
