"""ONNX Runtime's execution providers, for ``delegate_runner.py``.

A provider that is absent, or that does not take an operator, is replaced by the CPU without a word, and
``get_providers`` of a session proves nothing. So sessions are refused a CPU, and one run is profiled: its events name
the provider that computed each of them.
"""

from __future__ import annotations

import ctypes
import functools
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

CPU = "CPUExecutionProvider"
QNN_BACKENDS = {"htp": "libQnnHtp.so", "gpu": "libQnnGpu.so", "cpu": "libQnnCpu.so"}
_FAULT = re.compile(r"(?:\[ERROR\] \[\w+\] |\[E:onnxruntime:[^\]]*\] )([^\n\x1b]{1,600})")


class OnnxDelegate:
    """Models on one of ONNX Runtime's execution providers."""

    def __init__(self, engines: Any, cpu: Any, wanted: dict[str, Any], tools: Any) -> None:
        self.engines, self.cpu, self.wanted, self.tools, self.module = engines, cpu, wanted, tools, cpu.module
        self.provider: str = wanted["provider"]
        available = self.module.get_available_providers()
        if self.provider not in available:
            others = ", ".join(available)
            raise tools.RefusedError(f"onnxruntime {cpu.version} has no {self.provider} here, only {others}")
        self.notes = f"{self.provider}, CPU fallback {'allowed' if wanted['partial'] else 'disabled'}, IOBinding"
        self.accelerator = self.found_accelerator()

    def open(self, data: bytes, seed: int) -> Any:
        """Return the model in a session of the provider, of which one run was profiled."""
        session, why = None, ""
        with self.tools.captured_stderr() as text:
            try:
                session = self.session(data, strict=not self.wanted["partial"])
            except Exception as error:  # the module raises its own classes, which differ between versions
                why = str(error)
        if session is None:
            raise self.refusal(data, f"{text()} {why}")
        binding, given = session.io_binding(), []
        for i, node in enumerate(session.get_inputs()):
            shape = [n if isinstance(n, int) else 1 for n in node.shape]
            values = self.engines.make_input(shape, self.engines.ONNX_TYPES[node.type], seed + i)
            bound = self.module.OrtValue.ortvalue_from_numpy(values)
            binding.bind_ortvalue_input(node.name, bound)
            given.append(functools.partial(bound.update_inplace, values))
        for node in session.get_outputs():
            binding.bind_output(node.name, "cpu")
        session.run_with_iobinding(binding)
        computed = events(session)
        taken, total, left = self.assigned(session, computed)
        run = functools.partial(session.run_with_iobinding, binding)

        def write() -> list[Any]:
            return [write() for write in given]

        return self.tools.Opened(run, write, binding.copy_outputs_to_cpu, taken, total, left, self.accelerator)

    def session(self, data: bytes, strict: bool) -> Any:
        """Return a session whose first run is profiled; with ``strict``, one that may not use the CPU."""
        options = self.module.SessionOptions()
        options.intra_op_num_threads = self.cpu.threads
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(tempfile.gettempdir(), "profile"))
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
        if strict:
            options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        if self.cpu.threads > 1:
            options.add_session_config_entry("session.force_spinning_stop", "1")
        return self.module.InferenceSession(data, options, providers=[(self.provider, self.provider_options())])

    def provider_options(self) -> dict[str, str]:
        """Return the provider's options for the requested device and the planned threads."""
        name, what = self.wanted["name"], self.wanted["what"]
        if name == "openvino":
            on_cpu = {"num_of_threads": str(self.cpu.threads), "precision": "FP32"} if what == "cpu" else {}
            return {"device_type": what.upper(), **on_cpu}
        if name == "qnn":
            return {"backend_path": QNN_BACKENDS[what or "htp"]}
        if name == "xnnpack":
            return {"intra_op_num_threads": str(self.cpu.threads)}
        return {}

    def refusal(self, data: bytes, said: str) -> Exception:
        """Return why there is no session without a CPU: the operators that are left to it, or the provider's error."""
        refused, part = self.tools.RefusedError, self.tools.LeftToCpuError
        text, taken, total = self.wanted["text"], 0, 0
        left: list[str] = []
        try:
            with self.tools.captured_stderr():
                session = self.session(data, strict=False)
                feeds = {}
                for node in session.get_inputs():
                    shape = [n if isinstance(n, int) else 1 for n in node.shape]
                    feeds[node.name] = self.engines.make_input(shape, self.engines.ONNX_TYPES[node.type], 0)
                session.run(None, feeds)
                taken, total, left = self.assigned(session, events(session))
        except Exception as error:  # see above
            said += f" {error}"
        if taken:
            return part(self.tools.part(text, taken, total, left))  # type: ignore[no-any-return]
        faults = [" ".join(found.rpartition("] ")[2].split()) for found in _FAULT.findall(said)]
        faults = [found for found in faults if "fallback to CPU EP" not in found] or faults
        if not faults and left:
            return part(self.tools.part(text, 0, total, left))  # type: ignore[no-any-return]
        why = "; ".join(dict.fromkeys(faults)) or said.strip()[-200:]
        return refused(f"{text} does not compute here: {why}")  # type: ignore[no-any-return]

    def assigned(self, session: Any, computed: list[tuple[str, str]]) -> tuple[int, int, list[str]]:
        """Return (operators taken, of how many, names of the others). The profiled run decides who computed; where
        ONNX Runtime tells the operators behind a fused node, they are counted."""
        ours = [name for provider, name in computed if provider == self.provider]
        left = [name for provider, name in computed if provider != self.provider]
        told = getattr(session, "get_provider_graph_assignment_info", list)
        nodes = [(part.ep_name, node.op_type) for part in told() for node in part.get_nodes()]
        if ours and nodes:
            ours = [name for provider, name in nodes if provider == self.provider]
            left = [name for provider, name in nodes if provider != self.provider] or left
        return len(ours), len(ours) + len(left), left

    def found_accelerator(self) -> str:
        """Return the name and the driver of what computes, as far as they can be read; '' for kernels on the CPU."""
        name, what = self.wanted["name"], self.wanted["what"]
        if name == "openvino":
            versions = sorted(self.cpu.library.glob("libopenvino.so.*.*.*"), key=lambda path: len(path.name))
            version = versions[-1].name.partition(".so.")[2] if versions else "of unknown version"
            return f"{what.upper()}, OpenVINO {version}"
        if name in ("cuda", "tensorrt"):
            return cuda_device()
        if name == "qnn" and os.uname().machine == "x86_64":
            return f"emulator of the {what or 'htp'} backend on x86_64"
        return "" if self.wanted["on_cpu"] else self.provider


def events(session: Any) -> list[tuple[str, str]]:
    """Return (provider, operator) of every node of the profiled run, and end the profiling."""
    path = Path(session.end_profiling())
    found = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    nodes = {}
    for event in found:
        about = event.get("args", {})
        if event.get("cat") == "Node" and about.get("provider"):
            nodes[event["name"]] = (about["provider"], about.get("op_name", ""))
    return list(nodes.values())


def cuda_device() -> str:
    """Return the name of the first CUDA device and the version of CUDA that its driver supports; '' without one."""
    try:
        library = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return ""
    device, version, name = ctypes.c_int(), ctypes.c_int(), ctypes.create_string_buffer(200)
    if library.cuInit(0) or library.cuDeviceGet(ctypes.byref(device), 0):
        return ""
    library.cuDeviceGetName(name, len(name), device)
    library.cuDriverGetVersion(ctypes.byref(version))
    cuda = f"{version.value // 1000}.{version.value % 1000 // 10}"
    return f"{name.value.decode('utf-8', 'replace')}, driver for CUDA {cuda}"
