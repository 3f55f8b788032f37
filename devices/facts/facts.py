"""Facts of a device, its identity and its current state, read in one command from files of Linux and Android.

A fact that cannot be read is None, never guessed. ``fingerprint`` is the part that identifies a machine whose
measurements may share a table; ``state`` is the rest, recorded before and after each batch.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from edgenas.base.errors import DeviceError
from edgenas.base.text import printable
from edgenas.devices.base import Device
from edgenas.devices.facts import android, throttle
from edgenas.devices.facts.android import CoreCluster
from edgenas.devices.facts.cpuinfo import parse_cpuinfo
from edgenas.devices.facts.soc import model_name, soc_name

FILE_MARK = "=== edgenas file "
_FILES = (
    "/proc/cpuinfo /proc/meminfo /proc/loadavg /etc/os-release /proc/device-tree/model /proc/device-tree/compatible "
    "/sys/class/dmi/id/sys_vendor /sys/class/dmi/id/product_name /sys/devices/system/cpu/present "
    "/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor "
    "/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq "
    "/sys/devices/system/cpu/cpu[0-9]*/cpufreq/related_cpus "
    "/sys/devices/system/cpu/cpu[0-9]*/cpufreq/cpuinfo_max_freq "
    "/sys/devices/system/cpu/cpu[0-9]*/cpu_capacity "
    "/sys/class/thermal/thermal_zone*/type /sys/class/thermal/thermal_zone*/temp"
)
_PART = android.MARK
SCRIPT = (
    f"echo; echo '{_PART}vcgencmd'; {throttle.SCRIPT}; if command -v getprop >/dev/null 2>&1; then "
    f"for c in getprop 'dumpsys battery' 'dumpsys thermalservice'; do echo; echo \"{_PART}$c\"; $c 2>/dev/null; done; "
    f"fi; echo; echo '{_PART}facts'; "
    f'for f in {_FILES}; do if [ -r "$f" ]; then echo; echo "{FILE_MARK}$f"; cat "$f" 2>/dev/null; fi; done; '
    f'echo; echo "{FILE_MARK}uname"; uname -s -r -m'
)

_IDENTITY = ("model", "soc", "cpu", "cores", "architecture", "memory_mib", "governor")
_PRESENT = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?")
# names of thermal zones on the processor: Pi cpu-thermal, x86_pkg_temp, Jetson CPU-therm, Qualcomm tsens
_ON_CPU = re.compile(r"cpu|soc|x86_pkg|core|tsens", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Facts:
    """One reading of all facts; None for a fact that cannot be read.

    ``cores`` is the number of CPUs present. ``memory_mib`` is rounded up to a multiple of 512, so that memory reserved
    by a new kernel does not change the fingerprint. ``governor`` joins distinct governors by '+'. ``clock_mhz`` is the
    highest current clock. ``temperature_c`` is the hottest sensor on the processor; on a phone, the CPU temperature of
    its thermal service. ``clusters`` are CPUs by highest clock in MHz, slowest first: '0-3@1803 4-5@2253 6-7@2802'
    (``clusters_of`` reads it); cores that a phone has switched off may be missing. ``throttled`` is the bits of a
    Raspberry Pi (``edgenas.devices.facts.throttle``), ``thermal_status`` is Android's, 0 to 6. ``int8_isa`` is the
    instruction sets for products of 8-bit numbers (``edgenas.devices.facts.int8_products``); the setting of a table
    does not include them, because it includes the processor.
    """

    model: str | None = None
    soc: str | None = None
    cpu: str | None = None
    cores: int | None = None
    architecture: str | None = None
    memory_mib: int | None = None
    governor: str | None = None
    os: str | None = None
    kernel: str | None = None
    clusters: str | None = None
    clock_mhz: float | None = None
    temperature_c: float | None = None
    load_1min: float | None = None
    throttled: int | None = None
    battery_percent: float | None = None
    thermal_status: int | None = None
    int8_isa: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return a dict of all facts; None for a fact that cannot be read."""
        return asdict(self)


def read_facts(device: Device, *, timeout_s: float = 20.0) -> Facts:
    """Read the facts of a device; DeviceError where the device cannot run the script."""
    result = device.run(["sh", "-c", SCRIPT], timeout_s=timeout_s)
    if result.returncode != 0 or FILE_MARK not in result.stdout:
        why = printable(result.stderr) or f"exit code {result.returncode}"
        raise DeviceError(f"{device.name}: cannot read its facts: {why}; it must be able to run sh, cat and uname")
    return parse_facts(result.stdout)


def fingerprint(facts: Facts) -> dict[str, str | int]:
    """Return the known facts that identify the machine."""
    return {name: value for name, value in facts.as_dict().items() if name in _IDENTITY and value is not None}


def state(facts: Facts) -> dict[str, str | float]:
    """Return the known facts that are not in the fingerprint."""
    return {name: value for name, value in facts.as_dict().items() if name not in _IDENTITY and value is not None}


def parse_facts(text: str) -> Facts:
    """Read the output of SCRIPT."""
    files, parts = files_of(text), android.split_parts(text)
    cpuinfo, tree = files.get("/proc/cpuinfo", ""), _line(files.get("/proc/device-tree/model", "")) or ""
    cpu = parse_cpuinfo(cpuinfo)
    properties = android.parse_getprop(parts.get("getprop", ""))
    # the device tree of a phone names the maker's test board, not the phone
    model = model_name(cpuinfo, properties, "" if properties.get("ro.product.model") else tree) or cpu.model
    soc = soc_name("", None, tree) or soc_name(cpuinfo, properties)  # kernels call every Raspberry Pi's chip BCM2835
    uname = files.get("uname", "").split()
    compatible = _line(files.get("/proc/device-tree/compatible", "").rstrip("\0").split("\0")[-1])
    clocks = [int(v) / 1000 for v in _values(files, r".*/scaling_cur_freq") if v.isdecimal()]
    dmi = [_line(files.get(f"/sys/class/dmi/id/{name}", "")) for name in ("sys_vendor", "product_name")]
    firmware = throttle.parse_firmware(parts.get("vcgencmd", ""))
    thermal = android.parse_thermal(parts.get("dumpsys thermalservice", ""))
    heats = [t for t in (firmware.temperature_c, _temperature_c(files)) if t is not None]
    release = properties.get("ro.build.version.release")
    return Facts(
        model=_line(model or " ".join(d for d in dmi if d)),
        soc=_line(str(soc or cpu.soc or compatible or "")),
        cpu=_line(cpu.cpu or ""),
        cores=_count_present(files.get("/sys/devices/system/cpu/present", "")) or cpu.processors,
        architecture=_line(uname[2]) if len(uname) == 3 else None,
        memory_mib=_memory_mib(files.get("/proc/meminfo", "")),
        governor="+".join(sorted(set(_values(files, r".*/scaling_governor")))) or None,
        os=f"Android {release}" if release else _pretty_name(files.get("/etc/os-release", "")),
        kernel=_line(" ".join(uname[:2])) if len(uname) == 3 else None,
        clusters=_clusters(android.parse_clusters(files)),
        clock_mhz=firmware.clock_mhz or max(clocks, default=cpu.clock_mhz),
        temperature_c=max(heats, default=None) if thermal.cpu_c is None else thermal.cpu_c,
        load_1min=_load(files.get("/proc/loadavg", "")),
        throttled=firmware.throttled,
        battery_percent=android.parse_battery(parts.get("dumpsys battery", "")).level,
        thermal_status=thermal.status,
        int8_isa=cpu.int8_isa,
    )


def files_of(text: str) -> dict[str, str]:
    """Return path -> content, from output with FILE_MARK lines."""
    files = {}
    for part in ("\n" + text).split("\n" + FILE_MARK)[1:]:
        path, _, content = part.partition("\n")
        files[path.strip()] = content.removesuffix("\n")
    return files


def _line(text: str) -> str | None:
    return printable(text.replace("\0", " ")) or None


def _values(files: dict[str, str], pattern: str) -> list[str]:
    values = (_line(content) for path, content in files.items() if re.fullmatch(pattern, path))
    return [value for value in values if value]


def _count_present(text: str) -> int | None:
    """Return the number of CPUs in '0-3' or '0,2-3'; None for any other text."""
    count = 0
    for part in text.strip().split(","):
        match = _PRESENT.fullmatch(part)
        if match is None:
            return None
        count += int(match[2] or match[1]) - int(match[1]) + 1
    return count if count > 0 else None


def clusters_of(text: str | None) -> tuple[tuple[int, ...], ...]:
    """Return the CPUs of each cluster in ``Facts.clusters``, slowest first; () for None."""
    return tuple(
        tuple(cpu for part in group.partition("@")[0].split(",") for cpu in _span(part))
        for group in (text or "").split()
    )


def _clusters(clusters: tuple[CoreCluster, ...]) -> str | None:
    """Return the text of ``Facts.clusters``; None where a cluster has no clock.

    Neighbouring clusters with the same clock are merged, because on a PC every core is a cluster.
    """
    found: list[tuple[float, tuple[int, ...]]] = []
    for cluster in clusters:
        if cluster.max_mhz is None:
            return None
        alike = found.pop()[1] if found and found[-1][0] == cluster.max_mhz else ()
        found.append((cluster.max_mhz, alike + cluster.cpus))
    return " ".join(f"{_spans(cpus)}@{mhz:.0f}" for mhz, cpus in found) or None


def _spans(cpus: tuple[int, ...]) -> str:
    """Return CPU numbers as ranges: (0, 1, 2, 5) -> '0-2,5'."""
    spans: list[list[int]] = []
    for cpu in sorted(cpus):
        if spans and spans[-1][-1] == cpu - 1:
            spans[-1].append(cpu)
        else:
            spans.append([cpu])
    return ",".join(str(span[0]) if len(span) == 1 else f"{span[0]}-{span[-1]}" for span in spans)


def _span(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def _memory_mib(text: str) -> int | None:
    match = re.search(r"^MemTotal:\s*(\d{1,15}) kB", text, re.MULTILINE)
    return -(-int(match[1]) // (512 * 1024)) * 512 if match else None


def _pretty_name(text: str) -> str | None:
    match = re.search(r"^PRETTY_NAME=([\"']?)(.*)\1$", text, re.MULTILINE)
    return _line(match[2]) if match else None


def _temperature_c(files: dict[str, str]) -> float | None:
    """Return the temperature of the hottest sensor on the processor, °C.

    Kernels report millidegrees, some old ones degrees. Readings outside -40 to 150 °C are ignored.
    """
    found = []
    for path, content in files.items():
        if path.endswith("/temp") and _ON_CPU.search(files.get(path.removesuffix("temp") + "type", "")):
            match = re.fullmatch(r"-?\d{1,7}", content.strip())
            if match:
                value = int(match[0])
                degrees = value / 1000 if abs(value) > 1000 else float(value)
                if -40 <= degrees <= 150 and value != 0:
                    found.append(degrees)
    return max(found, default=None)


def _load(text: str) -> float | None:
    match = re.match(r"(\d{1,6}\.\d+) ", text)
    return float(match[1]) if match else None
