"""Connection to the device of a trial from any process, this one or another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgenas.devices.base import Device
from edgenas.devices.session.clock import CPU_ROOT
from edgenas.devices.transports.adb import AdbDevice
from edgenas.devices.transports.adb_server import AdbServer
from edgenas.devices.transports.fake import FakeChannel, FakeDevice, FakeLink
from edgenas.devices.transports.local import LocalDevice
from edgenas.devices.transports.ssh.paramiko_link import SshDevice, make_target


@dataclass(frozen=True, slots=True)
class Way:
    """Parameters of a connection to a device, which can be sent to another process."""

    transport: str
    name: str
    where: dict[str, Any]

    def open(self) -> Device:
        """Open a new connection to the device."""
        where = dict(self.where)
        if self.transport == "local":
            return LocalDevice(self.name, Path(where["base"]))
        if self.transport == "fake":
            return fake_device(self.name, Path(where["folder"]))
        if self.transport == "ssh":
            base = where.pop("base")
            return SshDevice(self.name, make_target("127.0.0.1", where.pop("known"), **where), base=base)
        server = AdbServer(port=where["port"], environment=where["environment"])
        return AdbDevice(self.name, where["serial"], server=server, base=where["base"])


class _Governed(FakeLink):
    """Link to a device with its own CPU governors."""

    root = ""

    def open(self, command: str) -> FakeChannel:
        return super().open(command.replace(CPU_ROOT, self.root))


def fake_device(name: str, folder: Path) -> FakeDevice:
    boot = folder / "boot_id"
    text = boot.read_bytes() if boot.exists() else b""
    device = FakeDevice(name, folder)
    device.link = _Governed(folder, name)
    device.link.root = str(folder / "cpu")
    if text:
        boot.write_bytes(text)  # a device does not start anew because somebody connects
    return device
