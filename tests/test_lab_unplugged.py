"""Two minutes without a cable, on an emulated board and an emulated phone: the batch is collected, not repeated."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from blocks.spec import BlockSpec
from devices.adb import AdbDevice
from devices.adb_server import AdbServer
from devices.base import Device
from devices.ssh import SshDevice, make_target
from latency_tables.journal import read_table
from profiler.campaign import profile
from profiler.export import WRITERS
from profiler.plan import Plan
from tests.waiting import during
from tools.rig.adb import Adb
from tools.rig.board import Board
from tools.rig.machine import Machine
from tools.rig.phone import Phone
from tools.rig.sleeping import Sleeping

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
pytest_plugins = ["tools.rig.fixtures"]

AWAY_S = 125.0
BLOCKS = [BlockSpec.parse(f"conv-8x3-o{width}-k3-s1-relu6") for width in (4, 5, 6)]


@pytest.fixture
def pi(board: Board, tmp_path: Path) -> Iterator[SshDevice]:
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(board.server.known_hosts_line())
    target = make_target(board.ip, known_hosts, user="root", port=22, key=board.server.new_key("root"))
    device = SshDevice("pi", target)
    yield device
    device.close()


@pytest.fixture
def pixel(phone: Phone, adb: Adb) -> Device:
    return AdbDevice("pixel", phone.serial, server=AdbServer(port=adb.port, environment=adb.environment))


def unplugged_for_two_minutes(device: Device, machine: Machine, log: str, folder: Path) -> None:
    """One batch that takes longer than the cable is out, and is begun before it is pulled."""
    runtime = Sleeping(AWAY_S / 2, log=log)

    def pull() -> None:
        time.sleep(2)
        machine.unplug()
        time.sleep(AWAY_S)
        machine.plug()

    with during(machine.path(log).exists, pull, timeout_s=400):
        found = profile(
            device, runtime, BLOCKS, folder / "table.jsonl", writer=WRITERS["onnx"], program="sh", plan=Plan(),
            processes=1,
        )  # fmt: skip
    assert found.measured == len(BLOCKS)
    assert len(read_table(folder / "table.jsonl").measurements) == len(BLOCKS)
    ran = Counter(device.run(["cat", log], timeout_s=30).stdout.splitlines())
    assert ran == Counter(f"{event} 0 {block}" for block in BLOCKS for event in ("begun", "ended")), "each ran once"


def test_a_board(pi: SshDevice, board: Board, tmp_path: Path) -> None:
    unplugged_for_two_minutes(pi, board, "/tmp/ran", tmp_path)


def test_a_phone(pixel: Device, phone: Phone, tmp_path: Path) -> None:
    unplugged_for_two_minutes(pixel, phone, "/data/local/tmp/ran", tmp_path)
