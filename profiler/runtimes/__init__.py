"""The runtimes that can be measured, by name."""

from __future__ import annotations

from profiler.runtimes.base import Runtime

RUNTIMES: dict[str, Runtime] = {
    "litert": Runtime("litert", "tflite", "pip install ai-edge-litert"),
    "onnxruntime": Runtime("onnxruntime", "onnx", "pip install onnxruntime"),
}
