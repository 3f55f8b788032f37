"""What the emulated board and phone are, asked through their own shells."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgenas.devices.facts.facts import fingerprint, read_facts
from edgenas.devices.transports.adb import AdbDevice
from edgenas.devices.transports.adb_server import AdbServer
from edgenas.devices.transports.ssh.paramiko_link import SshDevice, make_target
from tools.rig.adb import Adb
from tools.rig.board import Board
from tools.rig.phone import Phone

pytestmark = pytest.mark.slow

pytest_plugins = ["tools.rig.fixtures"]


def test_a_phone(phone: Phone, adb: Adb) -> None:
    phone.set_battery(80, 31.0)
    phone.set_thermal(0)
    device = AdbDevice("pixel", phone.serial, server=AdbServer(port=adb.port, environment=adb.environment))
    facts = read_facts(device)
    assert (facts.model, facts.soc, facts.os) == ("Google Pixel 6", "Google Tensor (GS101)", "Android 14")
    assert (facts.cores, facts.clusters) == (8, "0-3@1803 4-5@2253 6-7@2802")
    assert (facts.battery_percent, facts.thermal_status, facts.throttled) == (80.0, 0, None)
    phone.set_battery(79, 33.0)
    phone.set_thermal(2)
    assert fingerprint(read_facts(device)) == fingerprint(facts)


def test_a_board(board: Board, tmp_path: Path) -> None:
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(board.server.known_hosts_line())
    target = make_target(board.ip, known_hosts, user="pi", port=22, key=board.server.new_key("pi"))
    device = SshDevice("pi4", target)
    board.set_throttled(0x50005)
    facts = read_facts(device)
    assert (facts.model, facts.soc) == ("Raspberry Pi 4 Model B Rev 1.4", "Broadcom BCM2711")
    assert (facts.throttled, facts.clusters, facts.cores) == (0x50005, "0-3@1500", 4)
    device.close()
