"""Runs of an exported file, float or int8, on this machine: LiteRT for TFLite, ONNX Runtime for ONNX."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import numpy as np

from edgenas.base.errors import InputError
from edgenas.blocks.weights import Array

Format = Literal["tflite", "onnx"]

_STDERR = threading.Lock()  # all threads share one stderr


class Quantization(NamedTuple):
    """Linear quantization to 8 bits: real = scale x (stored - zero), stored within the range of ``dtype``."""

    scale: float
    zero: int
    dtype: str

    def stored(self, real: Array) -> Any:
        """Return the nearest stored values, ties to even; values out of range saturate."""
        limits = np.iinfo(self.dtype)
        return np.clip(np.rint(real / np.float32(self.scale)) + self.zero, limits.min, limits.max).astype(self.dtype)

    def real(self, stored: Any) -> Array:
        """Return the real values of stored values."""
        numbers: Array = (stored.astype(np.float32) - np.float32(self.zero)) * np.float32(self.scale)
        return numbers


class ModelInterface(NamedTuple):
    """Input and output of a file: the shape of a picture (H, W, C), and the quantization of both; None for float."""

    shape: tuple[int, int, int]
    source: Quantization | None
    target: Quantization | None


def model_format(model: bytes) -> Format:
    """Return the format of a model's bytes: TFLite has 'TFL3' at byte 4, ONNX begins with its ir_version (field 1)."""
    if model[4:8] == b"TFL3":
        return "tflite"
    if model[:1] == b"\x08":
        return "onnx"
    raise InputError(f"a model that begins with {model[:8]!r} is neither TFLite ('TFL3' at byte 4) nor ONNX")


def ends(model: bytes) -> ModelInterface:
    """Return the shape of a file's input and the quantization of its input and output."""
    if model_format(model) == "onnx":
        return _onnx_ends(model)
    runs = interpreter(model)
    source, target = runs.get_input_details()[0], runs.get_output_details()[0]
    _, h, w, c = (int(n) for n in source["shape"])
    return ModelInterface((h, w, c), _litert_scale(source), _litert_scale(target))


def scales(model: bytes) -> dict[str, Quantization | None]:
    """Return every output of a file by its name, in order, with its quantization; None for float."""
    if model_format(model) == "onnx":
        import onnx

        graph = onnx.load_from_string(model).graph
        return {value.name: _onnx_scale(graph, value, "output") for value in graph.output}
    runs = interpreter(model)
    named = runs.get_signature_list()
    names = {
        runs.get_signature_runner(key).get_output_details()[n]["index"]: n
        for key in named
        for n in named[key]["outputs"]
    }
    return {names.get(t["index"], t["name"]): _litert_scale(t) for t in runs.get_output_details()}


def run_model(model: bytes, x: Array) -> Array:
    """Return the outputs of a file for the pictures ``x`` (n, H, W, C), run one by one on one thread of LiteRT or ONNX
    Runtime. For an int8 file ``x`` is quantized, and its outputs are converted to real numbers.

    Feature maps are returned as (n, H', W', C') for both formats, classes as (n, classes). InputError when a picture
    does not have the shape of the file's input.
    """
    run = _run_litert if model_format(model) == "tflite" else _run_onnxruntime
    return real_outputs(model, run(model, stored_inputs(model, x)))


def stored_inputs(model: bytes, x: Array) -> Any:
    """Return the pictures ``x`` (n, H, W, C) as the file takes them: quantized, in its order of axes. InputError for
    another shape or type."""
    found = ends(model)
    if x.ndim != 4 or len(x) == 0 or x.shape[1:] != found.shape or x.dtype != np.float32:
        shape = ", ".join(map(str, found.shape))
        raise InputError(f"the model takes float32 images (n, {shape}) in NHWC, not {x.dtype}{x.shape}")
    given = x if found.source is None else found.source.stored(x)
    return given if model_format(model) == "tflite" else np.ascontiguousarray(given.transpose(0, 3, 1, 2))


def real_outputs(model: bytes, outputs: Any) -> Array:
    """Return a file's outputs as real numbers: feature maps (n, H', W', C'), classes (n, classes)."""
    if model_format(model) == "onnx" and outputs.ndim == 4:
        outputs = outputs.transpose(0, 2, 3, 1)  # (n, C', H', W') -> (n, H', W', C')
    target = ends(model).target
    numbers: Array = outputs if target is None else target.real(outputs)
    return numbers


def _run_litert(model: bytes, x: Any) -> Any:
    runs = interpreter(model)
    source, target = runs.get_input_details()[0], runs.get_output_details()[0]
    outputs = []
    for picture in x:
        runs.set_tensor(source["index"], np.ascontiguousarray(picture[None]))
        runs.invoke()
        outputs.append(runs.get_tensor(target["index"]))
    return np.concatenate(outputs)


def _run_onnxruntime(model: bytes, x: Any) -> Any:
    running = session(model)
    name = running.get_inputs()[0].name
    return np.concatenate([running.run(None, {name: picture[None]})[0] for picture in x])


def session(model: bytes, profile_to: str = "") -> Any:
    """Open a file in ONNX Runtime, on one thread of its CPU provider; ``profile_to`` is the prefix of a profile's path,
    '' for no profile."""
    import onnxruntime

    getattr(onnxruntime, "disable_telemetry_events", lambda: None)()  # newer versions have it: no telemetry is sent
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    if profile_to:
        options.enable_profiling, options.profile_file_prefix = True, profile_to
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def interpreter(model: bytes) -> Any:
    """Open a file in LiteRT, on one thread, with default delegates and allocated tensors."""
    from ai_edge_litert.interpreter import Interpreter

    with _without_banner():
        loaded = Interpreter(model_content=model, num_threads=1)
        loaded.allocate_tensors()
    return loaded


def _litert_scale(tensor: Any) -> Quantization | None:
    scale, zero = tensor["quantization"]
    dtype = np.dtype(tensor["dtype"]).name
    return None if dtype == "float32" else Quantization(float(scale), int(zero), dtype)


def _onnx_ends(model: bytes) -> ModelInterface:
    import onnx

    graph = onnx.load_from_string(model).graph
    _, c, h, w = (d.dim_value for d in graph.input[0].type.tensor_type.shape.dim)
    source, target = graph.input[0], graph.output[0]
    return ModelInterface((h, w, c), _onnx_scale(graph, source, "input"), _onnx_scale(graph, target, "output"))


def _onnx_scale(graph: Any, value: Any, side: str) -> Quantization | None:
    """Return the quantization of an input or output, from the node that has it at its ``side``, 'input' or 'output'."""
    import onnx

    if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT:
        return None
    beside = next(node for node in graph.node if value.name in getattr(node, side))
    wanted = beside.input[1:3]
    constants = {tensor.name: tensor for tensor in graph.initializer if tensor.name in wanted}
    step, zero = (onnx.numpy_helper.to_array(constants[name]) for name in wanted)
    return Quantization(float(step), int(zero), zero.dtype.name)


@contextmanager
def _without_banner() -> Iterator[None]:
    """Suppress stderr: LiteRT writes 'INFO: Created TensorFlow Lite XNNPACK delegate' to it each time and has no option
    against it; errors are raised as exceptions."""
    with _STDERR:
        stderr = os.dup(2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            os.close(nowhere)
