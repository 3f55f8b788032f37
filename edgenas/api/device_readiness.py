"""Checks of a device before it is measured: one row for each condition, with the remedy where it is not met."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from edgenas.api.device_rows import DeviceRow, condition_rows, delegate_rows, tool_rows
from edgenas.api.inventory import next_command, opened
from edgenas.base.errors import DeviceError, InputError, LostError, OutcomeError
from edgenas.base.text import printable
from edgenas.devices import prepare
from edgenas.devices.base import Device
from edgenas.devices.inventory import Entry
from edgenas.devices.sections import TOOLS
from edgenas.devices.session import lock, readiness
from edgenas.devices.session.readiness import DeviceReading, Limits
from edgenas.devices.transports.remote_device import RemoteDevice
from edgenas.devices.transports.ssh import known_hosts
from edgenas.devices.transports.ssh.known_hosts import HostKeyError
from edgenas.profiler.measure import describe
from edgenas.profiler.runtimes import RUNTIMES

_CONNECT_S = 30.0


def check_device(entry: Entry, inventory: Path | None, delegates: bool = False) -> list[DeviceRow]:
    """Return the rows of a device, with ``delegates`` also those of its delegates; where the connection is lost during
    the check, a row says so."""
    rows: list[DeviceRow] = []
    try:
        with opened(entry) as device:
            device.run(["true"], timeout_s=_CONNECT_S)
            rows += _known(entry)
            for row in _rows(entry, device, inventory):
                rows.append(row)
            if delegates:
                for row in delegate_rows(entry, device):
                    rows.append(row)
    except HostKeyError as error:
        rows.append(_refused("host key", entry, error, inventory))
    except LostError as error:
        rows = [_refused("reachable", entry, error, inventory), *(row for row in rows if row.what != "reachable")]
    except DeviceError as error:
        rows.append(_refused("answers" if rows else "reachable", entry, error, inventory))
    return rows


def _refused(what: str, entry: Entry, error: Exception, inventory: Path | None) -> DeviceRow:
    """Return the row of an error, whose text is: the reason, '; ', the remedy."""
    reason, _, remedy = printable(str(error), 600).removeprefix(f"{entry.name}: ").partition("; ")
    command = "type: edgenas devices enroll"
    if remedy.endswith(command):
        remedy = remedy.removesuffix(command) + f"type: {next_command(inventory, 'enroll', entry.name)}"
    return DeviceRow(what, "refuse", reason, remedy)


def _known(entry: Entry) -> Iterator[DeviceRow]:
    if entry.target is None:
        address = (entry.phone.serial or "the only phone that adb sees") if entry.phone else "this machine"
        yield DeviceRow("reachable", "ok", address)
        return
    yield DeviceRow("reachable", "ok", str(entry.target))
    keys = known_hosts.load(entry.target.known_hosts).get(entry.target.entry, ())
    yield DeviceRow("host key", "ok", ", ".join(key.fingerprint for key in keys))


def _rows(entry: Entry, device: Device, inventory: Path | None) -> Iterator[DeviceRow]:
    about = device.about() if isinstance(device, RemoteDevice) else None
    reading = readiness.read(device, about.path if about else tempfile.gettempdir())
    yield _identity(entry, reading, about.serial if about else "")
    if entry.python:
        yield from _runtimes(entry, device, inventory)
    yield from condition_rows(reading, Limits())
    yield _lock(device)
    if entry.phone is not None:
        yield from tool_rows(entry)


def _identity(entry: Entry, reading: DeviceReading, serial: str) -> DeviceRow:
    parts = [str(reading.identity[key]) for key in ("model", "soc", "cpu") if key in reading.identity]
    identity = ", ".join(parts[:2]) + (f", serial number {printable(serial)}" if serial else "")
    if not parts:
        return DeviceRow("identity", "mark", "it reports no model", "its tables look like those of any other device")
    if entry.phone is not None and ":" in entry.phone.serial and serial and not entry.phone.hardware_serial:
        remedy = f'an address can pass to another phone; write hardware_serial = "{printable(serial)}"'
        return DeviceRow("identity", "mark", identity, remedy)
    return DeviceRow("identity", "ok", identity)


def _runtimes(entry: Entry, device: Device, inventory: Path | None) -> Iterator[DeviceRow]:
    """Yield a row for Python and for each runtime; a missing runtime is refused only where there is no other."""
    try:
        board = prepare.read_board(device, entry.python)
    except DeviceError as error:
        yield _refused("python", entry, error, inventory)
        return
    glibc = f", glibc {board.glibc[0]}.{board.glibc[1]}" if board.glibc else ""
    yield DeviceRow("python", "ok", f"{entry.python}: {board.python[0]}.{board.python[1]}, {board.machine}{glibc}")
    found: dict[str, str] = {}
    missing: dict[str, str] = {}
    for name in (name for name in RUNTIMES if name not in TOOLS):
        try:
            installed = describe(device, RUNTIMES[name], entry.python).installed
            found[name] = f"{installed.package} {installed.version}"
        except (InputError, OutcomeError) as error:
            missing[name] = printable(str(error), 300).partition("; ")[0]
    for name, version in found.items():
        yield DeviceRow(name, "ok", version)
    for name, why in missing.items():
        options = "".join(f" --runtime {runtime}" for runtime in (*found, name))
        prepared = f"{next_command(inventory, 'prepare', entry.name)}{options} --write"
        remedy = RUNTIMES[name].install if entry.kind == "local" else prepared
        yield DeviceRow(name, "mark" if found else "refuse", why, remedy)


def _lock(device: Device) -> DeviceRow:
    try:
        with lock.locked(device):
            return DeviceRow("lock", "ok", "free")
    except lock.LockedError as error:
        reason, _, remedy = printable(str(error), 400).removeprefix(f"{device.name} ").partition("; ")
        return DeviceRow("lock", "wait", reason, remedy)
