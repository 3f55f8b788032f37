"""Installation of a runtime on a board without internet: wheels are downloaded on this machine and copied to the board.

    board  = read_board(device, "python3")            facts of the board's Python
    wheels = choose(board, "litert")                  pure
    run download_command(wheels, folder) here         pip
    python = install(device, board, wheels, folder)   path of a Python for the inventory
    differs(outputs(host, ...), outputs(device, ...))

The wheels are installed into a virtual environment; else with ``pip install --target``; else, on a board with neither
venv nor pip, by unpacking (a wheel is a zip file). Nothing outside the target folder is changed.
"""

from __future__ import annotations

import hashlib
import math
import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgenas.base.errors import DeviceError, DeviceInputError
from edgenas.base.json_text import parse_json
from edgenas.base.text import printable
from edgenas.devices.base import Device

_BOARD = """
import json, os, platform, struct, sys
def has(name):
    try: __import__(name); return True
    except Exception: return False  # a broken package may raise anything
print(json.dumps({"python": list(sys.version_info[:2]), "executable": sys.executable, "machine": platform.machine(),
    "bits": struct.calcsize("P") * 8, "libc": list(platform.libc_ver()), "home": os.path.expanduser("~"),
    "venv": has("venv") and has("ensurepip"), "pip": has("pip")}))
"""

_UNPACK = """
import pathlib, sys, zipfile
for wheel in sorted(pathlib.Path(sys.argv[1]).glob("*.whl")):
    with zipfile.ZipFile(wheel) as file:
        if any(".data/" in name for name in file.namelist()): sys.exit(f"{wheel.name} cannot just be unpacked")
        file.extractall(sys.argv[2])
"""

# Runs a model on inputs that are equal on every machine, and prints the outputs
_SELF_TEST = """
import json, os, sys
import numpy as np
kind, path = sys.argv[1:3]
os.environ["TMPDIR"] = os.path.dirname(path)  # what runtimes leave there goes with it
def ramp(shape):
    n = int(np.prod(shape))
    return (((np.arange(n, dtype=np.int64) * 7919) % 251).astype(np.float32) / 250 - 0.5).reshape(shape)
if kind == "litert":
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        try: from tflite_runtime.interpreter import Interpreter
        except ImportError: raise error from None
    net = Interpreter(model_path=path, num_threads=1)
    net.allocate_tensors()
    for d in net.get_input_details(): net.set_tensor(d["index"], ramp(d["shape"]).astype(d["dtype"]))
    net.invoke()
    out = [net.get_tensor(d["index"]) for d in net.get_output_details()]
else:
    import onnxruntime
    net = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    out = net.run(None, {i.name: ramp(i.shape) for i in net.get_inputs()})
flat = np.concatenate([np.asarray(o, dtype=np.float64).ravel() for o in out])
print(json.dumps([float(x) for x in [flat.sum(), np.abs(flat).sum(), *flat[:256]]]))
"""


@dataclass(frozen=True, slots=True)
class Board:
    """Facts of a board that decide which wheels fit: version of Python and its word size in ``bits``, machine, version
    of ``glibc`` such as (2, 36), None for another C library; and whether Python has ``venv`` and ``pip``."""

    python: tuple[int, int]
    executable: str
    machine: str
    bits: int
    glibc: tuple[int, int] | None
    home: str
    venv: bool
    pip: bool


@dataclass(frozen=True, slots=True)
class Wheels:
    """Wheels to download: pip's requirements and platforms (best first), Python's version, further package indexes."""

    runtime: str
    requirements: tuple[str, ...]
    platforms: tuple[str, ...]
    python: tuple[int, int]
    indexes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Offer:
    """Existing wheels of one runtime and machine, for Python ``python`` to ``python_to`` and ``glibc`` or newer."""

    runtime: str
    machine: str
    python: tuple[int, int]
    python_to: tuple[int, int]
    glibc: tuple[int, int]
    requirements: tuple[str, ...]


#: LiteRT and ONNX Runtime with OpenVINO, in one environment; each has a copy of OpenVINO
OPENVINO = ("ai-edge-litert==2.3.0", "openvino==2026.3.1", "onnxruntime-openvino==1.24.1")
# Newest first. numpy is listed because the metadata of tflite-runtime 2.14 does not require numpy before 2.
_OFFERS = (
    _Offer("litert", "aarch64", (3, 10), (3, 14), (2, 34), ("ai-edge-litert==2.3.0",)),  # tagged 2.27, needs 2.34
    _Offer("litert", "aarch64", (3, 9), (3, 13), (2, 27), ("ai-edge-litert==2.1.0",)),
    _Offer("litert", "armv7l", (3, 9), (3, 11), (2, 34), ("tflite-runtime==2.14.0", "numpy<2")),
    _Offer("litert", "armv7l", (3, 9), (3, 9), (2, 31), ("tflite-runtime==2.13.0", "numpy<2")),
    _Offer("litert", "x86_64", (3, 10), (3, 13), (2, 34), ("ai-edge-litert==2.3.0",)),
    _Offer("onnxruntime", "aarch64", (3, 11), (3, 14), (2, 28), ("onnxruntime==1.31.1",)),
    _Offer("onnxruntime", "aarch64", (3, 9), (3, 12), (2, 27), ("onnxruntime==1.19.2",)),
    _Offer("onnxruntime", "x86_64", (3, 11), (3, 13), (2, 28), ("onnxruntime==1.31.1",)),
    _Offer("openvino", "x86_64", (3, 11), (3, 13), (2, 34), OPENVINO),
    _Offer("cuda", "x86_64", (3, 11), (3, 13), (2, 28), ("onnxruntime-gpu==1.31.1",)),
)
#: the only index with 32-bit wheels of numpy
_PIWHEELS = "https://www.piwheels.org/simple"


def read_board(device: Device, python: str = "python3", *, timeout_s: float = 60.0) -> Board:
    """Read the facts of a board with its Python; DeviceError where ``python`` does not run there."""
    result = device.run([python, "-c", _BOARD], timeout_s=timeout_s)
    if result.returncode != 0:
        why = printable(result.stderr[-400:]) or f"exit code {result.returncode}"
        raise DeviceError(f"{device.name}: {python} does not run there: {why}; install Python 3.9 or newer on it")
    try:
        return parse_board(result.stdout)
    except ValueError as error:
        raise DeviceError(f"{device.name}: {python} gave an answer that makes no sense: {error}") from error


def parse_board(text: str) -> Board:
    """Read the output of the script of ``read_board``; ValueError for any other text."""
    data = parse_json(text[:10_000])
    try:
        libc, version = data["libc"]
        digits = re.match(r"(\d{1,3})\.(\d{1,3})", version)
        board = Board(
            python=_pair(data["python"]),
            executable=str(data["executable"]),
            machine=str(data["machine"]),
            bits=int(data["bits"]),
            glibc=(int(digits[1]), int(digits[2])) if libc == "glibc" and digits else None,
            home=str(data["home"]),
            venv=data["venv"] is True,
            pip=data["pip"] is True,
        )
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"{text[:200]!r}") from error
    if not all(re.fullmatch(r"/[A-Za-z0-9._/+@-]{1,400}", path) for path in (board.executable, board.home)):
        raise ValueError(f"{board.executable!r} or {board.home!r} is not a path")
    return board


def choose(board: Board, runtime: str) -> Wheels:
    """Return the newest wheels of ``runtime`` ('litert', 'onnxruntime'; of delegates 'openvino', 'cuda') for a board;
    DeviceInputError names what it has and what is needed. A 64-bit kernel may run a 32-bit Python."""
    narrow = {"aarch64": "armv7l", "x86_64": "i686"} if board.bits == 32 else {}
    machine = narrow.get(board.machine, board.machine)
    offers = [o for o in _OFFERS if o.runtime == runtime and o.machine == machine]
    have = f"Python {_dotted(board.python)}, {machine}, glibc {_dotted(board.glibc) if board.glibc else 'none'}"
    if not offers:
        raise DeviceInputError(
            f"no wheels of {runtime} are known for {machine} (it has {have}); build it yourself there"
        )
    for offer in offers:
        if board.glibc and board.glibc >= offer.glibc and offer.python <= board.python <= offer.python_to:
            return Wheels(
                runtime,
                offer.requirements,
                platforms=_platforms(machine, board.glibc),
                python=board.python,
                indexes=(_PIWHEELS,) if machine == "armv7l" else (),
            )
    needs = "; or ".join(
        f"Python {_dotted(o.python)} to {_dotted(o.python_to)} with glibc {_dotted(o.glibc)}" for o in offers
    )
    raise DeviceInputError(f"no wheel of {runtime} runs there: it has {have}; needed is {needs} or newer")


def download_command(wheels: Wheels, folder: Path, *, python: str = sys.executable) -> list[str]:
    """Return pip's command line to download the wheels and their dependencies into ``folder`` on this machine."""
    return [
        *(python, "-m", "pip", "download", "--only-binary=:all:", "--implementation", "cp"),
        *("--python-version", _dotted(wheels.python), "--dest", str(folder)),
        *(part for platform in wheels.platforms for part in ("--platform", platform)),
        *(part for index in wheels.indexes for part in ("--extra-index-url", index)),
        *("--", *wheels.requirements),
    ]


def install(
    device: Device, board: Board, wheels: Wheels, folder: Path, *, target: str | None = None, timeout_s: float = 900.0
) -> str:
    """Copy the wheel files in ``folder`` to the board, install them, and return the path of the Python to use there.

    ``target`` defaults to ``~/.edgenas/RUNTIME-HASH``; where it is complete already nothing is done. DeviceError.
    """
    names = sorted(path.name for path in folder.glob("*.whl"))
    if not names:
        raise DeviceInputError(
            f"{folder} holds no wheels; fetch them first: {shlex.join(download_command(wheels, folder))}"
        )
    digest = hashlib.sha256("\n".join((*names, _dotted(board.python))).encode()).hexdigest()[:12]
    there = target or f"{board.home}/.edgenas/{wheels.runtime}-{digest}"
    if not re.fullmatch(r"/[A-Za-z0-9._/+@-]{1,400}", there) or ".." in there.split("/"):
        raise DeviceInputError(f"{there!r} is not a folder to install into: give it absolute, without '..'")
    if device.run(["test", "-x", f"{there}/python"], timeout_s=30.0).returncode == 0:
        return f"{there}/python"
    with device.workdir() as work:
        device.push(folder, f"{work}/wheels")
        script = _install_script(board, wheels)
        argv = ["sh", "-c", script, "edgenas", there, f"{work}/wheels", board.executable, _UNPACK]
        result = device.run(argv, timeout_s=timeout_s)
    if result.returncode != 0:
        why = printable(result.stderr[-600:], 400) or f"exit code {result.returncode}"
        raise DeviceError(f"{device.name}: {wheels.runtime} could not be installed in {there}: {why}")
    return f"{there}/python"


def outputs(device: Device, python: str, runtime: str, model: Path, *, timeout_s: float = 300.0) -> tuple[float, ...]:
    """Run the file ``model`` of this machine on the device, and return the sum, the absolute sum and the first 256
    values of its outputs. The inputs, float32 of fixed shape, are equal on every machine. Raises DeviceError.
    """
    with device.workdir() as work:
        device.push(model, f"{work}/model")
        result = device.run([python, "-c", _SELF_TEST, runtime, f"{work}/model"], timeout_s=timeout_s)
    try:
        if result.returncode != 0:
            raise ValueError(printable(result.stderr[-600:], 400) or f"exit code {result.returncode}")
        values: Any = parse_json(result.stdout[-100_000:].strip().rpartition("\n")[2])
        numbers = tuple(float(value) for value in values)
        if len(numbers) < 3 or not all(math.isfinite(value) for value in numbers):
            raise ValueError("its outputs are not finite numbers")
    except (ValueError, TypeError) as error:
        raise DeviceError(f"{device.name}: the self-test of {runtime} failed under {python}: {error}") from error
    return numbers


def differs(here: Sequence[float], there: Sequence[float], *, tolerance: float = 1e-4) -> str:
    """Return '' where the ``outputs`` of two machines agree within ``tolerance`` times the largest output, else a
    description of the difference."""
    if len(here) != len(there):
        return f"{len(there)} outputs where this machine has {len(here)}"
    scale = max((abs(value) for value in here[2:]), default=0.0) or 1.0
    worst = max(abs(a - b) for a, b in zip(here[2:], there[2:], strict=True)) if len(here) > 2 else 0.0
    if worst > tolerance * scale:
        return f"outputs differ by {worst:.3g} where the largest is {scale:.3g}"
    sums = max(abs(here[0] - there[0]), abs(here[1] - there[1])) if len(here) > 1 else 0.0
    return f"sums of the outputs differ by {sums:.3g}" if sums > tolerance * max(here[1], scale) else ""


def _install_script(board: Board, wheels: Wheels) -> str:
    """Return a script for sh: $1 target, $2 folder of wheels, $3 Python, $4 program that unpacks. The target appears
    complete or not at all."""
    wanted = shlex.join(wheels.requirements)
    pip = f'-m pip install --disable-pip-version-check --no-index --find-links "$2" -q {wanted}'
    ways = []
    if board.venv:  # moved afterwards: a virtual environment works at its new path when its own Python is called
        ways.append(f'"$3" -m venv "$n/env" && "$n/env/bin/python" {pip} && use="exec \\"$1/env/bin/python\\""')
    path = 'use="PYTHONPATH=\\"$1/site\\" exec \\"$3\\""'
    if board.pip:
        ways.append(f'"$3" {pip} --target "$n/site" && {path}')
    ways.append(f'"$3" -c "$4" "$2" "$n/site" && {path}')
    tries = "\n".join(f'if [ -z "$use" ]; then rm -rf -- "$n"; mkdir "$n" && {way}; fi' for way in ways)
    return f"""umask 022; use=; n=$1.new
mkdir -p -- "$(dirname -- "$1")" || exit 1
{tries}
if [ -z "$use" ]; then rm -rf -- "$n"; exit 1; fi
printf '#!/bin/sh\\n%s "$@"\\n' "$use" >"$n/python" && chmod 755 "$n/python" && mv -- "$n" "$1" && [ -x "$1/python" ]
"""


def _platforms(machine: str, glibc: tuple[int, int]) -> tuple[str, ...]:
    """Return pip's names of the platforms that glibc can run, newest first (PEP 600); manylinux2014 is glibc 2.17."""
    names = [f"manylinux_{glibc[0]}_{minor}_{machine}" for minor in range(glibc[1], 16, -1)]
    return (*names, f"manylinux2014_{machine}", f"linux_{machine}")


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def _pair(value: Any) -> tuple[int, int]:
    first, second = value
    return int(first), int(second)
