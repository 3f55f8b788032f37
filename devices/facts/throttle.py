"""Power and heat state of a Raspberry Pi, from its firmware: ``vcgencmd``, or sysfs where that is missing.

Bits of get_throttled (Raspberry Pi documentation, "vcgencmd"): 0-3 are true now, 16-19 were true at some time since
boot. The clock that Linux shows is the requested one; only ``measure_clock`` gives the real clock of the core.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

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
    f'{{ [ -r "{_SYSFS}" ] && echo "throttled=0x$(cat "{_SYSFS}")"; '
    'command -v vcgencmd >/dev/null && case " $(id -nG) " in *" video "*|*" root "*) ;; '
    '*) echo "refused=$(id -un)";; esac; }; '
    "vcgencmd measure_clock arm 2>/dev/null; vcgencmd measure_temp 2>/dev/null; true"
)


@dataclass(frozen=True, slots=True)
class Firmware:
    """One reading of the firmware; None where a value is not available: on other boards, and for a user who is not in
    the group ``video``, who is ``refused``."""

    throttled: int | None = None
    clock_mhz: float | None = None
    temperature_c: float | None = None
    refused: str = ""


def read_firmware(device: Device, *, timeout_s: float = 10.0) -> Firmware:
    """Read the firmware's state; the reading of a machine without this firmware is empty."""
    return parse_firmware(device.run(["sh", "-c", SCRIPT], timeout_s=timeout_s).stdout)


def parse_firmware(text: str) -> Firmware:
    """Read the output of ``vcgencmd``, line by line; the last value of each kind counts."""
    found = Firmware()
    for line in text[:100_000].splitlines():
        line = line.strip()
        if match := re.fullmatch(r"throttled=0x([0-9a-fA-F]{1,8})", line):
            found = replace(found, throttled=int(match[1], 16))
        elif match := re.fullmatch(r"frequency\([0-9]{1,3}\)=([0-9]{1,11})", line):
            found = replace(found, clock_mhz=int(match[1]) / 1e6 or None)
        elif match := re.fullmatch(r"temp=(-?[0-9]{1,3}(?:\.[0-9]{1,3})?)'C", line):
            found = replace(found, temperature_c=float(match[1]))
        elif match := re.fullmatch(r"refused=([A-Za-z_][A-Za-z0-9_.-]{0,63})", line):
            found = replace(found, refused=match[1])
    return found


def holding(bits: int) -> tuple[str, ...]:
    """Return the conditions (of NAMES) that are true now."""
    return tuple(name for place, name in enumerate(NAMES) if bits >> place & 1)


def since_boot(bits: int) -> tuple[str, ...]:
    """Return the conditions (of NAMES) that were true at some time since boot."""
    return tuple(name for place, name in enumerate(NAMES) if bits >> place + 16 & 1)


def happened(before: int | None, after: int | None) -> tuple[str, ...]:
    """Return the conditions that invalidate a batch between two readings: true at either end, or for the first time
    since boot between them.

    The bits do not show a condition that had occurred before the batch, and that came and went during the batch; only
    readings during the batch show it.
    """
    if before is None or after is None:
        return ()
    new = (after & _SINCE_BOOT & ~before) >> 16
    return holding((before | after) & _NOW | new)


def remedy(name: str) -> str:
    """Return the remedy for one of NAMES, as an instruction."""
    return _REMEDIES[name]
