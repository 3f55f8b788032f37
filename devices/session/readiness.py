"""Readiness of a device for a measurement: findings that refuse or mark it, with reason and remedy; and cooling down.

All functions are pure except ``read`` and ``cool_down``. A fact that cannot be read is marked, never taken as good.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from edgenas.base.errors import DeviceError
from edgenas.base.listener import SILENT, Listener
from edgenas.base.text import printable
from edgenas.devices.base import Device
from edgenas.devices.facts import android, facts, throttle


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for the start of a measurement.

    free_mib          least free space, MiB
    load_per_core     1-minute load a core from which a measurement is marked
    busy_per_core     1-minute load a core from which a measurement is refused
    start_c           highest temperature, °C
    battery_percent   least charge of the battery, %
    governors         permitted governors; another one is marked
    """

    free_mib: float = 200.0
    load_per_core: float = 0.3
    busy_per_core: float = 1.0
    start_c: float = 60.0
    battery_percent: float = 30.0
    governors: tuple[str, ...] = ("performance",)


@dataclass(frozen=True, slots=True)
class DeviceReading:
    """State of a device at one moment; None for a value that cannot be read.

    ``identity`` is ``facts.fingerprint``, ``state`` is ``facts.state``. ``refused`` is the user of the device who may
    not use vcgencmd, '' where none is refused. ``phone``: the device has a battery and a thermal service. ``pi``: it is
    a Raspberry Pi and has throttle bits.
    """

    identity: Mapping[str, str | int]
    state: Mapping[str, str | float] = field(default_factory=dict)
    free_mib: float | None = None
    load_1min: float | None = None
    cores: int | None = None
    governor: str | None = None
    temperature_c: float | None = None
    throttled: int | None = None
    refused: str = ""
    battery_percent: float | None = None
    thermal_status: int | None = None
    phone: bool = False
    pi: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One condition that a device does not meet. ``level`` 'wait': the condition may pass by itself, such as heat."""

    what: str
    level: Literal["refuse", "wait", "mark"]
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.reason}; {self.remedy}"


def read(device: Device, folder: str, *, timeout_s: float = 30.0) -> DeviceReading:
    """Read the state of a device in one command; ``folder`` is the absolute path that needs free space. Raises
    DeviceError.
    """
    if not folder.startswith("/") or "'" in folder or not folder.isprintable():
        raise DeviceError(f"{device.name}: cannot read the free space of {folder!r}; give an absolute path")
    script = f"echo '{android.MARK}df'; df -k '{folder}' 2>/dev/null; {facts.SCRIPT}"
    result = device.run(["sh", "-c", script], timeout_s=timeout_s)
    if result.returncode != 0:
        why = printable(result.stderr) or f"exit code {result.returncode}"
        raise DeviceError(f"{device.name}: cannot read its state: {why}; it must be able to run sh, cat and df")
    return parse(result.stdout)


def parse(text: str) -> DeviceReading:
    """Read the output of the script of ``read``."""
    parts = android.split_parts(text)
    seen = facts.parse_facts(text)
    return DeviceReading(
        identity=facts.fingerprint(seen),
        state=facts.state(seen),
        free_mib=android.free_mib(parts.get("df", "")),
        load_1min=seen.load_1min,
        cores=seen.cores,
        governor=seen.governor,
        temperature_c=seen.temperature_c,
        throttled=seen.throttled,
        refused=throttle.parse_firmware(parts.get("vcgencmd", "")).refused,
        battery_percent=seen.battery_percent,
        thermal_status=seen.thermal_status,
        phone="dumpsys battery" in parts,
        pi="Raspberry Pi" in (seen.model or ""),
    )


def judge(
    reading: DeviceReading, limits: Limits, expected: Mapping[str, str | int] | None = None
) -> tuple[Finding, ...]:
    """Return the conditions that the device does not meet, worst first; () when the device is ready.

    ``expected`` is the identity in the inventory or the table. Facts that are missing on either side are not compared,
    nor is the governor, which has its own rule.
    """
    found = [
        *_identity(reading, expected or {}),
        *_space_and_load(reading, limits),
        *_heat(reading, limits),
        *_power(reading, limits),
    ]
    return tuple(sorted(found, key=lambda f: ("refuse", "wait", "mark").index(f.level)))


def cool_down(
    look: Callable[[], DeviceReading],
    limits: Limits,
    *,
    limit_s: float,
    every_s: float = 5.0,
    listener: Listener = SILENT,
    name: str,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[DeviceReading, tuple[Finding, ...]]:
    """Wait until the reading of ``look`` has no finding of level 'wait', at most ``limit_s`` seconds.

    The wait ends by temperature, not by time. Returns the last reading and its findings of level 'wait'. ``listener``
    gets the reason why the device ``name`` waits, once.
    """
    begin, reported = clock(), False
    while True:
        reading = look()
        waiting = tuple(f for f in judge(reading, limits) if f.level == "wait")
        waited_s = clock() - begin
        if not waiting or waited_s >= limit_s:
            return reading, waiting
        if not reported:
            listener.message(f"{name}: waiting: {waiting[0]}")
            reported = True
        sleep(min(every_s, limit_s - waited_s))


def _identity(reading: DeviceReading, expected: Mapping[str, str | int]) -> list[Finding]:
    pairs = [(k, v, reading.identity[k]) for k, v in expected.items() if k != "governor" and k in reading.identity]
    return [
        Finding(
            "identity",
            "refuse",
            f"it is another machine: its {key} is {got!r}, not {want!r} as before",
            "connect the right one, or give this one a name of its own",
        )
        for key, want, got in pairs
        if want != got
    ]


def _space_and_load(reading: DeviceReading, limits: Limits) -> list[Finding]:
    found = []
    if reading.free_mib is None:
        found.append(_unknown("free space"))
    elif reading.free_mib < limits.free_mib:
        reason = f"{reading.free_mib:.0f} MiB are free, fewer than {limits.free_mib:.0f}"
        found.append(Finding("free space", "refuse", reason, "make room"))
    if reading.load_1min is None or not reading.cores:
        found.append(_unknown("load"))
    elif reading.load_1min >= limits.load_per_core * reading.cores:
        busy = reading.load_1min >= limits.busy_per_core * reading.cores
        limit = limits.busy_per_core if busy else limits.load_per_core
        reason = f"its load is {reading.load_1min:g} on {reading.cores} cores, not below {limit:g} a core"
        found.append(
            Finding("load", "refuse" if busy else "mark", reason, "stop what else runs there, or wait a minute")
        )
    if reading.governor is None:
        found.append(_unknown("governor"))
    elif any(part not in limits.governors for part in reading.governor.split("+")):
        reason = f"its governor is {reading.governor}, not {' or '.join(limits.governors)}"
        remedy = "the profiler sets it as root, or by its helper: edgenas devices prepare NAME --governor"
        found.append(Finding("governor", "mark", reason, remedy))
    return found


def _heat(reading: DeviceReading, limits: Limits) -> list[Finding]:
    if reading.temperature_c is None:
        found = [_unknown("temperature")]
    elif reading.temperature_c > limits.start_c:
        reason = f"it is {reading.temperature_c:.1f} °C warm, above {limits.start_c:g}"
        found = [Finding("temperature", "wait", reason, "let it cool down, or cool it")]
    else:
        found = []
    if reading.thermal_status is not None and reading.thermal_status > 0:
        name = android.THERMAL_STATUS[reading.thermal_status]
        found.append(Finding("thermal status", "wait", f"Android's thermal status is {name}", "let it cool down"))
    elif reading.phone and reading.thermal_status is None:
        found.append(_unknown("thermal status"))
    return found


def _power(reading: DeviceReading, limits: Limits) -> list[Finding]:
    found = []
    if reading.pi and reading.refused:
        reason = f"its throttle bits and its real clock cannot be read: {reading.refused} may not use vcgencmd"
        remedy = f"type there: sudo usermod -aG video {reading.refused}; it holds from the next login"
        found.append(Finding("throttle bits", "mark", reason, remedy))
    elif reading.pi and reading.throttled is None:
        found.append(_unknown("throttle bits"))
    for name in throttle.holding(reading.throttled or 0):
        found.append(Finding("throttle bits", "refuse", f"the firmware reports {name}", throttle.remedy(name)))
    for name in throttle.since_boot(reading.throttled or 0):
        if name not in throttle.holding(reading.throttled or 0):
            reason = f"the firmware reports {name} at some time since boot"
            found.append(Finding("throttle bits", "mark", reason, f"{throttle.remedy(name)}, and restart it"))
    if reading.battery_percent is not None and reading.battery_percent < limits.battery_percent:
        reason = f"its battery is at {reading.battery_percent:.0f} %, below {limits.battery_percent:.0f}"
        found.append(Finding("battery", "refuse", reason, "charge it"))
    elif reading.phone and reading.battery_percent is None:
        found.append(_unknown("battery"))
    return found


def _unknown(what: str) -> Finding:
    return Finding(what, "mark", f"its {what} cannot be read", "results are marked so")
