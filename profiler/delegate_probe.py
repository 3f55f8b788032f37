"""Probes of the delegates of a device: which of them are there, run a small model, and take all kinds of operators."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edgenas.base.errors import DeviceError, InputError, OutcomeError
from edgenas.base.text import printable
from edgenas.devices.base import Device
from edgenas.devices.inventory import Entry
from edgenas.profiler.delegation import delegated
from edgenas.profiler.measure import describe
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes import RUNTIMES
from edgenas.profiler.runtimes.delegates import KINDS, Delegate, is_software
from edgenas.profiler.runtimes.python_runner import PythonRunner
from edgenas.profiler.workers import open_worker

if TYPE_CHECKING:
    from edgenas.profiler.runtimes.output import Description

_CALL_S = 60.0
_VENDORS = ("qualcomm", "mediatek", "google_tensor")
_PROVIDERS = "import json, onnxruntime; print(json.dumps(onnxruntime.get_available_providers()))"


@dataclass(frozen=True, slots=True)
class ProbedDelegate:
    """A delegate of one runtime on a device: ``found`` is what a model with every kind of operator met, None where the
    delegate does not run, which ``why`` explains."""

    runtime: str
    delegate: Delegate
    found: Description | None
    why: str = ""

    @property
    def whole(self) -> bool:
        """Whether it takes every kind of operator, and computes on what it names."""
        return self.found is not None and not self.found.left and not is_software(self.found.accelerator)

    @property
    def finding(self) -> str:
        """What was found, as text."""
        if self.found is None:
            return self.why.partition("; ")[0]
        took = f"takes {self.found.nodes_taken} of {self.found.nodes_total} operators"
        left = f", not {', '.join(self.found.left)}" if self.found.left else ""
        how = self.found.arithmetic or "a precision that its library chooses"
        return f"{self.found.accelerator or 'CPU'}: {took}{left}, computes in {how}"

    @property
    def remedy(self) -> str:
        """What to type or to install."""
        if self.found is None:
            return self.why.partition("; ")[2] or self.delegate.install(self.runtime)
        terms = " --partial" if self.found.left else ""
        terms += " --software" if is_software(self.found.accelerator) else ""
        runtime = "" if self.runtime in ("litert", "benchmark_model") else f" --runtime {self.runtime}"
        return f"edgenas profile SPACE{runtime} --delegate {self.delegate}{terms}"


def probe_delegates(entry: Entry, device: Device) -> Iterator[ProbedDelegate]:
    """Probe the delegates that the runtimes of a device have; DeviceError where the device fails.

    Not probed are providers that its onnxruntime lacks, and vendors whose libraries the inventory does not name.
    """
    for runtime, delegate in _candidates(entry, device) if entry.python else _of_a_phone(entry):
        program = ""
        try:
            worker = open_worker(entry, runtime, str(delegate))
            program = worker.program
            terms = Plan(requested=str(delegate), partial=True, software=True)
            used = delegated(RUNTIMES[runtime], terms, worker.libraries)
            alone = delegated(RUNTIMES[runtime], replace(terms, partial=False), worker.libraries)
            if isinstance(used, PythonRunner) and used.delegate is not None:
                alone = replace(used, delegate={**used.delegate, "partial": False})
            describe(device, alone, worker.program)  # a model of one operator, without the CPU
            yield ProbedDelegate(runtime, delegate, describe(device, used, worker.program))
        except (InputError, OutcomeError) as error:
            why = printable(str(error), 600).removeprefix(f"{device.name}, {program}: ")
            yield ProbedDelegate(runtime, delegate, None, why)


def _of_a_phone(entry: Entry) -> Iterator[tuple[str, Delegate]]:
    """Yield (runtime, delegate) of what a phone may have for its benchmark_model: NPUs of vendors and external
    delegates only where the inventory names their libraries."""
    if "benchmark_model" not in entry.tools:
        return
    yield from (("benchmark_model", Delegate(name)) for name in ("gpu", "nnapi", "hexagon"))
    yield from (("benchmark_model", Delegate(name)) for name in _VENDORS if name in entry.libraries)
    yield from (("benchmark_model", Delegate("external", name)) for name in entry.external)


def _candidates(entry: Entry, device: Device) -> Iterator[tuple[str, Delegate]]:
    """Yield (runtime, delegate) of what may be there."""
    providers: dict[str, list[str]] = {}
    for runtime in ("litert", "onnxruntime"):
        for name, kind in KINDS.items():
            whats = [what for what in kind.whats.get(runtime, ()) if what not in ("*", "fp32")]
            if name in _VENDORS and name not in entry.libraries:
                continue
            python = entry.pythons.get(name, entry.python)
            if runtime == "onnxruntime":
                if python not in providers:
                    providers[python] = _providers(device, python)
                if kind.provider not in providers[python]:
                    continue
            yield from ((runtime, Delegate(name, what)) for what in whats)


def _providers(device: Device, python: str) -> list[str]:
    """Return the providers of the onnxruntime of a Python; none where it has no onnxruntime."""
    done = device.run([python, "-c", _PROVIDERS], timeout_s=_CALL_S)
    if done.returncode != 0:
        return []
    try:
        found = json.loads(done.stdout.strip().rpartition("\n")[2])
    except ValueError as error:
        raise DeviceError(f"{device.name}: {python} gave an answer that makes no sense: {error}") from error
    return [str(each) for each in found] if isinstance(found, list) else []
