"""State of a device during a measurement: temperature, clock and throttling, read by one short command.

``facts.read_facts`` reads much more and takes long on phones; this reading is short enough for every 30 s of a
measurement.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from edgenas.devices.base import Device
from edgenas.devices.facts import android, facts, throttle

_CLOCK = "/sys/devices/system/cpu/cpu{}/cpufreq/scaling_cur_freq"
_HEAT = "/sys/class/thermal/thermal_zone*/type /sys/class/thermal/thermal_zone*/temp"
_WHEN = f"{android.MARK}when"


@dataclass(frozen=True, slots=True)
class Moment:
    """One reading; None for a value that the device does not report.

    ``at_s`` is the time of the device's uptime clock, s. ``clock_mhz`` is the lowest clock of the requested cores; on a
    Raspberry Pi, the clock measured by the firmware.
    """

    at_s: float
    temperature_c: float | None = None
    clock_mhz: float | None = None
    throttled: int | None = None
    thermal_status: int | None = None


def read_brief(device: Device, cores: Sequence[int] = (), *, timeout_s: float = 20.0) -> Moment | None:
    """Read the state of a device; None where its answer cannot be read. ``cores`` are the cores of the measurement, ()
    for all. Raises DeviceError.
    """
    return parse_brief(device.run(["sh", "-c", script(cores)], timeout_s=timeout_s).stdout, cores)


def script(cores: Sequence[int]) -> str:
    """Return the POSIX sh script of ``read_brief``; it reads the time from the same clock as the runners."""
    clocks = " ".join(_CLOCK.format(core) for core in cores or ("[0-9]*",))
    return (
        f"{{ read -r s r </proc/uptime; }} 2>/dev/null || s=$(date +%s); echo '{_WHEN}'; echo $s; "
        f"echo '{android.MARK}vcgencmd'; {throttle.SCRIPT}; if command -v getprop >/dev/null 2>&1; then "
        f"echo; echo '{android.MARK}dumpsys thermalservice'; dumpsys thermalservice 2>/dev/null; fi; "
        f"echo; echo '{android.MARK}facts'; for f in {clocks} {_HEAT}; do if [ -r \"$f\" ]; then "
        f'echo; echo "{facts.FILE_MARK}$f"; cat "$f" 2>/dev/null; fi; done; '
        f'echo; echo "{facts.FILE_MARK}/proc/cpuinfo"; grep -i MHz /proc/cpuinfo 2>/dev/null; true'
    )


def parse_brief(text: str, cores: Collection[int] = ()) -> Moment | None:
    """Read the output of ``script``; None where it cannot be read."""
    when = re.fullmatch(r"\s*([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*", android.split_parts(text).get("when", ""))
    if when is None:
        return None
    seen = facts.parse_facts(text)
    paths = {_CLOCK.format(core) for core in cores}
    values = [khz.strip() for path, khz in facts.files_of(text).items() if path in paths]
    clocks = [int(khz) / 1000 for khz in values if khz.isdecimal()]
    measured = throttle.parse_firmware(android.split_parts(text).get("vcgencmd", "")).clock_mhz
    clock_mhz = measured or min(clocks, default=seen.clock_mhz)
    return Moment(float(when[1]), seen.temperature_c, clock_mhz, seen.throttled, seen.thermal_status)


def flags(before: Moment | None, now: Moment) -> tuple[str, ...]:
    """Return the conditions that slow the device down: true now, or for the first time since boot between the readings
    ``before`` and ``now``. They are texts of ``throttle.NAMES``, or Android's thermal status."""
    bits = now.throttled or 0
    new = bits & ~before.throttled if before is not None and before.throttled is not None else 0
    named = dict.fromkeys((*throttle.holding(bits), *throttle.since_boot(new)))
    status = now.thermal_status or 0
    return (*named, *([f"thermal status {android.THERMAL_STATUS[status]}"] if status else []))
