"""What a Raspberry Pi's firmware says of power and heat: ``vcgencmd``, and the same from sysfs where that is missing.

Bits of get_throttled (Raspberry Pi documentation, "vcgencmd"): 0-3 hold now, 16-19 have held at some time since boot.
The clock that Linux shows is the one asked for; only ``measure_clock`` tells what the core really runs at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgenas.devices.base import Device

NAMES = ("under-voltage", "clock capped", "throttled", "soft temperature limit")
_REMEDIES = {
    "under-voltage": "use a stronger power supply and a short cable",
    "clock capped": "use a stronger power supply, and cool it",
    "throttled": "cool it: a heat sink and a fan",
    "soft temperature limit": "cool it: a heat sink and a fan",
}
_NOW, _SINCE_BOOT = 0x0000F, 0xF0000
_SYSFS = "/sys/devices/platform/soc/soc:firmware/get_throttled"
SCRIPT = (
    "vcgencmd get_throttled 2>/dev/null || "
    f'{{ [ -r "{_SYSFS}" ] && echo "throttled=0x$(cat "{_SYSFS}")"; }}; '
    "vcgencmd measure_clock arm 2>/dev/null; vcgencmd measure_temp 2>/dev/null; true"
)


@dataclass(frozen=True, slots=True)
class Firmware:
    """One reading; None for what was not said: another board, or a user outside the group ``video``."""

    throttled: int | None = None
    clock_mhz: float | None = None
    temperature_c: float | None = None


def read_firmware(device: Device, *, timeout_s: float = 10.0) -> Firmware:
    """Ask the board; a machine without this firmware gives an empty reading."""
    return parse_firmware(device.run(["sh", "-c", SCRIPT], timeout_s=timeout_s).stdout)


def parse_firmware(text: str) -> Firmware:
    """Read what ``vcgencmd`` printed, line by line; the last of a kind counts."""
    found = Firmware()
    for line in text[:100_000].splitlines():
        line = line.strip()
        if match := re.fullmatch(r"throttled=0x([0-9a-fA-F]{1,8})", line):
            found = Firmware(int(match[1], 16), found.clock_mhz, found.temperature_c)
        elif match := re.fullmatch(r"frequency\([0-9]{1,3}\)=([0-9]{1,11})", line):
            found = Firmware(found.throttled, int(match[1]) / 1e6 or None, found.temperature_c)
        elif match := re.fullmatch(r"temp=(-?[0-9]{1,3}(?:\.[0-9]{1,3})?)'C", line):
            found = Firmware(found.throttled, found.clock_mhz, float(match[1]))
    return found


def holding(bits: int) -> tuple[str, ...]:
    """What holds now."""
    return tuple(name for place, name in enumerate(NAMES) if bits >> place & 1)


def since_boot(bits: int) -> tuple[str, ...]:
    """What has held at some time since the board was started."""
    return tuple(name for place, name in enumerate(NAMES) if bits >> place + 16 & 1)


def happened(before: int | None, after: int | None) -> tuple[str, ...]:
    """What spoils a batch between two readings: what holds at either end, or happened for the first time since boot.

    A thing that had happened before and came and went in between is not in the bits; readings during the batch show it.
    """
    if before is None or after is None:
        return ()
    new = (after & _SINCE_BOOT & ~before) >> 16
    return holding((before | after) & _NOW | new)


def remedy(name: str) -> str:
    """What to do about one of NAMES."""
    return _REMEDIES[name]
