"""Reader of /proc/cpuinfo: the processor's cores, on x86 and on Arm, from old and new kernels."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgenas.devices.facts.int8_products import int8_isa

#: (implementer, part) -> name of the core, from Arm's "Main ID Register" documents and util-linux sys-utils/lscpu-arm.c
ARM_CORES: dict[tuple[int, int], str] = {
    (0x41, 0xB76): "ARM1176",
    (0x41, 0xC05): "Cortex-A5",
    (0x41, 0xC07): "Cortex-A7",
    (0x41, 0xC08): "Cortex-A8",
    (0x41, 0xC09): "Cortex-A9",
    (0x41, 0xC0D): "Cortex-A17",
    (0x41, 0xC0E): "Cortex-A17",
    (0x41, 0xC0F): "Cortex-A15",
    (0x41, 0xD01): "Cortex-A32",
    (0x41, 0xD02): "Cortex-A34",
    (0x41, 0xD03): "Cortex-A53",
    (0x41, 0xD04): "Cortex-A35",
    (0x41, 0xD05): "Cortex-A55",
    (0x41, 0xD06): "Cortex-A65",
    (0x41, 0xD07): "Cortex-A57",
    (0x41, 0xD08): "Cortex-A72",
    (0x41, 0xD09): "Cortex-A73",
    (0x41, 0xD0A): "Cortex-A75",
    (0x41, 0xD0B): "Cortex-A76",
    (0x41, 0xD0C): "Neoverse-N1",
    (0x41, 0xD0D): "Cortex-A77",
    (0x41, 0xD0E): "Cortex-A76AE",
    (0x41, 0xD40): "Neoverse-V1",
    (0x41, 0xD41): "Cortex-A78",
    (0x41, 0xD42): "Cortex-A78AE",
    (0x41, 0xD44): "Cortex-X1",
    (0x41, 0xD46): "Cortex-A510",
    (0x41, 0xD47): "Cortex-A710",
    (0x41, 0xD48): "Cortex-X2",
    (0x41, 0xD49): "Neoverse-N2",
    (0x41, 0xD4B): "Cortex-A78C",
    (0x41, 0xD4D): "Cortex-A715",
    (0x41, 0xD4E): "Cortex-X3",
    (0x41, 0xD4F): "Neoverse-V2",
    (0x41, 0xD80): "Cortex-A520",
    (0x41, 0xD81): "Cortex-A720",
    (0x41, 0xD82): "Cortex-X4",
    (0x42, 0x516): "Cavium ThunderX2",
    (0x43, 0x0A1): "Cavium ThunderX",
    (0x43, 0x0AF): "Cavium ThunderX2",
    (0x48, 0xD01): "HiSilicon TSV110",
    (0x48, 0xD40): "Cortex-A76",
    (0x4E, 0x000): "NVIDIA Denver",
    (0x4E, 0x003): "NVIDIA Denver 2",
    (0x4E, 0x004): "NVIDIA Carmel",
    (0x51, 0x00F): "Qualcomm Scorpion",
    (0x51, 0x02D): "Qualcomm Scorpion",
    (0x51, 0x04D): "Qualcomm Krait",
    (0x51, 0x06F): "Qualcomm Krait",
    (0x51, 0x201): "Qualcomm Kryo Silver",
    (0x51, 0x205): "Qualcomm Kryo Gold",
    (0x51, 0x211): "Qualcomm Kryo Silver",
    (0x51, 0x800): "Qualcomm Kryo 2xx Gold",
    (0x51, 0x801): "Qualcomm Kryo 2xx Silver",
    (0x51, 0x802): "Qualcomm Kryo 3xx Gold",
    (0x51, 0x803): "Qualcomm Kryo 3xx Silver",
    (0x51, 0x804): "Qualcomm Kryo 4xx Gold",
    (0x51, 0x805): "Qualcomm Kryo 4xx Silver",
    (0x53, 0x001): "Samsung Exynos M1/M2",
    (0x53, 0x002): "Samsung Exynos M3",
    (0x53, 0x003): "Samsung Exynos M4",
    (0x53, 0x004): "Samsung Exynos M5",
}

_LINE = re.compile(r"([^:\t]*[^:\s])\s*:\s*(.*)")


@dataclass(frozen=True, slots=True)
class CpuInfo:
    """Content of /proc/cpuinfo; None for a value that the text does not have.

    ``cpu``: the kinds of core, joined by ' + '; ``processors``: number of CPUs listed (offline ones often are not);
    ``soc`` and ``model``: the Hardware and Model lines of Arm kernels; ``clock_mhz``: the highest clock listed;
    ``int8_isa``: the instruction sets for products of 8-bit numbers that all listed CPUs have
    (``edgenas.devices.facts.int8_products``).
    """

    cpu: str | None = None
    processors: int | None = None
    soc: str | None = None
    model: str | None = None
    clock_mhz: float | None = None
    int8_isa: str | None = None


def parse_cpuinfo(text: str) -> CpuInfo:
    """Read the text of /proc/cpuinfo; unknown lines are ignored."""
    processors = 0
    fields: dict[str, list[str]] = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        key, value = match[1], match[2].strip()
        if key == "processor" and value.isdigit():
            processors += 1
        elif value:
            fields.setdefault(key, []).append(value)
    arm = _arm_cores(fields.get("CPU implementer", []), fields.get("CPU part", []))
    named = sorted({" ".join(name.split()) for name in fields.get("model name", [])})
    return CpuInfo(
        cpu=" + ".join(arm or named) or None,
        processors=processors or None,
        soc=_first(fields, "Hardware"),
        model=_first(fields, "Model"),
        clock_mhz=max((float(v) for v in fields.get("cpu MHz", []) if re.fullmatch(r"\d+(\.\d+)?", v)), default=None),
        int8_isa=int8_isa(line.split() for line in (*fields.get("flags", []), *fields.get("Features", []))),
    )


def _arm_cores(implementers: list[str], parts: list[str]) -> list[str]:
    """Return the distinct core names, sorted; for a core that is not in ARM_CORES, its numbers."""
    names = []
    for implementer, part in zip(implementers, parts, strict=False):
        if re.fullmatch(r"0x[0-9a-fA-F]{1,4}", implementer) and re.fullmatch(r"0x[0-9a-fA-F]{1,4}", part):
            key = (int(implementer, 16), int(part, 16))
            names.append(ARM_CORES.get(key, f"implementer {key[0]:#04x} part {key[1]:#05x}"))
    return sorted(set(names))


def _first(fields: dict[str, list[str]], key: str) -> str | None:
    return fields[key][0] if key in fields else None
