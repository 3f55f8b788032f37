"""LiteRT's accelerators through its CompiledModel, for ``delegate_runner.py``.

The API calls a model fully accelerated where XNNPACK computes a part of it, and asynchronous runs return at once. So
the CPU is left out of the accelerators, runs block (``benchmark_mode``), and what the libraries print on stderr while
a model is compiled says which operators the delegate took, and which adapter computes.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
from pathlib import Path
from typing import Any

VENDORS = ("qualcomm", "mediatek", "google_tensor")
_ADAPTER = re.compile(r"Selected adapter: (.{1,300})")
_API = re.compile(r"Initializing (\S{1,40})-based API")
_ON_GPU = re.compile(r"(\d+) operations will run on the GPU, and the remaining (\d+) operations will run on the CPU")
_UNSUPPORTED = re.compile(r"^([A-Z][A-Z0-9_]*)(?: \S{1,40})?: .*", re.MULTILINE)
_SELECTED = re.compile(r"selected (\d+) ops, from a total of (\d+) ops")
_NOT_OPENVINO = re.compile(r"op type (\d+) is not supported")
_REPLACING = re.compile(r"Replacing (\d+) out of (\d+) node\(s\) with delegate \((\w{1,60})\)")
_FAULT = re.compile(r"(?:ERROR: \[[^\]]*\]|Cannot load library|No adapters|Couldn't load) ?.{0,300}")


class LiteRtDelegate:
    """Models on one of LiteRT's accelerators."""

    def __init__(self, engines: Any, cpu: Any, wanted: dict[str, Any], tools: Any) -> None:
        self.engines, self.cpu, self.wanted, self.tools = engines, cpu, wanted, tools
        self.environment: Any = None
        self.accelerator = ""
        name, what = wanted["name"], wanted["what"]
        self.notes = "CompiledModel, " + ("benchmark mode" if wanted["blocking"] else "asynchronous") + ", CPU left out"
        if name == "openvino":
            self.accelerator = prepare_openvino(what.upper(), tools.RefusedError)
        elif name in VENDORS and not any(Path(wanted["libraries"] or os.devnull).glob("libLiteRtDispatch_*.so")):
            raise tools.RefusedError(
                f"there is no libLiteRtDispatch_*.so in {wanted['libraries'] or 'any folder of the vendor'}"
            )

    def open(self, data: bytes, seed: int) -> Any:
        """Return the model, compiled for the accelerator."""
        from ai_edge_litert.compiled_model import CompiledModel

        operators = self.operators(data)
        model, said = None, ""
        with self.tools.captured_stderr() as text:
            try:
                model = CompiledModel.from_buffer(data, options=self.options(), environment=self.shared())
            except RuntimeError as error:
                said = str(error)
        said += text()
        taken, left = self.taken(said, operators, model is not None)
        if model is None:
            if taken is not None:
                raise self.tools.LeftToCpuError(self.tools.part(self.wanted["text"], taken, len(operators), left))
            faults = [" ".join(found.split()) for found in _FAULT.findall(said)]
            raise self.tools.RefusedError(
                f"{self.wanted['text']} does not compute here: {'; '.join(faults[-2:]) or said[-200:]}"
            )
        if taken is None:
            raise self.tools.RefusedError(
                f"{self.wanted['text']}: LiteRT does not say that it computes, so XNNPACK may compute in its place"
            )
        inputs, outputs = model.create_input_buffers(0), model.create_output_buffers(0)
        given = []
        for i, buffer in enumerate(inputs):
            details = buffer.get_tensor_details()
            given.append((buffer, self.engines.make_input(details["shape"], details["dtype"], seed + i)))
        wanted = [(buffer, buffer.get_tensor_details()) for buffer in outputs]

        def read() -> list[Any]:
            import numpy

            return [buffer.read(int(numpy.prod(d["shape"])), numpy.dtype(d["dtype"])) for buffer, d in wanted]

        def run() -> None:
            model.run_by_index(0, inputs, outputs)

        def write() -> list[Any]:
            return [buffer.write(values) for buffer, values in given]

        return self.tools.Opened(run, write, read, taken, len(operators), left, self.accelerator)

    def shared(self) -> Any:
        """Return the environment of all models of this process."""
        if self.environment is None:
            from ai_edge_litert.environment import Environment, EnvironmentOptions

            package = str(self.cpu.library)
            more = {}
            if self.wanted["libraries"]:
                folder = self.wanted["libraries"]
                for path in sorted(Path(folder).glob("*.so*")):  # the vendor's libraries need one another
                    with contextlib.suppress(OSError):
                        ctypes.CDLL(str(path), ctypes.RTLD_GLOBAL)
                more = {"dispatch_library_path": folder, "compiler_plugin_path": folder}
            self.environment = Environment.create(options=EnvironmentOptions(runtime_path=package, **more))
        return self.environment

    def options(self) -> Any:
        """Return the options that compile for the accelerator alone, or for it and the CPU."""
        from ai_edge_litert.hardware_accelerator import HardwareAccelerator
        from ai_edge_litert.options import CpuOptions, GpuOptions, Options

        on_gpu = self.wanted["name"] == "gpu"
        where = HardwareAccelerator.GPU if on_gpu else HardwareAccelerator.NPU
        if self.wanted["partial"]:
            where |= HardwareAccelerator.CPU
        options = Options(hardware_accelerators=where, cpu_options=CpuOptions(num_threads=self.cpu.threads))
        if on_gpu:
            fp32 = self.wanted["what"] == "fp32"
            options._gpu_options = GpuOptions(enforce_f32=fp32, benchmark_mode=self.wanted["blocking"])
        elif self.wanted["name"] == "openvino":
            from ai_edge_litert import intel_openvino_options as openvino

            device = self.wanted["what"].upper()
            how = {"INFERENCE_NUM_THREADS": str(self.cpu.threads), "INFERENCE_PRECISION_HINT": "f32"}
            options._intel_openvino_options = openvino.IntelOpenVinoOptions(
                graph_backend=openvino.IntelOpenVinoGraphBackend[device],
                performance_mode=openvino.IntelOpenVinoPerformanceMode.LATENCY,
                configs_map=how if device == "CPU" else {},
            )
        return options

    def operators(self, data: bytes) -> list[str]:
        """Return the names of the model's operators."""
        module = self.cpu.module
        plain = module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        interpreter = module.Interpreter(model_content=data, experimental_op_resolver_type=plain)
        return [str(operator["op_name"]) for operator in interpreter._get_ops_details()]

    def taken(self, said: str, operators: list[str], compiled: bool) -> tuple[int | None, list[str]]:
        """Return (operators taken, names of the others) by what LiteRT printed; (None, []) where it does not say."""
        if self.wanted["name"] == "gpu":
            adapter, api = _ADAPTER.search(said), _API.search(said)
            if adapter:
                self.accelerator = with_driver(adapter[1].strip())
            elif api and not self.accelerator:
                self.accelerator = api[1]
            split = _ON_GPU.search(said)
            if split:
                names = _UNSUPPORTED.findall(said.partition("not supported by GPU delegate:")[2])
                return int(split[1]), [name for name in names if name in operators]
            return (len(operators), []) if compiled and api else (None, [])
        split, replaced = _SELECTED.search(said), _REPLACING.findall(said)
        if split is None or not (compiled or split[1] != split[2]):
            return None, []
        taken = int(split[1])
        dispatched = "DispatchDelegate" in said or any("Dispatch" in name for _, _, name in replaced)
        if compiled and not dispatched:
            return None, []
        return taken, [self.name_of(int(number)) for number in _NOT_OPENVINO.findall(said)]

    def name_of(self, number: int) -> str:
        """Return the name of an operator by its number in the schema of TFLite."""
        from ai_edge_litert.schema_py_generated import BuiltinOperator

        names = [name for name, value in vars(BuiltinOperator).items() if value == number]
        return names[0] if names else f"operator {number}"


def prepare_openvino(device: str, refused: type[Exception]) -> str:
    """Load OpenVINO's libraries so that LiteRT's plugins find them, and return its version and the device's name."""
    try:
        import openvino
    except ImportError as error:
        raise refused(f"the package openvino cannot be loaded: {error}") from None
    core = openvino.Core()
    if not any(found.partition(".")[0] == device for found in core.available_devices):
        raise refused(f"OpenVINO has no {device} here, only {', '.join(core.available_devices) or 'no device'}")
    libraries = Path(openvino.__file__).resolve().parent / "libs"
    for pattern in ("libtbb.so.*", "libopenvino.so.*", "libopenvino_tensorflow_lite_frontend.so.*"):
        for path in sorted(libraries.glob(pattern)):
            ctypes.CDLL(str(path), ctypes.RTLD_GLOBAL)
    name = core.get_property(device, "FULL_DEVICE_NAME")
    return f"{str(name).strip()}, OpenVINO {openvino.__version__.partition('-')[0]}"


def with_driver(adapter: str) -> str:
    """Return an adapter with the version of its Vulkan driver, where it has one."""
    name = adapter.partition(",")[0]
    versions = [version for found, version in vulkan_drivers() if found == name]
    return f"{adapter}, driver {versions[0]}" if versions else adapter


def vulkan_drivers() -> list[tuple[str, str]]:
    """Return (device name, driver version) of every Vulkan device; empty where there is no loader.

    Vulkan 1.0: VkInstanceCreateInfo is 64 bytes on 64-bit machines with its type (1) first; VkPhysicalDeviceProperties
    begins with apiVersion, driverVersion, vendorID, deviceID, deviceType and deviceName[256].
    """
    try:
        library = ctypes.CDLL("libvulkan.so.1")
    except OSError:
        return []
    create_info, instance, count = (ctypes.c_uint64 * 8)(1), ctypes.c_void_p(), ctypes.c_uint32()
    if library.vkCreateInstance(ctypes.byref(create_info), None, ctypes.byref(instance)):
        return []
    library.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), None)
    devices, found = (ctypes.c_void_p * count.value)(), []
    library.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), devices)
    for device in devices:
        properties = (ctypes.c_uint32 * 1024)()
        library.vkGetPhysicalDeviceProperties(ctypes.c_void_p(device), ctypes.byref(properties))
        version, name = properties[1], bytes(properties)[20:276].split(b"\0")[0].decode("utf-8", "replace")
        found.append((name, f"{version >> 22}.{version >> 12 & 0x3FF}.{version & 0xFFF}"))
    library.vkDestroyInstance(instance, None)
    return found
