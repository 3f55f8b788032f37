"""Runtimes that can be measured, by name; for each format of model files the one with Python comes first."""

from __future__ import annotations

from edgenas.base.plugins import GROUPS, find
from edgenas.profiler.runtimes.base import Runtime
from edgenas.profiler.runtimes.python_runner import PythonRunner
from edgenas.profiler.runtimes.tool_dialects import BENCHMARK_MODEL, PERF_TEST
from edgenas.profiler.runtimes.tool_runner import ToolRunner

_SUPPLY = "build or download one for this device, and name it in devices.toml: {0} = PATH, {0}_sha256 = ITS SHA256"

RUNTIMES: dict[str, Runtime] = {
    "litert": PythonRunner("litert", "tflite", "pip install ai-edge-litert"),
    "onnxruntime": PythonRunner("onnxruntime", "onnx", "pip install onnxruntime"),
    "benchmark_model": ToolRunner("benchmark_model", "tflite", _SUPPLY.format("benchmark_model"), BENCHMARK_MODEL),
    "onnxruntime_perf_test": ToolRunner(
        "onnxruntime_perf_test", "onnx", _SUPPLY.format("onnxruntime_perf_test"), PERF_TEST
    ),
}


def find_runtime(name: str) -> Runtime:
    """Return the runtime called ``name``, or that of 'FILE.py:NAME', 'PACKAGE.MODULE:NAME' or an entry point of
    ``edgenas.runtimes``.

    InputError for an unknown name, with the nearest known one, and for code of the user's own that is not a runtime.
    """
    found = find(name, RUNTIMES, "runtime", GROUPS["runtime"])
    if found.code is not None:
        from edgenas.profiler.runtimes.own import own_runtime

        return own_runtime(found, RUNTIMES)
    runtime: Runtime = found.value
    return runtime
