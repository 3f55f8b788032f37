"""Facts of a phone: getprop, the clusters of its cores, ``dumpsys battery`` and ``dumpsys thermalservice``.

Formats: Android 4 to 15. A value that cannot be read is None or left out, never guessed. SCRIPT reads all in one
command.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

LIMIT_CHARS = 1 << 20
MARK = "=== edgenas part "
_CPU = "/sys/devices/system/cpu/cpu[0-9]*"
SCRIPT = (
    f"for c in {_CPU}/cpu_capacity {_CPU}/cpufreq/related_cpus {_CPU}/cpufreq/cpuinfo_max_freq "
    '/proc/cpuinfo /proc/loadavg /proc/meminfo /proc/version; do if [ -r "$c" ]; then echo; '
    f'echo "{MARK}$c"; cat "$c" 2>/dev/null; fi; done; '
    f'for c in getprop "dumpsys battery" "dumpsys thermalservice" "df -k /data/local/tmp"; do echo; echo "{MARK}$c"; '
    "$c 2>/dev/null; done"
)

#: android.os.PowerManager THERMAL_STATUS_*
THERMAL_STATUS = ("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")
#: android.os.Temperature TYPE_*: the CPU and the skin (case) of the phone
_TYPE_CPU, _TYPE_SKIN = 0, 3

_PROPERTY = re.compile(r"^\[([\w.@-]{1,200})\]: \[([^\]\n]*)\]\r?$", re.MULTILINE)
_BUILD_PROP = re.compile(r"^([\w.@-]{1,200})=([^\n]*)$", re.MULTILINE)
_TEMPERATURE = re.compile(
    r"Temperature\{mValue=(-?[0-9]{1,4}(?:\.[0-9]{1,9})?), mType=(-?[0-9]{1,2}), "
    r"mName=[^,}\n]{1,60}, mStatus=[0-6]\}"
)


@dataclass(frozen=True, slots=True)
class Battery:
    """State of the battery: ``level`` in percent of full, ``temperature_c`` of the cells, ``plugged`` True when any
    power source is connected."""

    level: float | None
    temperature_c: float | None
    plugged: bool | None


@dataclass(frozen=True, slots=True)
class Thermal:
    """State of the thermal service: ``status`` 0 (none) to 6 (shutdown), as in THERMAL_STATUS; the hottest CPU sensor
    and the hottest skin sensor in °C."""

    status: int | None
    cpu_c: float | None
    skin_c: float | None


@dataclass(frozen=True, slots=True)
class CoreCluster:
    """Cores that share a clock: ``capacity`` where the fastest core of the device has 1024, None where the kernel
    reports none; ``max_mhz`` is the highest clock."""

    cpus: tuple[int, ...]
    capacity: int | None
    max_mhz: float | None


def split_parts(text: str) -> dict[str, str]:
    """Split the output of SCRIPT into its parts: name of the part -> its output."""
    parts = {}
    for part in ("\n" + text[:LIMIT_CHARS].replace("\r\n", "\n")).split("\n" + MARK)[1:]:
        name, _, content = part.partition("\n")
        parts[name.strip()] = content
    return parts


def parse_getprop(text: str) -> dict[str, str]:
    """Read the output of ``getprop`` ('[key]: [value]') or a build.prop file ('key=value'); of a key that is repeated
    the first value counts, as on the device."""
    text = text[:LIMIT_CHARS]
    pairs = _PROPERTY.findall(text) or _BUILD_PROP.findall(text)
    properties: dict[str, str] = {}
    for key, value in pairs:
        clean = "".join(c for c in value if c.isprintable()).strip()
        if clean:
            properties.setdefault(key, clean[:200])
    return properties


def parse_battery(text: str) -> Battery:
    """Read the output of ``dumpsys battery``: the state of the service, without lines that makers append.

    A phone that reports 0 for both voltage and temperature has no temperature sensor.
    """
    fields: dict[str, str] = {}
    for line in text[:LIMIT_CHARS].splitlines():
        key, colon, value = line.strip().partition(": ")
        if colon:
            fields.setdefault(key, value.strip())
    level, scale = _whole(fields.get("level")), _whole(fields.get("scale"))
    tenths, volts = _whole(fields.get("temperature")), _whole(fields.get("voltage"))
    present = fields.get("present") != "false"
    plugs = [
        fields[f"{source} powered"] for source in ("AC", "USB", "Wireless", "Dock") if f"{source} powered" in fields
    ]
    share = 100 * level / scale if present and level is not None and scale and 0 <= level <= scale else None
    measured = present and tenths is not None and -400 < tenths < 1000 and not (tenths == 0 and volts == 0)
    return Battery(
        level=share,
        temperature_c=tenths / 10 if measured and tenths is not None else None,
        plugged="true" in plugs if plugs else None,
    )


def parse_thermal(text: str) -> Thermal:
    """Read the output of ``dumpsys thermalservice`` (Android 10 and newer): the current temperatures, or the cached
    ones where no current ones are given."""
    text = text[:LIMIT_CHARS]
    status = re.search(r"^\s*Thermal Status: ([0-6])\s*$", text, re.MULTILINE)
    _, current, rest = text.partition("Current temperatures from HAL:")
    body = rest.partition("Current cooling devices")[0] if current else text.partition("Cached temperatures:")[2]
    hot: dict[int, float] = {}
    for value, kind in _TEMPERATURE.findall(body):
        if -40 <= float(value) <= 150:
            hot[int(kind)] = max(hot.get(int(kind), -273.0), float(value))
    return Thermal(int(status[1]) if status else None, hot.get(_TYPE_CPU), hot.get(_TYPE_SKIN))


def parse_clusters(files: Mapping[str, str]) -> tuple[CoreCluster, ...]:
    """Return the clusters, the slowest first, from the files of /sys/devices/system/cpu/cpuN (path -> content).

    Cores of one ``related_cpus`` file form a cluster; where a core has no such file, cores with equal capacity and
    highest clock form one.
    """
    cores: dict[int, tuple[tuple[int, ...] | None, int | None, float | None]] = {}
    for cpu in sorted({int(m[1]) for path in files if (m := re.match(r".*/cpu/cpu([0-9]{1,4})/", path))}):
        root = f"/sys/devices/system/cpu/cpu{cpu}"
        capacity, khz = _whole(files.get(f"{root}/cpu_capacity")), _whole(files.get(f"{root}/cpufreq/cpuinfo_max_freq"))
        related = _cpu_list(files.get(f"{root}/cpufreq/related_cpus", ""))
        cores[cpu] = (related if cpu in related else None, capacity or None, khz / 1000 if khz else None)
    groups: dict[object, list[int]] = {}
    for cpu, (related_cpus, capacity, mhz) in cores.items():
        groups.setdefault(related_cpus if related_cpus is not None else (capacity, mhz, "alike"), []).append(cpu)
    clusters = [CoreCluster(tuple(cpus), cores[cpus[0]][1], cores[cpus[0]][2]) for cpus in groups.values()]
    return tuple(sorted(clusters, key=lambda c: (c.capacity or 0, c.max_mhz or 0.0, c.cpus)))


def free_mib(df: str) -> float | None:
    """Return the free space in MiB, from the last line of ``df -k PATH``; toybox and busybox may put a long file system
    name on a line before it."""
    words = " ".join(df.strip().splitlines()[1:]).split()
    for index in range(1, len(words) - 3):
        numbers = words[index : index + 3]
        if all(re.fullmatch(r"[0-9]{1,15}", n) for n in numbers) and re.fullmatch(r"[0-9]{1,3}%", words[index + 3]):
            return int(numbers[2]) / 1024
    return None


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"\s*-?[0-9]{1,12}\s*", text) else None


def _cpu_list(text: str) -> tuple[int, ...]:
    """Return the CPU numbers of '0 1 2 3' or '0-3'; () for any other text."""
    cpus: set[int] = set()
    for word in text.replace(",", " ").split():
        match = re.fullmatch(r"([0-9]{1,4})(?:-([0-9]{1,4}))?", word)
        if match is None:
            return ()
        cpus.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    return tuple(sorted(cpus))
