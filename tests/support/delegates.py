"""Real delegates for tests: OpenVINO in an environment of its own, and a software GPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from edgenas.blocks.spec import BlockSpec
from edgenas.devices.session.session import Conditions
from edgenas.devices.transports.local import LocalDevice
from edgenas.profiler.campaign import Campaign, profile
from edgenas.profiler.export.quantize import table_writer
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes import RUNTIMES
from edgenas.profiler.runtimes.base import Runtime
from edgenas.profiler.stopping import StoppingRule
from tools import delegates

QUICK = {"rounds": 2, "samples": 3, "warmup_runs": 3, "warmup_ms": 1, "warmup_limit_ms": 50, "scheduler": "normal"}


def openvino() -> str:
    """Return the Python that has OpenVINO; skip the test where there is none."""
    python = delegates.python()
    if python is None:
        pytest.skip(delegates.MISSING)
    return python


def use_software_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make SwiftShader the only GPU; skip the test where it is not installed."""
    found = delegates.software_gpu()
    if found is None:
        pytest.skip(delegates.NO_SWIFTSHADER)
    for name, value in found.items():
        monkeypatch.setenv(name, value)


def measured(
    path: Path, runtime: str | Runtime, python: str, blocks: Sequence[str], delegate: str, **changes: object
) -> Campaign:
    """Return a short campaign on this machine with ``delegate``."""
    used = RUNTIMES[runtime] if isinstance(runtime, str) else runtime
    plan = replace(Plan(requested=delegate), **{**QUICK, **changes})  # type: ignore[arg-type]
    return profile(
        LocalDevice(),
        used,
        [BlockSpec.parse(text) for text in blocks],
        path,
        writer=table_writer(used.format, plan.precision),
        program=python,
        plan=plan,
        enough=StoppingRule(1, 1, 0.5, "median"),
        conditions=Conditions(force=True),
    )
