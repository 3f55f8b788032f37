"""Delegates that compute: a software GPU through LiteRT, OpenVINO through LiteRT and ONNX Runtime."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgenas.base.errors import EdgenasError, OutcomeError
from edgenas.devices.inventory import Entry
from edgenas.devices.session.session import Conditions
from edgenas.devices.transports.local import LocalDevice
from edgenas.latency_tables.records import PART
from edgenas.profiler.delegate_probe import probe_delegates
from edgenas.profiler.delegation import delegated
from edgenas.profiler.device_session import Worker, station
from edgenas.profiler.export import tflite_pack
from edgenas.profiler.export.tflite_pack import Subgraph, Tensor, pack
from edgenas.profiler.measure import measure_models
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes import RUNTIMES
from edgenas.profiler.runtimes.output import ModelResult
from edgenas.profiler.runtimes.python_runner import PythonRunner
from tests.support.delegates import QUICK, measured, openvino, use_software_gpu

pytestmark = pytest.mark.slow

BLOCKS = (
    "conv-16x3-o8-k3-s2-hswish", "conv-16x3-o8-k3-s1-relu6", "sep-16x8-o8-k3-s1-relu6", "sep-16x8-o16-k3-s2-relu6",
    "ir-16x8-m16-o8-k3-s1-relu6-res", "ir-16x8-m24-o16-k5-s2-relu6", "ir-8x8-m16-o8-k3-s1-se8-hswish-res",
    "ir-8x8-m16-o16-k5-s1-se8-hswish", "ir-8x16-m32-o16-k3-s1-hswish-res", "conv-8x16-o32-k1-s1-relu6",
    "head-4x32-o10", "head-8x16-o100",
)  # fmt: skip


def results(
    runtime: str, python: str, files: dict[str, bytes], delegate: str, blocking: bool = True, **changes: Any
) -> tuple[dict[str, ModelResult], dict[str, str]]:
    """Return (results, stages and messages of failures) of files, each by its name."""
    plan = replace(Plan(requested=delegate, limit_s=60), **{**QUICK, "cold_kib": 0, **changes})
    with station(Worker(LocalDevice(), python), RUNTIMES[runtime], plan, Conditions(force=True)) as held:
        used = held.runtime
        assert isinstance(used, PythonRunner) and used.delegate is not None
        used = replace(used, delegate={**used.delegate, "blocking": blocking})
        found = measure_models(LocalDevice(), used, files, held.plan, program=python)
    return dict(found.results), {f.name: f"{f.stage}: {f.message}" for f in found.failures}


def written(format: str, *texts: str) -> dict[str, bytes]:
    """Return files of blocks with random weights."""
    from edgenas.blocks.spec import BlockSpec
    from edgenas.blocks.weights import random_weights
    from edgenas.profiler.export import WRITERS

    return {text: WRITERS[format]([b := BlockSpec.parse(text)], [random_weights(b)]) for text in texts}


@pytest.fixture
def six_dimensions(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """A model of four operators, of which a GPU takes the last one only, and OpenVINO all but NEG."""
    monkeypatch.setattr(
        tflite_pack, "OPTIONS", {**tflite_pack.OPTIONS, "RESHAPE": "ReshapeOptions", "NEG": "NegOptions"}
    )
    graph = Subgraph()
    x = graph.tensor(Tensor("x", (1, 4, 4, 4)))
    shapes = [np.array(shape, np.int32) for shape in ((1, 2, 2, 2, 2, 4), (1, 4, 4, 4))]
    six, four = (graph.tensor(Tensor(f"s{len(s)}", s.shape, "INT32", s.tobytes())) for s in shapes)
    large = graph.operator("RESHAPE", (x, six), Tensor("b", (1, 2, 2, 2, 2, 4)))
    large = graph.operator("NEG", (large,), Tensor("c", (1, 2, 2, 2, 2, 4)))
    back = graph.operator("RESHAPE", (large, four), Tensor("d", (1, 4, 4, 4)))
    graph.operator("ADD", (back, x), Tensor("y", (1, 4, 4, 4)))
    return {"six": pack(graph, name="main", input_name="x", output_names=["y"])}


def test_a_software_gpu_fills_a_table_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_software_gpu(monkeypatch)
    path = tmp_path / "table.jsonl"
    with pytest.raises(OutcomeError, match=r"gpu is software here .SwiftShader.*; add --software"):
        measured(path, "litert", sys.executable, BLOCKS, "gpu")
    assert not path.exists()
    found = measured(path, "litert", sys.executable, BLOCKS, "gpu", software=True)
    setting = found.table.setting
    assert [f.message for f in found.failures] == [] and len(found.table.blocks) == len(BLOCKS) == 12
    assert (setting.delegate, setting.arithmetic, setting.cold_kib) == ("gpu", "fp32", 0)
    assert re.search(r"SwiftShader.*backend=Vulkan.*driver \d+\.\d+", setting.accelerator)
    assert all(m.init_ns > 10**6 for m in found.table.measurements)
    again = Plan.of(setting)
    assert (again.requested, again.software) == ("gpu:fp32", True)
    with pytest.raises(EdgenasError, match=r"delegate gpu / xnnpack; .*accelerator SwiftShader"):
        measured(path, "litert", sys.executable, BLOCKS[:1], "")


def test_a_gpu_computes_what_the_cpu_computes_and_runs_wait_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    use_software_gpu(monkeypatch)
    files = written("tflite", BLOCKS[0], BLOCKS[5], BLOCKS[6])
    found, failures = results("litert", sys.executable, files, "gpu", software=True)
    assert failures == {}
    for name, result in found.items():
        assert result.delegated is not None and result.delegated.rel <= 1e-5, name
        assert result.delegated.nodes_taken == result.delegated.nodes_total > 0, name
    _, failures = results("litert", sys.executable, files, "gpu", software=True, blocking=False)
    assert failures.keys() == files.keys()
    for message in failures.values():
        assert "gpu returns before it has computed: a run takes" in message


def test_a_model_that_a_gpu_takes_in_part_is_refused_with_its_operators(
    six_dimensions: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_software_gpu(monkeypatch)
    _, failures = results("litert", sys.executable, six_dimensions, "gpu", software=True)
    assert "gpu takes 1 of 4 operators; the CPU would compute: NEG, RESHAPE" in failures["six"]
    assert failures["six"].startswith(f"{PART}: ")
    found, failures = results("litert", sys.executable, six_dimensions, "gpu", software=True, partial=True)
    assert failures == {} and found["six"].delegate == "gpu+cpu"
    taken = found["six"].delegated
    assert taken is not None and (taken.nodes_taken, taken.nodes_total) == (1, 4)


def test_no_gpu_is_refused_before_anything_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_software_gpu(monkeypatch)
    monkeypatch.setenv("VK_ICD_FILENAMES", str(tmp_path / "none.json"))
    with pytest.raises(OutcomeError, match=r"gpu does not compute here: .*No adapters found; install the Vulkan"):
        measured(tmp_path / "t.jsonl", "litert", sys.executable, BLOCKS, "gpu")


@pytest.mark.parametrize("runtime", ["litert", "onnxruntime"])
def test_openvino_fills_a_table_and_absent_devices_are_refused(tmp_path: Path, runtime: str) -> None:
    python = openvino()
    for absent in ("gpu", "npu"):
        with pytest.raises(OutcomeError, match=rf"{absent.upper()} .*here|Device {absent.upper()} is not available"):
            measured(tmp_path / "t.jsonl", runtime, python, BLOCKS, f"openvino:{absent}")
    assert not (tmp_path / "t.jsonl").exists()
    found = measured(tmp_path / "t.jsonl", runtime, python, BLOCKS[:4], "openvino:cpu")
    setting = found.table.setting
    assert [f.message for f in found.failures] == [] and len(found.table.blocks) == 4
    assert (setting.delegate, setting.runtime, setting.cold_kib) == ("openvino:cpu", runtime, 8192)
    assert "OpenVINO 202" in setting.accelerator and setting.nodes_taken == setting.nodes_total > 0
    assert Plan.of(setting).requested == "openvino:cpu"


def test_an_operator_that_openvino_does_not_take_is_named(six_dimensions: dict[str, bytes]) -> None:
    _, failures = results("litert", openvino(), six_dimensions, "openvino:cpu")
    assert "openvino:cpu takes 3 of 4 operators; the CPU would compute: NEG" in failures["six"] and failures[
        "six"
    ].startswith(f"{PART}: ")


def test_an_operator_that_a_provider_does_not_take_is_named() -> None:
    import onnx
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Abs", ["x"], ["a"]),
        helper.make_node("Optional", ["a"], ["o"]),
        helper.make_node("OptionalGetElement", ["o"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])]
    model = helper.make_model(
        helper.make_graph(nodes, "g", ends, outputs), opset_imports=[helper.make_opsetid("", 18)], ir_version=9
    )
    onnx.checker.check_model(model)
    _, failures = results("onnxruntime", openvino(), {"optional": model.SerializeToString()}, "openvino:cpu")
    assert re.search(
        rf"{PART}: .*openvino:cpu takes 1 of \d operators; the CPU would compute: Optional", failures["optional"]
    )


def test_a_provider_that_is_absent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutcomeError, match=r"has no CUDAExecutionProvider here, only .*; pip install onnxruntime-gpu"):
        measured(tmp_path / "t.jsonl", "onnxruntime", sys.executable, BLOCKS, "cuda")


def test_a_vendor_without_libraries_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutcomeError, match=r"no libLiteRtDispatch_.*libraries = \{ qualcomm = PATH \}"):
        measured(tmp_path / "t.jsonl", "litert", sys.executable, BLOCKS, "qualcomm")


def test_a_probe_tells_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    use_software_gpu(monkeypatch)
    entry = Entry("local", "local", sys.executable, pythons={"openvino": openvino()})
    found = {f"{each.runtime} {each.delegate}": each for each in probe_delegates(entry, LocalDevice())}
    kinds = ("cpu", "gpu", "npu")
    openvinos = [f"{runtime} openvino:{kind}" for runtime in ("litert", "onnxruntime") for kind in kinds]
    assert list(found) == ["litert gpu", *openvinos]
    assert {name for name, each in found.items() if each.whole} == {"litert openvino:cpu", "onnxruntime openvino:cpu"}
    assert re.search("SwiftShader.*takes 10 of 10 operators, computes in fp32", found["litert gpu"].finding)
    assert found["litert gpu"].remedy == "edgenas profile SPACE --delegate gpu --software"
    assert "Device NPU is not available" in found["onnxruntime openvino:npu"].finding
    assert "OpenVINO has no GPU here, only CPU" in found["litert openvino:gpu"].finding
    assert "install Intel's driver" in found["litert openvino:gpu"].remedy


def test_a_runtime_without_delegates_says_so() -> None:
    with pytest.raises(EdgenasError, match="onnxruntime_perf_test has none"):
        delegated(RUNTIMES["onnxruntime_perf_test"], Plan(requested="gpu"))
