"""The runtimes that run a network: LiteRT's CompiledModel, its Interpreter, tflite-runtime, ONNX Runtime."""

from __future__ import annotations

import platform
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Run = Callable[[Any], Any]


class DeviceRuntime(NamedTuple):
    """A runtime of this device.

    name     runtime and version, which is part of the names of caches
    format   of its files: 'tflite' or 'onnx'
    caches   whether it keeps packed weights in a file
    build    function from a model (path or bytes) and the path of its cache, or '', to a function from an input, as the
             file takes it, to the output
    """

    name: str
    format: str
    caches: bool
    build: Callable[[Any, str], Run]


def find_runtime(threads: int, formats: Collection[str], plain: Path) -> DeviceRuntime:
    """Return the best runtime of this device for files of one of ``formats``; RuntimeError where there is none.

    ``plain`` is a folder that holds no program and no library.
    """
    problems = []
    for format, find in (("tflite", _compiled), ("tflite", _interpreter), ("onnx", _onnx)):
        if format in formats:
            try:
                return find(threads, plain)
            except (ImportError, AttributeError, TypeError) as error:  # an old version has other names
                problems.append(str(error))
    wanted = {"tflite": "ai-edge-litert or tflite-runtime", "onnx": "onnxruntime"}
    names = " or ".join(wanted[format] for format in wanted if format in formats)
    raise RuntimeError(f"no runtime for {', '.join(sorted(formats))} files: install {names} ({'; '.join(problems)})")


def _compiled(threads: int, plain: Path) -> DeviceRuntime:
    from importlib.metadata import version

    if lacks_atomics(platform.machine(), _cpuinfo()):
        raise ImportError("LiteRT's CompiledModel needs LSE atomics, which this processor lacks")

    from ai_edge_litert.compiled_model import CompiledModel
    from ai_edge_litert.cpu_options import CpuOptions
    from ai_edge_litert.hardware_accelerator import HardwareAccelerator
    from ai_edge_litert.options import Options

    CpuOptions(num_threads=threads, xnnpack_weight_cache_path="")  # TypeError in a version without caches
    environment = _environment(plain)  # one for all networks

    def build(model: Any, cache: str) -> Run:
        cpu = CpuOptions(num_threads=threads, xnnpack_weight_cache_path=cache)
        options = Options(hardware_accelerators=HardwareAccelerator.CPU, cpu_options=cpu)
        if isinstance(model, bytes):
            made = CompiledModel.from_buffer(model, environment=environment, options=options)
        else:
            made = CompiledModel.from_file(str(model), environment=environment, options=options)
        inputs, outputs = made.create_input_buffers(0), made.create_output_buffers(0)
        key = made.get_signature_by_index(0)["key"]
        (detail,) = made.get_output_tensor_details(key).values()
        shape, kind = tuple(detail["shape"]), np.dtype(str(detail["dtype"]))
        count = int(np.prod(shape))

        def run(pixels: Any) -> Any:
            inputs[0].write(np.ascontiguousarray(pixels).ravel())
            made.run_by_index(0, inputs, outputs)
            return outputs[0].read(count, kind.type).reshape(shape)

        return run

    return DeviceRuntime(f"litert-{version('ai-edge-litert')}", "tflite", True, build)


def _environment(plain: Path) -> Any:
    """Return an environment without plugins of NPUs: LiteRT looks for them in the folder ``plain``, which has none,
    instead of loading those of its package whenever it opens a model."""
    import ai_edge_litert
    from ai_edge_litert.environment import Environment

    here, empty = str(Path(ai_edge_litert.__file__).parent), str(plain)
    return Environment.create(runtime_path=here, compiler_plugin_path=empty, dispatch_library_path=empty)


def lacks_atomics(machine: str, cpuinfo: str) -> bool:
    """Return whether an Arm processor lacks LSE atomics, as the Cortex-A72 of a Raspberry Pi 4 does. The GPU library
    that LiteRT 2.3 loads with every CompiledModel kills the process there."""
    return machine == "aarch64" and not any(
        line.startswith("Features") and " atomics" in line for line in cpuinfo.split("\n")
    )


def _cpuinfo() -> str:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _interpreter(threads: int, plain: Path) -> DeviceRuntime:
    try:
        from ai_edge_litert.interpreter import Interpreter

        name = "interpreter"
    except ImportError as error:
        try:
            from tflite_runtime.interpreter import Interpreter  # type: ignore[import-not-found,no-redef,unused-ignore]
        except ImportError:
            raise error from None  # the older package is not asked for
        name = "tflite-runtime"

    def build(model: Any, cache: str) -> Run:
        source = {"model_content": model} if isinstance(model, bytes) else {"model_path": str(model)}
        made = Interpreter(**source, num_threads=threads)
        made.allocate_tensors()
        here, there = made.get_input_details()[0]["index"], made.get_output_details()[0]["index"]

        def run(pixels: Any) -> Any:
            made.set_tensor(here, pixels)
            made.invoke()
            return made.get_tensor(there)

        return run

    return DeviceRuntime(name, "tflite", False, build)


def _onnx(threads: int, plain: Path) -> DeviceRuntime:
    import onnxruntime

    onnxruntime.set_default_logger_severity(3)

    def build(model: Any, cache: str) -> Run:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        source = model if isinstance(model, bytes) else str(model)
        made = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        name = made.get_inputs()[0].name
        return lambda pixels: made.run(None, {name: np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))})[0]

    return DeviceRuntime(f"onnxruntime-{onnxruntime.__version__}", "onnx", False, build)


def in_float(run: Run, stored: Any) -> Run:
    """Return a function of float32 input and output. ``stored`` is how a file with 8-bit input and output stores real
    numbers, {"input": {"dtype", "scale", "zero"}, "output": ...}; None for other files."""
    if not stored:
        return run
    source, target = stored["input"], stored["output"]
    limits = np.iinfo(source["dtype"])

    def converted(pixels: Any) -> Any:
        levels = np.rint(pixels / np.float32(source["scale"])) + source["zero"]
        scores = run(np.clip(levels, limits.min, limits.max).astype(source["dtype"]))
        return (np.float32(scores) - np.float32(target["zero"])) * np.float32(target["scale"])

    return converted
