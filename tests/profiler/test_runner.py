"""The program that runs on devices, under the real runtimes."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgenas.base.errors import InputError, OutcomeError
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import random_weights
from edgenas.devices.transports.local import LocalDevice
from edgenas.profiler.export import WRITERS
from edgenas.profiler.measure import describe, measure_models, measure_processes
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes import RUNTIMES
from edgenas.profiler.runtimes.base import Runtime
from edgenas.profiler.runtimes.output import Description, Installed, parse_batch
from edgenas.profiler.runtimes.python_runner import RUNNER, PythonRunner
from tests.support.listeners import Recorder

BLOCKS = tuple(BlockSpec.parse(t) for t in ("conv-8x3-o4-k3-s1-relu6", "ir-8x4-m8-o4-k5-s1-se8-hswish-res"))
QUICK = Plan(rounds=3, samples=2, min_sample_us=0, warmup_runs=2, warmup_ms=1, cores=(), scheduler="normal")


def models(runtime: Runtime) -> dict[str, bytes]:
    return {str(b): WRITERS[runtime.format]([b], [random_weights(b)]) for b in BLOCKS}


@pytest.fixture
def device(tmp_path: Path) -> LocalDevice:
    return LocalDevice(base=tmp_path)


@pytest.fixture(params=["litert", "onnxruntime"])
def runtime(request: pytest.FixtureRequest) -> Runtime:
    return RUNTIMES[request.param]


def test_what_is_installed_is_described(device: LocalDevice, runtime: Runtime) -> None:
    found = describe(device, runtime, sys.executable)
    assert found.installed.runtime == runtime.name
    assert found.delegate == {"litert": "xnnpack", "onnxruntime": "cpu"}[runtime.name]
    assert len(found.library_sha256) == 64
    assert found.cpus == tuple(sorted(os.sched_getaffinity(0)))
    assert "normal" in found.schedulers


def test_a_batch_runs_as_planned_and_a_broken_model_stops_nothing(device: LocalDevice, runtime: Runtime) -> None:
    description = describe(device, runtime, sys.executable)
    plan = Plan(rounds=4, samples=3, min_sample_us=0, warmup_runs=7, warmup_ms=0).on(description)
    weights = {**random_weights(BLOCKS[0]), "conv.bias": np.full(4, np.inf, dtype=np.float32)}
    plain = BlockSpec.parse("conv-8x3-o4-k3-s1")
    faulty = {"broken": b"not a model", "endless": WRITERS[runtime.format]([plain], [weights])}
    batch = measure_models(device, runtime, {**models(runtime), **faulty}, plan, program=sys.executable)
    assert set(batch.results) == {str(b) for b in BLOCKS}
    for result in batch.results.values():
        assert [len(samples) for samples in result.samples_ns] == [3] * 4
        assert result.warmup >= 7
        assert (result.delegate, result.loops) == (description.delegate, 1)
        assert result.partitions == (1 if runtime.name == "litert" else 0)
    assert {(f.name, f.stage) for f in batch.failures} == {("broken", "load"), ("endless", "output")}
    assert "not finite" in next(f.message for f in batch.failures if f.name == "endless")


def test_the_order_is_shuffled_anew_in_every_process(device: LocalDevice) -> None:
    runtime = RUNTIMES["litert"]
    content = {str(i): models(runtime)[str(BLOCKS[0])] for i in range(8)}
    orders = [  # results come in the order of the last round
        list(measure_models(device, runtime, content, QUICK, program=sys.executable, process=process).results)
        for process in (0, 1, 0)
    ]
    assert orders[0] == orders[2]
    assert len({tuple(content), tuple(orders[0]), tuple(orders[1])}) == 3


def test_a_fast_model_is_looped_and_a_slow_one_gets_fewer_samples(device: LocalDevice) -> None:
    runtime = RUNTIMES["litert"]
    quick = {"warmup_ms": 5, "cores": (), "scheduler": "normal"}
    plan = Plan(rounds=2, samples=50, min_sample_us=2000, max_round_ms=20, cold_kib=0, **quick)
    batch = measure_models(device, runtime, models(runtime), plan, program=sys.executable)
    for result in batch.results.values():
        assert result.loops > 10
        assert all(1 <= len(samples) < 50 for samples in result.samples_ns)


def test_outputs_are_those_of_the_model_and_the_same_in_every_process(device: LocalDevice) -> None:
    import onnxruntime

    runtime = RUNTIMES["onnxruntime"]
    content = models(runtime)
    session = onnxruntime.InferenceSession(content[str(BLOCKS[0])], providers=["CPUExecutionProvider"])
    image = np.random.default_rng(QUICK.seed).standard_normal((1, 3, 8, 8)).astype(np.float32)
    expected = session.run(None, {session.get_inputs()[0].name: image})[0].astype(np.float64)
    first, second = (
        measure_models(device, runtime, content, QUICK, program=sys.executable, process=process) for process in range(2)
    )
    assert first.results[str(BLOCKS[0])].checksum == pytest.approx((expected.sum(), abs(expected).sum()), rel=1e-5)
    assert {n: r.checksum for n, r in first.results.items()} == {n: r.checksum for n, r in second.results.items()}


def test_networks_are_measured_like_blocks(device: LocalDevice) -> None:
    runtime, recorder = RUNTIMES["litert"], Recorder()
    content = {**models(runtime), "broken": b""}
    repeated = measure_processes(
        device, runtime, content, QUICK, program=sys.executable, processes=2, listener=recorder
    )
    assert recorder.counts == [(1, 2), (2, 2)]
    assert [f.name for f in repeated.failures] == ["broken"]
    assert {n: [len(rounds) for rounds in p] for n, p in repeated.times.items()} == {str(b): [3, 3] for b in BLOCKS}


def test_the_runner_needs_no_new_python_and_nothing_of_ours() -> None:
    tree = ast.parse(RUNNER.read_text(), feature_version=(3, 9))
    ours = {"base", "blocks", "devices", "latency_tables", "profiler", "search", "edgenas"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert not ours & {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in ours


def test_misuse_and_a_missing_runtime_are_told(tmp_path: Path) -> None:
    for arguments in ([], ["--describe", "toaster"], ["--help"]):
        result = subprocess.run([sys.executable, RUNNER, *arguments], capture_output=True, text=True, check=False)
        assert (result.returncode, result.stdout) == (2, "")
        assert "--describe litert|onnxruntime" in result.stderr
    bare = [sys.executable, "-I", "-S", RUNNER, "--describe", "onnxruntime", "probe.onnx"]
    result = subprocess.run(bare, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "bench_runner: No module named 'onnxruntime'\n"


def test_a_device_without_the_runtime_says_what_to_install(device: LocalDevice, tmp_path: Path) -> None:
    python = tmp_path / "bare-python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    python.chmod(0o755)
    with pytest.raises(
        OutcomeError, match=r"litert cannot be loaded: No module named 'ai_edge_litert'; pip install ai-e"
    ):
        describe(device, RUNTIMES["litert"], str(python))
    with pytest.raises(OutcomeError, match=r"onnxruntime does not run on local .*No module.*pip install onnxruntime"):
        describe(device, RUNTIMES["onnxruntime"], str(python))


CRASHING = """
import json, os, sys
from pathlib import Path
plan = json.loads(Path(sys.argv[1]).read_text())
contents = {m["name"]: Path(sys.argv[1]).with_name(m["file"]).read_text() for m in plan["models"]}
installed = {"runtime": "crashing", "package": "p", "version": "1", "python": "3", "notes": ""}
how = {"threads": 1, "cores": [0], "scheduler": "normal", "cold_kib": plan["cold_kib"]}
print(json.dumps({"kind": "header", **installed, **how}), flush=True)
if "crash" in contents.values():
    os.kill(os.getpid(), 11)
for name in contents:
    print(json.dumps({"kind": "model", "name": name, "loops": 1, "warmup": 1, "samples_ns": [[5]], "delegate": "cpu",
                      "partitions": 0, "sum": 0.0, "abs_sum": 0.0}))
print(json.dumps({"kind": "end", "models": len(contents), "errors": 0}))
"""


def test_a_model_that_kills_the_runner_is_found_and_the_others_are_measured(
    device: LocalDevice, tmp_path: Path
) -> None:
    (tmp_path / "crashing.py").write_text(CRASHING)
    runtime = PythonRunner("crashing", "onnx", "", tmp_path / "crashing.py")
    content = {f"m{i}": b"crash" if i in (2, 5) else b"fine" for i in range(9)}
    batch = measure_models(device, runtime, content, QUICK, program=sys.executable)
    assert set(batch.results) == {f"m{i}" for i in range(9)} - {"m2", "m5"}
    assert {(f.name, f.stage, f.message) for f in batch.failures} == {
        ("m2", "crash", "killed by signal 11"),
        ("m5", "crash", "killed by signal 11"),
    }


def test_a_run_that_was_not_what_the_plan_says_is_refused(device: LocalDevice, tmp_path: Path) -> None:
    (tmp_path / "crashing.py").write_text(CRASHING)
    runtime = PythonRunner("crashing", "onnx", "", tmp_path / "crashing.py")
    with pytest.raises(OutcomeError, match=r"scheduler fifo, .*but the runner had crashing, 1, \[0\], normal"):
        measure_models(device, runtime, {"m": b"fine"}, Plan(cores=()), program=sys.executable)
    with pytest.raises(OutcomeError, match="did not start: exit code 127"):
        measure_models(device, runtime, {"m": b"fine"}, QUICK, program="no-such-python")


def test_nothing_starts_after_the_time_limit(tmp_path: Path) -> None:
    task: dict[str, Any] = {**QUICK.as_dict(), "cores": [], "min_sample_ns": 0, "limit_s": -1, "process": 0}
    task |= {"runtime": "onnxruntime", "models": [{"name": "m", "file": "absent"}]}
    (tmp_path / "plan.json").write_text(json.dumps(task))
    result = subprocess.run(
        [sys.executable, RUNNER, tmp_path / "plan.json"], capture_output=True, text=True, check=True
    )
    output = parse_batch(result.stdout)
    assert output is not None
    assert output.complete
    assert "time limit" in output.errors[0].message


INSTALLED = Installed("litert", "ai_edge_litert", "2.3.0", "3.11.7", "")
DESCRIPTION = Description(INSTALLED, "xnnpack", "0" * 64, (0, 1, 2, 3), ("fifo", "normal"))


def test_a_plan_takes_what_the_device_allows() -> None:
    assert (Plan().on(DESCRIPTION).cores, Plan().on(DESCRIPTION).scheduler) == ((3,), "fifo")
    assert Plan(threads=2).on(DESCRIPTION).cores == (2, 3)
    assert Plan(cores=()).on(DESCRIPTION).cores == ()
    assert Plan().on(DESCRIPTION, [(0, 1, 2), (3,)]).cores == (3,)
    assert Plan(threads=2).on(DESCRIPTION, [(0, 1, 2), (3, 4)]).cores == (1, 2), "4 is not allowed"
    assert Plan(threads=2, cores=(2, 3)).on(DESCRIPTION, [(0, 1, 2), (3,)]).cores == (2, 3), "as asked"
    with pytest.raises(InputError, match=r"3 threads fit in no cluster of equal cores \(it has 2 \+ 2\)"):
        Plan(threads=3).on(DESCRIPTION, [(0, 1), (2, 3)])
    assert Plan(cores=(2, 0)).on(DESCRIPTION).cores == (0, 2)
    plain = Description(INSTALLED, "xnnpack", "0" * 64, (0,), ("normal",))
    assert Plan().on(plain).scheduler == "normal"
    with pytest.raises(InputError, match="no CPU 7; it allows 0, 1, 2, 3"):
        Plan(cores=(7,)).on(DESCRIPTION)
    with pytest.raises(InputError, match="2 threads, but the device has 1"):
        Plan(threads=2).on(plain)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"rounds": 0}, "rounds is 0, not a whole number within 1"),
        ({"samples": 1.5}, "samples is 1.5"),
        ({"threads": True}, "threads is True"),
        ({"scheduler": "idle"}, "'idle' is not one of fifo, normal"),
        ({"threads": 2, "cores": (1,)}, r"2 threads do not fit on cores \[1\]"),
    ],
)
def test_a_plan_that_breaks_a_rule_is_refused(values: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        Plan(**values)
