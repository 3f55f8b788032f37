"""Holding files against a budget: fresh processes are added only while it may help."""

import sys

import pytest

from blocks.spec import BlockSpec
from blocks.weights import random_weights
from devices.inventory import Entry
from edgenas.measuring import verify_files
from profiler.export import WRITERS
from profiler.plan import Plan

BLOCK = BlockSpec.parse("conv-8x3-o4-k3-s1-relu6")
QUICK = Plan(rounds=2, samples=2, warmup_runs=1, warmup_ms=0, cores=())


@pytest.mark.slow
@pytest.mark.parametrize(("budget_ms", "ran", "inside"), [(1000.0, 2, True), (1e-6, 4, False), (None, 2, None)])
def test_processes_are_added_while_a_file_is_outside(budget_ms: float | None, ran: int, inside: bool | None) -> None:
    files = {"model.onnx": WRITERS["onnx"]([BLOCK], [random_weights(BLOCK, 0)])}
    told: list[tuple[int, int]] = []
    (verdict,) = verify_files(
        Entry("local", "local", sys.executable), files, "onnxruntime", plan=QUICK, processes=2, most=4,
        budget_ms=budget_ms, progress=lambda done, total: told.append((done, total)),
    )  # fmt: skip
    assert verdict.within_budget is inside
    assert verdict.peak_kib is not None and verdict.model_kib is not None
    assert 0 < verdict.model_kib < verdict.peak_kib
    assert verdict.as_dict()["peak_kib"] == verdict.peak_kib
    assert told[-1] == (ran, ran)
