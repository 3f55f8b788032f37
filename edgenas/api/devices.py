"""``edgenas.devices``, ``edgenas.check_devices`` and ``edgenas.device_facts``: boards and phones of the inventory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from edgenas.api.inventory import load_entries, load_entry, opened
from edgenas.api.shown import FilePath, frame, html_table
from edgenas.base.counted import counted
from edgenas.base.errors import DeviceError, OutcomeError
from edgenas.base.listener import SILENT, Listener

if TYPE_CHECKING:
    import pandas as pd

    from edgenas.api.device_rows import DeviceRow
    from edgenas.devices.facts.facts import Facts
    from edgenas.devices.inventory import Entry

T = TypeVar("T")
_MOST_AT_ONCE = 32
_SHOWN = ("name", "kind", "model", "soc", "cores", "memory_mib", "governor", "temperature_c", "load_1min", "error")


@dataclass(frozen=True, repr=False)
class DeviceList:
    """Devices of the inventory.

    entries   name -> its entry in the inventory
    facts     name -> facts of the device, or the error where it does not answer
    """

    entries: dict[str, Entry]
    facts: dict[str, Facts | DeviceError]

    @property
    def silent(self) -> dict[str, str]:
        """Name of each device that does not answer -> the reason."""
        from edgenas.base.text import printable

        return {name: printable(str(a), 400) for name, a in self.facts.items() if isinstance(a, DeviceError)}

    def check(self) -> None:
        """Raise OutcomeError where a device does not answer."""
        silent = self.silent
        if silent:
            why = "; ".join(silent.values()) if len(silent) == 1 else f"type: edgenas devices check {' '.join(silent)}"
            raise OutcomeError(f"no answer from {len(silent)} of {counted(len(self.entries), 'device')}: {why}")

    def to_json(self) -> list[dict[str, Any]]:
        """Return what ``edgenas devices --json`` prints."""
        silent, rows = self.silent, []
        for name, answer in self.facts.items():
            entry = self.entries[name]
            row: dict[str, Any] = {"name": entry.name, "kind": entry.kind, "pool": entry.pool or None}
            row["error"] = silent.get(name)
            rows.append(row if isinstance(answer, DeviceError) else {**row, **answer.as_dict()})
        return rows

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame with a row for each device."""
        return frame(self.to_json())

    def __repr__(self) -> str:
        names = [f"{name} (no answer)" if name in self.silent else name for name in self.entries]
        return f"<{counted(len(self.entries), 'device')}: {', '.join(names)}>"

    def _repr_html_(self) -> str:
        return html_table(counted(len(self.entries), "device"), self.to_json(), _SHOWN)


def devices(*, inventory: FilePath | None = None, listener: Listener = SILENT) -> DeviceList:
    """List the devices of the inventory and what each is, as ``edgenas devices`` does.

    inventory   the inventory file (default: devices.toml in the working folder); it always has 'local', this machine

    ``check()`` of the result raises OutcomeError where a device does not answer.
    """
    entries = load_entries(inventory)
    return DeviceList(entries, ask_each(entries, _facts, "devices", listener))


@dataclass(frozen=True, repr=False)
class DeviceChecks:
    """Results of device checks: name -> a row for each condition that must be met before the device is measured."""

    rows: dict[str, list[DeviceRow]]

    @property
    def refused(self) -> list[str]:
        """Devices that cannot be measured now."""
        return [name for name, found in self.rows.items() if any(row.state == "refuse" for row in found)]

    def check(self) -> None:
        """Raise OutcomeError where a device cannot be measured now."""
        if self.refused:
            names = ", ".join(self.refused)
            raise OutcomeError(
                f"{len(self.refused)} of {counted(len(self.rows), 'device')} cannot be measured now: {names}"
            )

    def to_json(self) -> list[dict[str, Any]]:
        """Return what ``edgenas devices check --json`` prints."""
        return [{"device": name, **asdict(row)} for name, found in self.rows.items() for row in found]

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame with a row for each checked condition of each device."""
        return frame(self.to_json())

    def __repr__(self) -> str:
        states = [f"{name} {'REFUSED' if name in self.refused else 'ready'}" for name in self.rows]
        return f"<Devices checked: {', '.join(states)}>"

    def _repr_html_(self) -> str:
        return html_table(repr(self)[1:-1], self.to_json())


def check_devices(
    *names: str, inventory: FilePath | None = None, delegates: bool = False, listener: Listener = SILENT
) -> DeviceChecks:
    """Check whether devices can be measured now, as ``edgenas devices check`` does.

    names       names of devices (default: all devices of the inventory)
    inventory   the inventory file (default: devices.toml in the working folder)
    delegates   True: also probe the GPUs, NPUs and providers of boards, phones and this machine

    ``check()`` of the result raises OutcomeError where a device cannot be measured. InputError for an unknown name.

        edgenas.check_devices("pi4").check()
    """
    from edgenas.api.device_readiness import check_device
    from edgenas.devices.inventory import find

    entries = load_entries(inventory)
    chosen = {name: find(entries, name) for name in names} or entries
    path = None if inventory is None else Path(inventory)
    return DeviceChecks(ask_each(chosen, lambda entry: check_device(entry, path, delegates), "checking", listener))


@dataclass(frozen=True, repr=False)
class DeviceFacts:
    """Facts of a device: its identity and its present state; None where the device does not report a fact."""

    facts: Facts
    _known: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return what ``edgenas devices facts --json`` prints."""
        return self._known

    def __repr__(self) -> str:
        parts = [str(self._known[key]) for key in ("model", "soc", "cpu") if self._known.get(key)]
        return f"<Device {self._known['device']}: {', '.join(parts) or 'unknown'}>"

    def _repr_html_(self) -> str:
        return html_table(repr(self)[1:-1], [{"fact": key, "value": value} for key, value in self._known.items()])


def device_facts(name: str = "local", *, inventory: FilePath | None = None) -> DeviceFacts:
    """Read the facts of a device, as ``edgenas devices facts NAME`` does.

    InputError for an unknown name; DeviceError where the device does not answer.
    """
    from edgenas.base.text import printable
    from edgenas.devices.facts import int8_products
    from edgenas.devices.facts.facts import read_facts
    from edgenas.devices.transports.remote_device import RemoteDevice

    entry = load_entry(inventory, name)
    with opened(entry) as device:
        facts = read_facts(device)
        about = device.about() if isinstance(device, RemoteDevice) else None
    known: dict[str, Any] = {
        "device": entry.name,
        "kind": entry.kind,
        "address": str(entry.target) if entry.target else (entry.phone.serial or None) if entry.phone else None,
        "hardware_serial": (printable(about.serial) or None) if about else None,
        "folder": about.path if about else None,
        **facts.as_dict(),
        "int8_exact": int8_products.exact(facts.int8_isa),
    }
    return DeviceFacts(facts, known)


def ask_each(
    entries: Mapping[str, Entry], ask: Callable[[Entry], T], label: str, listener: Listener = SILENT
) -> dict[str, T]:
    """Call ``ask`` for several devices in parallel; return name -> result. An exception is raised after all ended."""
    from concurrent.futures import ThreadPoolExecutor, as_completed

    with listener.task(label) as task, ThreadPoolExecutor(_MOST_AT_ONCE) as pool:
        waiting = {pool.submit(ask, entry): name for name, entry in entries.items()}
        for done, future in enumerate(as_completed(waiting), 1):
            task.progress(done, len(waiting), waiting[future])
        return {name: future.result() for future, name in waiting.items()}


def _facts(entry: Entry) -> Facts | DeviceError:
    from edgenas.devices.facts.facts import read_facts

    try:
        with opened(entry) as device:
            return read_facts(device)
    except DeviceError as error:
        return error
