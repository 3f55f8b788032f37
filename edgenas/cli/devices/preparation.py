"""Preparation of a device: a board gets a runtime, checked against this machine's, a phone gets its tools."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.listener import Listener
from edgenas.base.naming import there_are
from edgenas.base.text import printable
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import network_random_weights
from edgenas.devices import prepare
from edgenas.devices.base import Device
from edgenas.devices.inventory import Entry
from edgenas.devices.prepare import Wheels
from edgenas.devices.tools import place
from edgenas.devices.transports.local import LocalDevice
from edgenas.profiler.delegation import delegated
from edgenas.profiler.export import WRITERS
from edgenas.profiler.measure import describe
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes import RUNTIMES
from edgenas.profiler.runtimes.delegates import parse_delegate

#: block with every kind of operator: full and depthwise convolutions, squeeze-and-excitation, hard-swish, an addition
_SELF_TEST = BlockSpec.parse("ir-14x8-m16-o8-k3-s1-se8-hswish-res")
_INSTALLABLE = ("litert", "onnxruntime")
_FOR_DELEGATES = ("litert", "openvino", "cuda")
_DOWNLOAD_S = 1800


def prepare_board(
    entry: Entry, device: Device, runtimes: Sequence[str], wheels: Path | None, listener: Listener
) -> str:
    """Install the runtimes in one environment of a board, test them, and return the path of the Python to use.

    InputError, DeviceError; OutcomeError where the board computes other values than this machine.
    """
    if unknown := [name for name in runtimes if name not in _INSTALLABLE]:
        raise InputError(f"--runtime {unknown[0][:80]!r} cannot be installed; {there_are(unknown[0], _INSTALLABLE)}")
    board = prepare.read_board(device, _base_python(entry))
    chosen = [prepare.choose(board, name) for name in runtimes]
    wanted = replace(
        chosen[0],
        runtime="+".join(sorted(runtimes)),
        requirements=tuple(dict.fromkeys(r for each in chosen for r in each.requirements)),
        indexes=tuple(dict.fromkeys(i for each in chosen for i in each.indexes)),
    )
    listener.message(
        f"{entry.name}: Python {board.python[0]}.{board.python[1]} on {board.machine}: {', '.join(wanted.requirements)}"
    )
    folder = wheels if wheels is not None else _download(wanted, listener)
    listener.message(
        f"{entry.name}: carrying {sum(1 for _ in folder.glob('*.whl'))} wheels to the board and installing them"
    )
    python = prepare.install(device, board, wanted, folder)
    for name in runtimes:
        listener.message(f"{entry.name}: self-test of {name}")
        _try(device, python, name)
    return python


def prepare_delegate(entry: Entry, device: Device, text: str, wheels: Path | None, listener: Listener) -> str:
    """Install what a delegate needs in an environment of its own on a board, run a small model on the delegate, and
    return the path of the Python to use.

    A GPU needs LiteRT alone, and the Vulkan driver of the board. InputError, DeviceError; OutcomeError where the
    delegate does not compute there.
    """
    name = text.partition(":")[0]
    package = "litert" if name == "gpu" else "cuda" if name == "tensorrt" else name
    if package not in _FOR_DELEGATES:
        raise InputError(
            f"--delegate {text[:80]!r} cannot be installed; {there_are(name, ('gpu', *_FOR_DELEGATES[1:]))}"
        )
    runtime = "litert" if name in ("gpu", "openvino") else "onnxruntime"
    delegate = parse_delegate(text, runtime)
    board = prepare.read_board(device, _base_python(entry))
    wanted = prepare.choose(board, package)
    folder = wheels if wheels is not None else _download(wanted, listener)
    listener.message(f"{entry.name}: carrying {', '.join(wanted.requirements)} to the board and installing them")
    python = prepare.install(device, board, wanted, folder)
    listener.message(f"{entry.name}: a small model on {delegate}")
    plan = Plan(requested=text, partial=True)
    found = describe(device, delegated(RUNTIMES[runtime], plan), python)
    listener.message(
        f"{entry.name}: {delegate} computes on {found.accelerator or 'the CPU'} in {found.arithmetic}, "
        f"{found.nodes_taken} of {found.nodes_total} kinds of operators"
    )
    return python


def prepare_phone(entry: Entry, device: Device, listener: Listener) -> dict[str, str]:
    """Copy the tools of a phone to it and verify them; return tool -> its path on the phone."""
    if not entry.tools:
        raise InputError(
            f"no tool is named for {entry.name}: write benchmark_model = PATH and benchmark_model_sha256 below "
            f"[devices.{entry.name}]"
        )
    placed = {}
    for name, tool in entry.tools.items():
        listener.message(f"{entry.name}: {name} from {tool.path}")
        placed[name] = place(device, tool)
    return placed


def _base_python(entry: Entry) -> str:
    """Return the Python to install for, never that of an earlier preparation, which may be gone."""
    return "python3" if "/.edgenas/" in entry.python else entry.python


def _download(wheels: Wheels, listener: Listener) -> Path:
    """Return the folder of the wheels, downloaded by pip unless it is cached."""
    key = repr((wheels.requirements, wheels.platforms, wheels.python, wheels.indexes))
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgenas" / "wheels"
    folder = cache / f"{wheels.runtime}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".incoming-", dir=cache))
    command = prepare.download_command(wheels, staging / "wheels")
    try:
        listener.message(f"downloading {', '.join(wheels.requirements)} and their requirements with pip")
        try:
            done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", timeout=_DOWNLOAD_S)
            why = "" if done.returncode == 0 else printable(done.stderr.strip()[-400:], 400)
        except subprocess.TimeoutExpired:
            why = f"the download took longer than {_DOWNLOAD_S} s"
        if why or done.returncode != 0:
            again = shlex.join(prepare.download_command(wheels, Path("wheels")))
            raise OutcomeError(
                f"pip could not fetch {', '.join(wheels.requirements)}: {why}; on a machine with internet, type: "
                f"{again}; then copy that folder here and add: --wheels wheels"
            )
        if not folder.is_dir():  # another process may have made it meanwhile
            (staging / "wheels").rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return folder


def _try(device: Device, python: str, runtime: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        model.write_bytes(WRITERS[RUNTIMES[runtime].format]([_SELF_TEST], network_random_weights([_SELF_TEST])))
        here = prepare.outputs(LocalDevice(), sys.executable, runtime, model)
        there = prepare.outputs(device, python, runtime, model)
    if difference := prepare.differs(here, there):
        raise OutcomeError(
            f"{device.name} computes other values than this machine with {runtime}: {difference}; install its "
            "operating system's updates, or another version of the runtime"
        )
