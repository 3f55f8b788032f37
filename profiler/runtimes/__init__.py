"""The runtimes that can be measured, by name."""

from __future__ import annotations

from profiler.runtimes.base import Runtime
from profiler.runtimes.python_runner import PythonRunner

RUNTIMES: dict[str, Runtime] = {
    "litert": PythonRunner("litert", "tflite", "pip install ai-edge-litert"),
    "onnxruntime": PythonRunner("onnxruntime", "onnx", "pip install onnxruntime"),
}
