"""Devices of the inventory: their entries by name, and a device whose connection is closed at the end."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.reading import reading

if TYPE_CHECKING:
    from edgenas.api.shown import FilePath
    from edgenas.devices.base import Device
    from edgenas.devices.inventory import Entry

INVENTORY = Path("devices.toml")  #: the inventory of the working folder


def load_entries(inventory: FilePath | None) -> dict[str, Entry]:
    """Return the devices by name, from the file ``inventory``, else from devices.toml in the working folder.

    Without either file, there is only 'local', this machine.
    """
    from edgenas.devices.inventory import load_inventory

    if inventory is None and INVENTORY.is_file():
        inventory = INVENTORY
    return load_inventory(None if inventory is None else Path(inventory))


def load_entry(inventory: FilePath | None, name: str) -> Entry:
    """Return one device of the inventory; InputError, which lists the names, where there is none of that name."""
    from edgenas.devices.inventory import find

    return find(load_entries(inventory), name)


@contextmanager
def opened(entry: Entry) -> Iterator[Device]:
    """Yield the device; its connection is closed at the end."""
    from edgenas.devices.transports.remote_device import RemoteDevice

    device = entry.open()
    try:
        yield device
    finally:
        if isinstance(device, RemoteDevice):
            device.close()


def next_command(inventory: FilePath | None, verb: str, name: str) -> str:
    """Return the command to type next about a device of the same inventory."""
    chosen = f" --inventory {shlex.quote(str(inventory))}" if inventory else ""
    return f"edgenas devices {verb} {name}{chosen}"


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file on this machine; InputError where it cannot be read."""
    with reading(path, "program") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
