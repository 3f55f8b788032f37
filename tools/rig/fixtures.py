"""Test hosts as pytest fixtures, for test modules with ``pytest_plugins = ["tools.rig.fixtures"]``.

``ssh_server``, ``adb`` and ``new_adbd`` need no root. ``board``, ``phone`` and what makes more of them run inside the
lab only and carry the mark ``rig``:

    tools/rig/lab.sh .venv/bin/python -m pytest -m rig

Elsewhere, and where something is not installed, a test skips with the reason and what to type. Every host ends with
its test; its log is printed then, so that pytest shows it beside a failure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tools.rig import available
from tools.rig.adb import Adb
from tools.rig.adb_services import Faults
from tools.rig.adbd import Adbd
from tools.rig.board import Board
from tools.rig.machine import Machine
from tools.rig.phone import Phone
from tools.rig.process import RigError
from tools.rig.sshd import SshServer


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "lab" in getattr(item, "fixturenames", ()):
            item.add_marker("rig")


def need(reason: str | None) -> None:
    """Skip the test where ``tools.rig.available`` gave a ``reason``; None continues."""
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def lab() -> None:
    """Skip the test outside the lab."""
    need(available.lab())


@pytest.fixture
def ssh_server(tmp_path: Path) -> Iterator[SshServer]:
    """Yield a real sshd on 127.0.0.1 for the account that runs the test."""
    need(available.sshd())
    with SshServer(tmp_path / "sshd") as server:
        yield server
        print(server.log())


@pytest.fixture
def adb(tmp_path: Path) -> Iterator[Adb]:
    """Yield a separate adb server for the test."""
    need(available.adb())
    with Adb(tmp_path / "adb") as server:
        yield server


@pytest.fixture
def new_adbd(tmp_path: Path) -> Iterator[Callable[..., Adbd]]:
    """Yield the function ``new_adbd(Faults(...))``, which returns a started adbd with faults."""
    with ExitStack() as stack:
        made: list[Adbd] = []

        def make(faults: Faults | None = None) -> Adbd:
            device = Adbd(tmp_path / f"adbd{len(made)}", faults)
            try:
                device.start()
            except RigError as error:
                pytest.skip(str(error))
            stack.callback(device.close)
            made.append(device)
            return device

        yield make


def _end(machine: Machine) -> None:
    print(f"--- {machine.name} at {machine.ip}\n{machine.log()[-4000:]}")
    machine.close()


@pytest.fixture
def new_board(lab: None) -> Iterator[Callable[..., Board]]:
    """Yield the function ``new_board(...)``, which returns a running board; its arguments are those of ``Board``."""
    need(available.board())
    with ExitStack() as stack:

        def make(*args: Any, **settings: Any) -> Board:
            board = Board(*args, **settings)
            stack.callback(_end, board)
            return board.power_on()

        yield make


@pytest.fixture
def board(new_board: Callable[..., Board]) -> Board:
    """An emulated Raspberry Pi 4."""
    return new_board()


@pytest.fixture
def new_phone(lab: None) -> Iterator[Callable[..., Phone]]:
    """Yield the function ``new_phone(...)``, which returns a running phone; its arguments are those of ``Phone``."""
    need(available.phone())
    with ExitStack() as stack:

        def make(*args: Any, **settings: Any) -> Phone:
            phone = Phone(*args, **settings)
            stack.callback(_end, phone)
            return phone.power_on()

        yield make


@pytest.fixture
def phone(new_phone: Callable[..., Phone]) -> Phone:
    """An emulated Pixel 6."""
    return new_phone()


@pytest.fixture(scope="session")
def benchmark_model() -> Path:
    """Return the path of an arm64 program that replaces TensorFlow Lite's benchmark_model."""
    need(available.benchmark_model())
    return available.BENCHMARK_MODEL
