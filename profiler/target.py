"""Target processors: the instruction set for 8-bit products, which decides the range and accuracy of int8 files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.base.errors import InputError
from edgenas.devices.facts import int8_products

if TYPE_CHECKING:
    from edgenas.devices.base import Device
    from edgenas.devices.inventory import Entry


@dataclass(frozen=True, slots=True)
class Target:
    """Name of a device, and its instruction sets for products of 8-bit numbers
    (``edgenas.devices.facts.int8_products``); None where they are not known."""

    device: str
    int8_isa: str | None

    @property
    def reduce_range(self) -> bool:
        """Return whether int8 ONNX files for it need weights of 7 bits: where sums of products saturate, or may."""
        return int8_products.exact(self.int8_isa) is not True

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"device": self.device, "int8_isa": self.int8_isa}

    def __str__(self) -> str:
        return f"{self.device} ({int8_products.named(self.int8_isa)})"


def target_on(device: Device) -> Target:
    """Return the target of a connected device. Raises DeviceError."""
    from edgenas.devices.facts.facts import read_facts

    return Target(device.name, read_facts(device).int8_isa)


def target_of(entry: Entry) -> Target:
    """Return the target of a device of the inventory; the connection is closed at the end. Raises DeviceError."""
    from edgenas.devices.transports.remote_device import RemoteDevice

    device = entry.open()
    try:
        return target_on(device)
    finally:
        if isinstance(device, RemoteDevice):
            device.close()


def target_of_table(path: Path) -> Target | None:
    """Return the device that a latency table was last measured on, from its records; None for a table that does not
    exist, that was imported, or that was measured by a version that did not record instruction sets."""
    from edgenas.latency_tables.store.journal import read_journal

    try:
        last = read_journal(path).table.measurements[-1].before
    except (InputError, IndexError):
        return None
    return Target(str(last["device"]), str(last["int8_isa"])) if {"device", "int8_isa"} <= last.keys() else None


@cache
def this_machine() -> Target:
    """Return the target of this machine. Raises DeviceError."""
    from edgenas.devices.transports.local import LocalDevice

    return target_on(LocalDevice())
