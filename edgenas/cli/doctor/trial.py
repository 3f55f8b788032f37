"""Measurement of one small block on this machine, with the runner of campaigns, in a separate process.

python -m edgenas.cli.doctor.trial litert|onnxruntime      prints runtime, delegate and latency as one JSON object
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from edgenas.cli.doctor.loading import ended
from edgenas.cli.doctor.rows import DoctorRow

RUNTIMES = ("litert", "onnxruntime")
_LIMIT_S = 60.0
_INSTALL = {
    "litert": "pip install --force-reinstall ai-edge-litert",
    "onnxruntime": "pip install --force-reinstall onnxruntime",
}
#: every kind of operator: convolutions wide and depthwise, squeeze-and-excitation, hard-swish, an addition
_BLOCK = "ir-14x8-m16-o8-k3-s1-se8-hswish-res"


def row(runtime: str) -> tuple[DoctorRow, tuple[str, ...]]:
    """Return the row of a runtime on this machine, and the schedulers that it may use."""
    argv = [sys.executable, "-m", "edgenas.cli.doctor.trial", runtime]
    try:
        done = subprocess.run(argv, capture_output=True, encoding="utf-8", errors="replace", timeout=_LIMIT_S)
        lines = done.stderr.strip().splitlines()
        why = "" if done.returncode == 0 else (lines[-1] if lines else ended(done.returncode))[:400]
    except subprocess.TimeoutExpired:
        why = f"nothing was measured within {_LIMIT_S:g} s"
    if why:
        return DoctorRow(runtime, "broken", why.partition("; ")[0], f"type: {_INSTALL[runtime]}", needed=True), ()
    ran = json.loads(done.stdout)
    text = f"{ran['package']} {ran['version']} ({ran['delegate']}) ran a block in {ran['ms']:.3g} ms"
    return DoctorRow(runtime, "ok", text, needed=True), tuple(ran["schedulers"])


def tried(runtime: str) -> dict[str, Any]:
    """Export the block and measure it. Raises EdgenasError, DeviceError, and whatever a broken package raises."""
    from edgenas.base.errors import OutcomeError
    from edgenas.blocks.spec import BlockSpec
    from edgenas.blocks.weights import network_random_weights
    from edgenas.devices.transports.local import LocalDevice
    from edgenas.latency_tables.statistics.estimates import estimate, rounds_ms
    from edgenas.profiler.export import WRITERS
    from edgenas.profiler.measure import describe, measure_models
    from edgenas.profiler.plan import Plan
    from edgenas.profiler.runtimes import RUNTIMES as ALL

    device, how, block = LocalDevice(), ALL[runtime], BlockSpec.parse(_BLOCK)
    found = describe(device, how, sys.executable)
    plan = Plan(rounds=1, samples=3, warmup_runs=5, warmup_ms=0, cold_kib=0, scheduler="normal").on(found)
    models = {"block": WRITERS[how.format]([block], network_random_weights([block]))}
    batch = measure_models(device, how, models, plan, program=sys.executable)
    if batch.failures:
        raise OutcomeError(batch.failures[0].message)
    result = batch.results["block"]
    ms = estimate([rounds_ms(result.samples_ns, result.loops)], "min")
    return {
        "package": found.installed.package,
        "version": found.installed.version,
        "delegate": found.delegate,
        "schedulers": found.schedulers,
        "ms": ms,
    }


def _main() -> None:
    try:
        print(json.dumps(tried(sys.argv[1])))
    except Exception as error:  # a broken package may raise anything
        sys.exit(" ".join(f"{type(error).__name__}: {error}".split())[:400])


if __name__ == "__main__":
    _main()
