"""Wheels for a board: which ones, how they are fetched, carried and installed, and that the board computes the same."""

from __future__ import annotations

import base64
import importlib.util
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgenas.base.errors import DeviceError, DeviceInputError
from edgenas.devices.prepare import (
    Board,
    Wheels,
    choose,
    differs,
    download_command,
    install,
    outputs,
    parse_board,
    read_board,
)
from edgenas.devices.transports.local import LocalDevice

BOOKWORM = Board((3, 11), "/usr/bin/python3.11", "aarch64", 64, (2, 36), "/home/pi", True, True)
BULLSEYE = replace(BOOKWORM, python=(3, 9), glibc=(2, 31))
TRIXIE = replace(BOOKWORM, python=(3, 13), glibc=(2, 41))
ARMV7 = replace(BOOKWORM, machine="armv7l", bits=32)
HERE = LocalDevice()


@pytest.mark.parametrize(
    ("board", "runtime", "requirements"),
    [
        (BOOKWORM, "litert", ("ai-edge-litert==2.3.0",)),
        (TRIXIE, "litert", ("ai-edge-litert==2.3.0",)),
        (BULLSEYE, "litert", ("ai-edge-litert==2.1.0",)),
        (BOOKWORM, "onnxruntime", ("onnxruntime==1.31.1",)),
        (BULLSEYE, "onnxruntime", ("onnxruntime==1.19.2",)),
        (ARMV7, "litert", ("tflite-runtime==2.14.0", "numpy<2")),
        (replace(BOOKWORM, bits=32), "litert", ("tflite-runtime==2.14.0", "numpy<2")),  # kernel of 64, user of 32 bits
        (replace(BULLSEYE, machine="armv7l", bits=32), "litert", ("tflite-runtime==2.13.0", "numpy<2")),
    ],
)
def test_which_wheels(board: Board, runtime: str, requirements: tuple[str, ...]) -> None:
    wheels = choose(board, runtime)
    assert wheels.requirements == requirements
    machine = "armv7l" if board.bits == 32 else "aarch64"
    assert board.glibc is not None
    assert wheels.platforms[0] == f"manylinux_2_{board.glibc[1]}_{machine}"
    assert all(int(m[1]) <= board.glibc[1] for p in wheels.platforms if (m := re.match(r"manylinux_2_(\d+)_", p)))


@pytest.mark.parametrize(
    ("board", "runtime", "why"),
    [
        (ARMV7, "onnxruntime", "no wheels of onnxruntime are known for armv7l"),
        (replace(BOOKWORM, machine="riscv64"), "litert", "riscv64"),
        (replace(BOOKWORM, glibc=None), "litert", "glibc none"),
        (replace(BOOKWORM, python=(3, 8)), "litert", "Python 3.8"),
        (replace(BOOKWORM, glibc=(2, 17)), "onnxruntime", "needed is"),
    ],
)
def test_no_wheel_says_what_stands_in_the_way(board: Board, runtime: str, why: str) -> None:
    with pytest.raises(DeviceInputError, match=why):
        choose(board, runtime)


@given(st.tuples(st.just(3), st.integers(6, 15)), st.integers(17, 45), st.sampled_from(["litert", "onnxruntime"]))
def test_a_wheel_is_never_newer_than_the_board(python: tuple[int, int], minor: int, runtime: str) -> None:
    board = replace(BOOKWORM, python=python, glibc=(2, minor))
    try:
        wheels = choose(board, runtime)
    except DeviceInputError:
        return
    assert wheels.python == python
    assert minor >= 34 or wheels.requirements != ("ai-edge-litert==2.3.0",)


def test_packages_of_delegates_have_an_environment_of_their_own() -> None:
    desktop = replace(TRIXIE, machine="x86_64", python=(3, 12))
    packages = choose(desktop, "openvino").requirements
    assert packages == ("ai-edge-litert==2.3.0", "openvino==2026.3.1", "onnxruntime-openvino==1.24.1")
    assert choose(desktop, "cuda").requirements == ("onnxruntime-gpu==1.31.1",)
    with pytest.raises(DeviceInputError, match="no wheels of openvino are known for aarch64"):
        choose(TRIXIE, "openvino")


def test_download_command() -> None:
    command = download_command(choose(BULLSEYE, "litert"), Path("/tmp/w"), python="py")
    assert command[:5] == ["py", "-m", "pip", "download", "--only-binary=:all:"]
    assert command[-2:] == ["--", "ai-edge-litert==2.1.0"]
    assert "manylinux2014_aarch64" in command and "manylinux_2_34_aarch64" not in command
    assert command[command.index("--python-version") + 1] == "3.9"
    assert "https://www.piwheels.org/simple" in download_command(choose(ARMV7, "litert"), Path("/tmp/w"))


def test_what_this_machine_has() -> None:
    board = read_board(HERE, sys.executable)
    assert board.python == sys.version_info[:2]
    assert board.glibc is None or board.glibc > (2, 17)
    with pytest.raises(DeviceError, match="does not run there"):
        read_board(HERE, "/no/python")
    with pytest.raises(DeviceError, match="makes no sense"):
        read_board(HERE, "echo")


@given(st.text() | st.dictionaries(st.text(), st.integers()).map(str))
def test_any_answer(text: str) -> None:
    with pytest.raises(ValueError):
        parse_board(text)


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A folder with one small wheel."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / "edgenas_probe-1.0-py3-none-any.whl", "w") as file:
        info = "edgenas_probe-1.0.dist-info"
        file.writestr("edgenas_probe.py", "VALUE = 42\n")
        file.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: edgenas-probe\nVersion: 1.0\n")
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", f"edgenas_probe.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return folder


PROBE = Wheels("probe", ("edgenas-probe==1.0",), (), (3, 11))


@pytest.mark.parametrize("way", [pytest.param("venv", marks=pytest.mark.slow), "pip", "unpacked"])
def test_install_each_way(tmp_path: Path, wheels: Path, way: str) -> None:
    board = replace(read_board(HERE, sys.executable), venv=way == "venv", pip=way != "unpacked", home=str(tmp_path))
    python = install(HERE, board, PROBE, wheels)
    assert python.startswith(f"{tmp_path}/.edgenas/probe-")
    run = subprocess.run([python, "-c", "import edgenas_probe as p; print(p.VALUE)"], capture_output=True, text=True)
    assert run.stdout == "42\n", run.stderr
    assert Path(python).parent.joinpath("env" if way == "venv" else "site").is_dir()
    before = Path(python).stat().st_mtime_ns
    assert install(HERE, board, PROBE, wheels) == python  # there already
    assert Path(python).stat().st_mtime_ns == before
    assert not list(Path(python).parent.parent.glob("*.new"))


@pytest.mark.slow
def test_venv_that_fails_falls_back(tmp_path: Path, wheels: Path) -> None:
    """Debian's Python may have the module venv and yet not make one."""
    broken = tmp_path / "python"
    broken.write_text(f'#!/bin/sh\n[ "$2" = venv ] && exit 1\nexec {sys.executable} "$@"\n')
    broken.chmod(0o755)
    board = replace(read_board(HERE, str(broken)), executable=str(broken), venv=True, pip=True)
    python = install(HERE, board, PROBE, wheels, target=str(tmp_path / "there"))
    assert python == str(tmp_path / "there" / "python")
    assert (tmp_path / "there" / "site").is_dir()


def test_install_refuses(tmp_path: Path, wheels: Path) -> None:
    board = replace(read_board(HERE, sys.executable), venv=False, pip=True)
    (tmp_path / "none").mkdir()
    with pytest.raises(DeviceInputError, match="holds no wheels"):
        install(HERE, board, PROBE, tmp_path / "none")
    for target in ("relative", "/a/../b", "/it's", "/x;id"):
        with pytest.raises(DeviceInputError, match="not a folder"):
            install(HERE, board, PROBE, wheels, target=target)
    (wheels / "edgenas_probe-1.0-py3-none-any.whl").write_bytes(b"no zip")
    with pytest.raises(DeviceError, match="could not be installed"):
        install(HERE, board, PROBE, wheels, target=str(tmp_path / "there"))
    assert not (tmp_path / "there").exists() and not (tmp_path / "there.new").exists()


def test_differs() -> None:
    assert differs((3.0, 3.0, 1.0, 2.0), (3.0, 3.0, 1.0, 2.0 + 1e-5)) == ""
    assert "differ by" in differs((3.0, 3.0, 1.0, 2.0), (3.0, 3.0, 1.0, 2.01))
    assert "sums" in differs((3.0, 3.0, 1.0, 2.0), (3.1, 3.1, 1.0, 2.0))
    assert "outputs where" in differs((3.0, 3.0, 1.0, 2.0), (3.0, 3.0, 1.0))


@pytest.mark.skipif(importlib.util.find_spec("ai_edge_litert") is None, reason="ai-edge-litert is not installed")
def test_self_test(tmp_path: Path) -> None:
    from tests.support.probe import PROBE as MODEL

    model = tmp_path / "model.tflite"
    model.write_bytes(MODEL)
    found = outputs(HERE, sys.executable, "litert", model)
    ramp = [((i * 7919) % 251) / 250 - 0.5 for i in range(8)]
    expected = [x * min(max(x + 3, 0), 6) / 6 for x in ramp]  # hard-swish, by hand
    assert differs((sum(expected), sum(map(abs, expected)), *expected), found) == ""
    model.write_bytes(base64.b64decode("AAAA"))
    with pytest.raises(DeviceError, match="self-test of litert failed"):
        outputs(HERE, sys.executable, "litert", model)
