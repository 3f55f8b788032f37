"""Names of delegates, and the settings that they were found in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgenas.base.errors import InputError
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes import RUNTIMES
from edgenas.profiler.runtimes.delegates import KINDS, fitting, is_software, parse_delegate
from tests.latency_tables.test_journal import SETTING


@pytest.mark.parametrize(
    ("text", "runtime", "message"),
    [
        ("gpuu", "litert", "'gpuu' is not one of .*did you mean 'gpu'"),
        ("gpu", "onnxruntime", "is for litert and benchmark_model; onnxruntime has openvino, "),
        ("gpu", "onnxruntime_perf_test", "onnxruntime_perf_test has none"),
        ("gpu:fp16", "litert", "is not one of gpu, gpu:fp32"),
        ("openvino", "litert", "is not one of openvino:cpu, openvino:gpu, openvino:npu"),
        ("openvino:npu:2", "onnxruntime", "is not one of openvino:cpu"),
        ("gpu:", "litert", "is not one of gpu"),
        ("external", "benchmark_model", "is not one of external:NAME"),
        ("nnapi:a b", "benchmark_model", "is not one of nnapi, nnapi:NAME"),
        ("xnnpack", "litert", "litert computes with XNNPACK anyhow; leave out --delegate"),
        ("", "litert", "is not one of"),
    ],
)
def test_a_wrong_name_is_refused_with_the_rule(text: str, runtime: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_delegate(text, runtime)


def test_every_delegate_fits_known_runtimes_and_says_what_to_install() -> None:
    for name, kind in KINDS.items():
        assert kind.whats and set(kind.whats) <= set(RUNTIMES), name
        assert set(kind.install) == set(kind.whats), name
        for runtime, whats in kind.whats.items():
            for what in whats:
                text = f"{name}:{what.replace('*', 'X')}" if what else name
                found = parse_delegate(text, runtime)
                assert str(found) == text and found.install(runtime) and ":" not in found.label
                assert bool(found.provider) or runtime != "onnxruntime", text
    assert fitting("litert") == ["gpu", "openvino", "qualcomm", "mediatek", "google_tensor"]


def test_what_a_delegate_means_for_the_conditions() -> None:
    cpu, npu = (parse_delegate(f"openvino:{what}", "onnxruntime") for what in ("cpu", "npu"))
    assert (cpu.on_cpu, cpu.cold, npu.on_cpu, npu.cold) == (True, True, False, False)
    assert parse_delegate("provider:MIGraphXExecutionProvider", "onnxruntime").provider == "MIGraphXExecutionProvider"


@pytest.mark.parametrize(
    ("found", "requested", "partial", "software"),
    [
        ({}, "", False, False),
        ({"delegate": "gpu", "arithmetic": "fp16", "accelerator": "Mali-G78, Vulkan"}, "gpu", False, False),
        ({"delegate": "gpu", "arithmetic": "fp32", "accelerator": "SwiftShader Device"}, "gpu:fp32", False, True),
        ({"delegate": "openvino:cpu+cpu", "arithmetic": "fp32"}, "openvino:cpu", True, False),
    ],
)
def test_a_plan_of_a_setting_requests_its_delegate_again(
    found: dict[str, str], requested: str, partial: bool, software: bool
) -> None:
    setting = replace(SETTING, **found, **({"nodes_taken": 2, "nodes_total": 2} if found else {}))  # type: ignore[arg-type]
    plan = Plan.of(setting)
    assert (plan.requested, plan.partial, plan.software) == (requested, partial, software)


def test_software_adapters_are_known_by_their_drivers() -> None:
    assert is_software("llvmpipe (LLVM 15.0.6, 256 bits)") and not is_software("NVIDIA Tegra Orin (nvgpu)")
