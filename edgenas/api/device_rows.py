"""Rows of a device check: the device's conditions (load, temperature, ...), and the programs of a phone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from edgenas.api.inventory import sha256_of
from edgenas.base.errors import InputError
from edgenas.devices.base import Device
from edgenas.devices.facts import int8_products
from edgenas.devices.facts.android import THERMAL_STATUS
from edgenas.devices.inventory import Entry
from edgenas.devices.phone_tools import describe_tool
from edgenas.devices.sections import TOOLS
from edgenas.devices.session import readiness
from edgenas.devices.session.readiness import DeviceReading, Limits

State = Literal["ok", "mark", "wait", "refuse"]


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """One checked condition ``what``: its ``state`` ('ok', or a level of ``readiness.Finding``), reason and remedy."""

    what: str
    state: State
    reason: str
    remedy: str = ""


def delegate_rows(entry: Entry, device: Device) -> Iterator[DeviceRow]:
    """Yield a row for each delegate that the runtimes of a device may have."""
    from edgenas.profiler.delegate_probe import probe_delegates

    for probed in probe_delegates(entry, device):
        state: State = "ok" if probed.whole else "mark"
        yield DeviceRow(f"{probed.runtime} {probed.delegate}", state, probed.finding, probed.remedy)


def condition_rows(reading: DeviceReading, limits: Limits) -> Iterator[DeviceRow]:
    """Yield a row for each condition that the device reports, or should report."""
    found = readiness.judge(reading, limits)
    values = {
        "free space": f"{reading.free_mib:.0f} MiB" if reading.free_mib is not None else "",
        "load": f"{reading.load_1min:g} on {reading.cores} cores" if reading.load_1min is not None else "",
        "governor": reading.governor or "",
        "temperature": f"{reading.temperature_c:.1f} °C" if reading.temperature_c is not None else "",
        "throttle bits": "none" if reading.throttled is not None else "",
        "battery": f"{reading.battery_percent:.0f} %" if reading.battery_percent is not None else "",
        "thermal status": THERMAL_STATUS[reading.thermal_status] if reading.thermal_status is not None else "",
        "8-bit products": int8_products.described(str(isa)) if (isa := reading.state.get("int8_isa")) else "",
    }
    for what, value in values.items():
        rows = [DeviceRow(what, f.level, f.reason, f.remedy) for f in found if f.what == what]
        yield from rows or ([DeviceRow(what, "ok", value)] if value else [])


def tool_rows(entry: Entry) -> Iterator[DeviceRow]:
    """Yield a row for each program of a phone in the inventory: which tool the file on this machine is, and whether it
    has its sha256."""
    if not entry.tools:
        name = TOOLS[0]
        remedy = (
            "get benchmark_model for its processor, and write its path and sha256 under "
            f"[devices.{entry.name}]: {name} = ..., {name}_sha256 = ..."
        )
        yield DeviceRow(name, "refuse", "a phone has no Python, and the inventory names no tool for it", remedy)
    for name, tool in entry.tools.items():
        try:
            found = sha256_of(tool.path)
            what = describe_tool(name, tool.path) if found == tool.sha256 else ""
        except InputError as error:
            reason, _, remedy = str(error).partition("; ")
            yield DeviceRow(name, "refuse", reason, remedy)
            continue
        if found == tool.sha256:
            yield DeviceRow(name, "ok", f"{what}: {tool.path}, sha256 {found[:12]}...")
        else:
            remedy = f'if it is the right program, write {name}_sha256 = "{found}"'
            yield DeviceRow(name, "refuse", f"the sha256 of {tool.path} is not that of the inventory", remedy)
