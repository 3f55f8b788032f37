"""Names of delegates, ``NAME[:WHAT]``, and what each of them needs. Nothing is run.

A delegate computes a model in place of the runtime's own kernels: on a GPU, on an NPU, or with other kernels on the
CPU. LiteRT calls it an accelerator, ONNX Runtime an execution provider. A table records what computed as it was found:
the same text, and '+cpu' behind it where the CPU computed a part of the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgenas.base.errors import InputError
from edgenas.base.naming import among

if TYPE_CHECKING:
    from edgenas.latency_tables.setting import Setting

#: end of a delegate's name in a table whose models it took in part only
WITH_CPU = "+cpu"
_APART = (
    "pip install {0}, in an environment without onnxruntime, and name its Python in devices.toml: "
    'pythons = {{ {1} = "PATH" }}'
)
#: instructions of the packages for Python
_PIP = {
    "openvino": "pip install openvino==2026.3.1",
    "onnxruntime-openvino": _APART.format("onnxruntime-openvino", "openvino"),
    "onnxruntime-gpu": _APART.format("onnxruntime-gpu", "cuda"),
    "onnxruntime-qnn": _APART.format("onnxruntime-qnn", "qnn"),
}
_VULKAN = "install the Vulkan driver of the GPU (Debian: mesa-vulkan-drivers)"
_VENDOR = "name the folder of the vendor's libraries in devices.toml: libraries = {{ {0} = PATH }}"
_TOOL = "use a build of the tool, and a phone, that have it"
_OWN_BUILD = "build onnxruntime with {0} for this device, and name its Python in devices.toml: pythons"

#: largest difference to the CPU's outputs over the largest output, by the precision of the arithmetic
LARGEST_REL = {"fp32": 1e-4, "fp16": 3e-2}

Whats = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class DelegateKind:
    """What is known of a delegate before it is tried.

    whats        runtime -> texts that may follow the name; '' where the name may stand alone, '*' where any text may.
                 The runtimes are those that it fits.
    install      runtime -> instruction that installs it
    threads      whether it computes on the CPU, with the threads of the plan
    cold         whether another model that the CPU reads before a run changes the caches that the run meets
    int8         whether int8 models are computed in integers there, as far as is known; each is checked anyhow
    provider     name of ONNX Runtime's execution provider; '' where it has none
    """

    whats: Whats
    install: Mapping[str, str] = field(default_factory=dict)
    threads: bool = False
    cold: bool = False
    int8: bool = True
    provider: str = ""


_ORT = "onnxruntime"
KINDS: dict[str, DelegateKind] = {
    "gpu": DelegateKind(
        {"litert": ("", "fp32"), "benchmark_model": ("", "fp32", "cl", "gl", "webgpu")},
        {"litert": _VULKAN, "benchmark_model": _TOOL},
        int8=False,
    ),
    "openvino": DelegateKind(
        {"litert": ("cpu", "gpu", "npu"), _ORT: ("cpu", "gpu", "npu")},
        {"litert": _PIP["openvino"], _ORT: _PIP["onnxruntime-openvino"]},
        provider="OpenVINOExecutionProvider",
    ),
    "qualcomm": DelegateKind(
        {"litert": ("",), "benchmark_model": ("",)},
        {"litert": _VENDOR.format("qualcomm"), "benchmark_model": _TOOL},
    ),
    "mediatek": DelegateKind(
        {"litert": ("",), "benchmark_model": ("",)},
        {"litert": _VENDOR.format("mediatek"), "benchmark_model": _TOOL},
    ),
    "google_tensor": DelegateKind(
        {"litert": ("",), "benchmark_model": ("",)},
        {"litert": _VENDOR.format("google_tensor"), "benchmark_model": _TOOL},
    ),
    "xnnpack": DelegateKind(
        {_ORT: ("",)},
        {_ORT: _OWN_BUILD.format("--use_xnnpack")},
        threads=True,
        cold=True,
        provider="XnnpackExecutionProvider",
    ),
    "dnnl": DelegateKind(
        {_ORT: ("",)},
        {_ORT: _OWN_BUILD.format("--use_dnnl")},
        threads=True,
        cold=True,
        provider="DnnlExecutionProvider",
    ),
    "acl": DelegateKind(
        {_ORT: ("",)},
        {_ORT: _OWN_BUILD.format("--use_acl")},
        threads=True,
        cold=True,
        provider="ACLExecutionProvider",
    ),
    "cuda": DelegateKind({_ORT: ("",)}, {_ORT: _PIP["onnxruntime-gpu"]}, provider="CUDAExecutionProvider"),
    "tensorrt": DelegateKind({_ORT: ("",)}, {_ORT: _PIP["onnxruntime-gpu"]}, provider="TensorrtExecutionProvider"),
    "qnn": DelegateKind(
        {_ORT: ("", "htp", "gpu", "cpu")}, {_ORT: _PIP["onnxruntime-qnn"]}, provider="QNNExecutionProvider"
    ),
    "nnapi": DelegateKind(
        {_ORT: ("",), "benchmark_model": ("", "*")},
        {_ORT: _OWN_BUILD.format("--use_nnapi"), "benchmark_model": _TOOL},
        provider="NnapiExecutionProvider",
    ),
    "coreml": DelegateKind(
        {_ORT: ("",)}, {_ORT: _OWN_BUILD.format("--use_coreml")}, provider="CoreMLExecutionProvider"
    ),
    "hexagon": DelegateKind({"benchmark_model": ("",)}, {"benchmark_model": _TOOL}),
    "external": DelegateKind({"benchmark_model": ("*",)}, {"benchmark_model": _TOOL}),
    # any other provider by its name in onnxruntime, such as provider:MIGraphXExecutionProvider
    "provider": DelegateKind({_ORT: ("*",)}, {_ORT: "install an onnxruntime that has this provider"}),
}

#: delegates that compute on the CPU, although their kind also computes elsewhere
_ON_CPU = {("openvino", "cpu")}


@dataclass(frozen=True, slots=True)
class Delegate:
    """A delegate by its ``name`` and ``what`` follows it: 'openvino' and 'npu' for 'openvino:npu'."""

    name: str
    what: str = ""

    def __str__(self) -> str:
        return f"{self.name}:{self.what}" if self.what else self.name

    @property
    def kind(self) -> DelegateKind:
        """What is known of it."""
        return KINDS[self.name]

    @property
    def label(self) -> str:
        """Text for the name of a file: 'openvino-cpu'."""
        return "".join(c if c.isalnum() or c in "._-" else "-" for c in str(self))

    @property
    def on_cpu(self) -> bool:
        """Whether the CPU computes: threads, cores and caches mean what they mean without a delegate."""
        return self.kind.threads or (self.name, self.what) in _ON_CPU

    @property
    def cold(self) -> bool:
        """Whether another model that the CPU reads before a run changes what the run meets in its caches."""
        return self.kind.cold or (self.name, self.what) in _ON_CPU

    @property
    def provider(self) -> str:
        """Name of ONNX Runtime's execution provider; '' where it has none."""
        return self.what if self.name == "provider" else self.kind.provider

    def install(self, runtime: str) -> str:
        """Return the instruction that installs it for ``runtime``."""
        packages = self.kind.install.get(runtime, "")
        if self.name == "openvino" and not self.on_cpu:
            return f"if this device has one, install Intel's driver for it; OpenVINO itself: {packages}"
        return packages


def parse_delegate(text: str, runtime: str) -> Delegate:
    """Return the delegate ``NAME[:WHAT]`` of ``runtime``; InputError names the rule and the nearest name."""
    name, colon, what = text.partition(":")
    kind = KINDS.get(name)
    if kind is None:
        raise InputError(f"--delegate {text[:80]!r}: {name[:40]!r} is not one of {among(name, fitting(runtime))}")
    whats = kind.whats.get(runtime)
    if whats is None:
        if name == "xnnpack" and runtime in ("litert", "benchmark_model"):
            raise InputError(f"--delegate xnnpack: {runtime} computes with XNNPACK anyhow; leave out --delegate")
        ours = ", ".join(fitting(runtime)) or "none"
        others = " and ".join(kind.whats)
        raise InputError(f"--delegate {text[:80]!r} is for {others}; {runtime} has {ours}")
    if (what or not colon) and (what in whats or (what and "*" in whats)) and _plain(what):
        return Delegate(name, what)
    shown = [f"{name}:{each}" if each else name for each in whats if each != "*"]
    shown += [f"{name}:NAME"] if "*" in whats else []
    raise InputError(f"--delegate {text[:80]!r} is not one of {among(text, shown)}")


def fitting(runtime: str) -> list[str]:
    """Return the names of the delegates that fit ``runtime``."""
    return [name for name, kind in KINDS.items() if runtime in kind.whats]


def requested(setting: Setting) -> str:
    """Return the text for ``--delegate`` that measures in ``setting`` again; '' for what the runtime does by itself."""
    name = setting.delegate.removesuffix(WITH_CPU)
    if not setting.nodes_total:
        return ""
    return f"{name}:fp32" if name == "gpu" and setting.arithmetic == "fp32" else name


def is_partial(setting: Setting) -> bool:
    """Return whether the CPU computed a part of the models of a table."""
    return setting.delegate.endswith(WITH_CPU)


def is_software(accelerator: str) -> bool:
    """Return whether an adapter or an emulator computes on the CPU, by the name that its driver gives."""
    lowered = accelerator.lower()
    return any(name in lowered for name in _SOFTWARE)


_SOFTWARE = ("swiftshader", "llvmpipe", "lavapipe", "emulator", "emulated", "software", "pocl")


def _plain(what: str) -> bool:
    return len(what) <= 80 and all(c.isalnum() or c in "._-" for c in what)
