"""Two minutes without a cable, on an emulated board and an emulated phone: the batch is collected, not repeated."""

from __future__ import annotations

import functools
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from edgenas.blocks.spec import BlockSpec
from edgenas.devices.base import Device
from edgenas.devices.session.session import Conditions
from edgenas.devices.transports.adb import AdbDevice
from edgenas.devices.transports.adb_server import AdbServer
from edgenas.devices.transports.ssh.paramiko_link import SshDevice, make_target
from edgenas.latency_tables.store.journal import read_table
from edgenas.profiler.campaign import Campaign, profile
from edgenas.profiler.export import WRITERS
from edgenas.profiler.fleet import Sleep, run_fleet
from edgenas.profiler.plan import Plan
from edgenas.profiler.stopping import StoppingRule
from tests.support.waiting import during
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


def test_two_minutes_without_a_cable(pi: SshDevice, board: Board, pixel: Device, phone: Phone, tmp_path: Path) -> None:
    """Both at once. Each has one batch, which takes longer than the cable is out and is begun before it is pulled."""
    logs = {"pi": (pi, board, "/tmp/ran"), "pixel": (pixel, phone, "/data/local/tmp/ran")}

    def campaign(name: str, sleep: Sleep) -> Campaign:
        device, _, log = logs[name]
        return profile(
            device,
            Sleeping((AWAY_S + 10) / len(BLOCKS), log=log),
            BLOCKS,
            tmp_path / f"{name}.jsonl",
            writer=WRITERS["onnx"],
            program="sh",
            plan=Plan(),
            enough=StoppingRule.exactly(1),
            conditions=Conditions(sleep=sleep),
        )

    def pull(machine: Machine) -> None:
        machine.unplug()
        time.sleep(AWAY_S)
        machine.plug()

    with ExitStack() as stack:
        for _, machine, log in logs.values():
            pulling = functools.partial(pull, machine)
            stack.enter_context(during(machine.path(log).exists, pulling, timeout_s=400))
        outcomes = run_fleet({name: functools.partial(campaign, name) for name in logs})
    for name, (device, _, log) in logs.items():
        outcome = outcomes[name]
        assert isinstance(outcome, Campaign), outcome
        assert len(read_table(tmp_path / f"{name}.jsonl").measurements) == outcome.measured == len(BLOCKS)
        ran = Counter(device.run(["cat", log], timeout_s=30).stdout.splitlines())
        assert ran == Counter(f"{event} 0 {block}" for block in BLOCKS for event in ("begun", "ended")), "each ran once"
