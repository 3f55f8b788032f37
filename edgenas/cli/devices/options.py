"""Which device, and of which inventory: what every verb that needs a device asks."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgenas.base.errors import InputError
from edgenas.cli.completions import INVENTORY, devices

if TYPE_CHECKING:
    from edgenas.devices.base import Device
    from edgenas.devices.inventory import Entry

device_option = click.option(
    "--device", default="local", show_default=True, shell_complete=devices, help="A device of the inventory."
)
inventory_option = click.option(
    "--inventory",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The inventory [default: devices.toml where the command runs, if there is one].",
)

range_option = click.option(
    "--reduce-range/--full-range",
    default=None,
    help="Weights of int8 ONNX files in 7 bits, or in 8  [default: 7 where sums of 8-bit products saturate on the "
    "device, as edgenas devices facts says].",
)


def load_entries(inventory: Path | None) -> dict[str, Entry]:
    """The devices there are, by name."""
    from edgenas.devices.inventory import load_inventory

    if inventory is None and INVENTORY.is_file():
        inventory = INVENTORY
    return load_inventory(inventory)


def load_entry(inventory: Path | None, name: str) -> Entry:
    """One device of the inventory."""
    from edgenas.devices.inventory import find

    return find(load_entries(inventory), name)


@contextmanager
def opened(entry: Entry) -> Iterator[Device]:
    """The device, its connection closed at the end."""
    from edgenas.devices.transports.remote_device import RemoteDevice

    device = entry.open()
    try:
        yield device
    finally:
        if isinstance(device, RemoteDevice):
            device.close()


def next_command(inventory: Path | None, verb: str, name: str) -> str:
    """What to type next about a device of the same inventory."""
    chosen = f" --inventory {shlex.quote(str(inventory))}" if inventory else ""
    return f"edgenas devices {verb} {name}{chosen}"


def sha256_of(path: Path) -> str:
    """Of a program on this machine; InputError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; name the program to use") from error
