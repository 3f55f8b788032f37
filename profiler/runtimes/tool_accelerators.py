"""Flags that make a tool called benchmark_model compute with a delegate. Nothing is run.

Two tools have this name: TensorFlow's and LiteRT 2's. They share most flags, but not those of delegates. Sources:
tensorflow/lite/tools/delegates/README.md and benchmark_tflite_model.cc; litert/tools/benchmark_litert_model.cc.
LiteRT 2's tool permits the CPU unless it is forbidden twice, by --use_cpu=false and by --require_full_delegation=true.
Flags that name libraries are added on the device, by a launcher (``edgenas.devices.launcher``).
"""

from __future__ import annotations

from edgenas.base.errors import InputError
from edgenas.profiler.runtimes.delegates import Delegate
from edgenas.profiler.runtimes.tool_script import CACHE, MODEL

TENSORFLOW, LITERT = "tensorflow", "litert"
TOOL_NAMES = {TENSORFLOW: "TensorFlow's benchmark_model", LITERT: "LiteRT 2's benchmark_model"}
#: flags that older builds lack, and without which a run is as valid
OPTIONAL = frozenset(
    {
        "require_full_delegation",
        "delegate_serialize_dir",
        "delegate_serialize_token",
        "compiler_cache_path",
        "result_file_path",
        "model_runtime_info_output_file",
    }
)
#: delegates that are libraries of a vendor, without which they do not run
NPUS = ("qualcomm", "mediatek", "google_tensor")
_ONLY_TENSORFLOW = ("nnapi", "hexagon", "external")


def accelerator_flags(tool: str, delegate: Delegate, *, partial: bool) -> dict[str, str]:
    """Return the flags (name -> value) of ``tool`` (TENSORFLOW or LITERT) for a delegate; the CPU may compute a part
    where ``partial``. InputError where this tool does not have the delegate."""
    flags = _tensorflow(delegate, partial) if tool == TENSORFLOW else _litert(delegate, partial)
    return flags | {"result_file_path": f"{MODEL}.result", "model_runtime_info_output_file": f"{MODEL}.info"}


def library_flags(delegate: Delegate, folder: str, library: str = "", options: str = "") -> list[str]:
    """Return the flags that name the libraries of a delegate in a ``folder`` of the device. ``library`` is the file of
    an external delegate there, and ``options`` are its own, such as 'backend_type:htp;'."""
    if delegate.name in NPUS:
        return [f"--dispatch_library_path={folder}", f"--compiler_plugin_library_path={folder}"]
    if delegate.name == "hexagon":
        return [f"--hexagon_lib_path={folder}"]
    if delegate.name == "external":
        named = [f"--external_delegate_path={folder}/{library}"]
        return [*named, f"--external_delegate_options={options}"] if options else named
    return []


def arithmetic(delegate: Delegate) -> str:
    """Return the precision in which the flags make a delegate compute fp32 models: 'fp32' or 'fp16'; '' where a library
    of the vendor decides."""
    if delegate.name == "gpu":
        return "fp32" if delegate.what == "fp32" else "fp16"
    return "fp32" if delegate.name == "nnapi" else ""


def _tensorflow(delegate: Delegate, partial: bool) -> dict[str, str]:
    name, what = delegate.name, delegate.what
    if name in NPUS or what == "webgpu":
        other = "an external delegate, external:NAME" if name in NPUS else "gpu:cl or gpu:gl"
        raise InputError(f"{TOOL_NAMES[TENSORFLOW]}, which has no {delegate}: use {other}, or {TOOL_NAMES[LITERT]}")
    flags = {} if partial else {"use_xnnpack": "false", "require_full_delegation": "true"}
    if name == "gpu":
        flags |= {"use_gpu": "true", "gpu_precision_loss_allowed": _text(what != "fp32")}
        flags |= {"gpu_backend": what} if what in ("cl", "gl") else {}
    elif name == "nnapi":
        flags |= {"use_nnapi": "true", "disable_nnapi_cpu": "true", "nnapi_allow_fp16": "false"}
        flags |= {"nnapi_accelerator_name": what} if what else {}
    elif name == "hexagon":
        flags |= {"use_hexagon": "true"}
    elif name != "external":
        raise InputError(f"{TOOL_NAMES[TENSORFLOW]}, which has no {delegate}")
    return flags | {"delegate_serialize_dir": CACHE, "delegate_serialize_token": MODEL}


def _litert(delegate: Delegate, partial: bool) -> dict[str, str]:
    name, what = delegate.name, delegate.what
    if name in _ONLY_TENSORFLOW or what == "cl":
        other = "" if name in _ONLY_TENSORFLOW else "gpu, gpu:gl or gpu:webgpu, or "
        raise InputError(f"{TOOL_NAMES[LITERT]}, which has no {delegate}: use {other}{TOOL_NAMES[TENSORFLOW]}")
    flags = {"use_cpu": _text(partial), "require_full_delegation": _text(not partial)}
    flags |= {"use_gpu": _text(name == "gpu"), "use_npu": _text(name in NPUS)}
    if name == "gpu":
        flags |= {"allow_fp16": _text(what != "fp32")}
        flags |= {"gpu_backend": what} if what in ("gl", "webgpu") else {}
    elif name in NPUS:
        flags |= {"compiler_cache_path": CACHE}
    else:
        raise InputError(f"{TOOL_NAMES[LITERT]}, which has no {delegate}")
    return flags


def _text(value: bool) -> str:
    return "true" if value else "false"
