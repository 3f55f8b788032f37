"""Names of a device and of its chip (SoC), from /proc/cpuinfo, Android's properties and the device tree.

Tables: devices/facts/soc_table.py and devices/facts/model_table.py. A name has the source of its evidence; where the
evidence fits several chips, all of them are returned. The functions are pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from edgenas.devices.facts.model_table import MAKERS, MARKETING
from edgenas.devices.facts.soc_table import (
    CODE_NAMES,
    FAMILIES,
    PARTS,
    PI_MODELS,
    PI_OLD,
    PI_PROCESSORS,
    PI_TYPES,
    REFINED,
    SIGNATURES,
)

_HEX = re.compile(r"0x[0-9a-fA-F]{1,4}")
_INTEL = re.compile(r"Intel\(R\) (Atom|Core|Xeon|Pentium|Celeron)\((?:TM|R)\)(?: CPU)? +([\w-]+(?: v\d)?)")
_LINE = re.compile(r"([^:\t]*[^:\s])\s*:[ \t]*(.*)")
_RASPBERRY = re.compile(r"(?:Raspberry Pi|RPi) ?(.*)")
# properties that may name the chip, the most specific first
_CHIP_PROPERTIES = (
    "ro.soc.model",
    "ro.chipname",
    "ro.hardware.chipname",
    "ro.product.board",
    "ro.board.platform",
    "ro.mediatek.platform",
    "ro.hardware",
    "ro.product.device",
    "ro.product.name",
)
_NOT_A_MODEL = ("generic", "unknown", "aosp", "full_", "sdk_")


@dataclass(frozen=True, slots=True)
class SocName:
    """Name of a chip. ``basis`` is the source of the evidence: 'hardware', the name of a property, 'revision', 'model',
    'processor' or 'cores'. ``others`` are further chips that the same evidence fits."""

    name: str
    basis: str
    others: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " or ".join((self.name, *self.others))


def soc_name(cpuinfo: str, properties: Mapping[str, str] | None = None, model: str = "") -> SocName | None:
    """Return the name of the chip; None where it cannot be determined. ``model`` is the model in the device tree."""
    fields = _fields(cpuinfo)
    for text in fields.get("model name", []):
        if match := _INTEL.search(text):
            return SocName(f"Intel {match[1]} {match[2]}", "processor")
    evidence = [(text, "hardware") for text in fields.get("Hardware", [])[:1]]
    evidence += [(properties[key], key) for key in _CHIP_PROPERTIES if properties and properties.get(key)]
    names = [SocName(name, basis) for text, basis in evidence if (name := _part(text))]
    names.sort(key=lambda soc: soc.name.lower() in FAMILIES)
    if names:
        return _refined(names[0], fields)
    if (revision := _pi_revision(fields)) is not None and revision[1]:
        return SocName(revision[1], "revision")
    if match := _RASPBERRY.match(model or next(iter(fields.get("Model", [])), "")):
        return SocName(next(chip for start, chip in PI_MODELS if match[1].startswith(start)), "model")
    return _from_cores(fields)


def model_name(cpuinfo: str, properties: Mapping[str, str] | None = None, model: str = "") -> str | None:
    """Return the name of the device: its marketing name where known, else its maker and model; None where the device
    reports no model. ``model`` is the model in the device tree."""
    if model:
        return model
    fields = _fields(cpuinfo)
    product = (properties or {}).get("ro.product.model", "").strip()
    if product:
        if product.lower() in MARKETING:
            return MARKETING[product.lower()]
        maker = (properties or {}).get("ro.product.manufacturer", "").strip()
        if product.lower().startswith(_NOT_A_MODEL):
            return None
        if product.startswith(("Nexus", "Pixel")):
            maker = "Google"
        maker = MAKERS.get(maker.lower(), maker)
        return product if product.lower().startswith(maker.lower()) else f"{maker} {product}"
    if fields.get("Model"):
        return fields["Model"][0]
    if (revision := _pi_revision(fields)) is not None:
        return revision[0]
    return MARKETING.get(next(iter(fields.get("Hardware", [])), "").lower())


def _fields(text: str) -> dict[str, list[str]]:
    """Return key -> its values in order, from the text of /proc/cpuinfo."""
    fields: dict[str, list[str]] = {}
    for line in text[:200_000].splitlines():
        if (match := _LINE.match(line)) and match[2].strip():
            fields.setdefault(match[1], []).append(match[2].strip())
    return fields


def _part(text: str) -> str | None:
    """Return the chip that ``text`` names, or None."""
    if text.strip().lower() in CODE_NAMES:
        return CODE_NAMES[text.strip().lower()]
    for pattern, name in PARTS:
        if match := pattern.search(text.replace("_", " ")):
            part = match[1].replace(" ", "")
            return name.format(part.upper() if part.islower() else part)
    return None


def _pi_revision(fields: Mapping[str, list[str]]) -> tuple[str, str] | None:
    """Return (model, chip) from the revision code of a Raspberry Pi; None for other devices."""
    if not any(h.startswith("BCM2") for h in fields.get("Hardware", [])) and "Serial" not in fields:
        return None
    text = next(iter(fields.get("Revision", [])), "")
    if not re.fullmatch(r"[0-9a-fA-F]{4,8}", text):
        return None
    code = int(text, 16) & 0xFFFFFF
    if code & 0x800000:
        kind, chip = PI_TYPES.get(code >> 4 & 0xFF), code >> 12 & 0xF
        if kind is None or chip >= len(PI_PROCESSORS):
            return None
        return f"Raspberry Pi {kind} Rev 1.{code & 0xF}", PI_PROCESSORS[chip]
    if code in PI_OLD and any(h.startswith("BCM2") for h in fields.get("Hardware", [])):
        return f"Raspberry Pi {PI_OLD[code]}", PI_PROCESSORS[0]
    return None


def _cores(fields: Mapping[str, list[str]]) -> Counter[tuple[int, int, int, int]]:
    """Return (implementer, part, variant, revision) -> number of cores listed; empty where a line is missing or not
    valid."""
    columns = [fields.get(f"CPU {key}", []) for key in ("implementer", "part", "variant", "revision")]
    cores: Counter[tuple[int, int, int, int]] = Counter()
    if len({len(column) for column in columns}) != 1:
        return cores
    for implementer, part, variant, revision in zip(*columns, strict=True):
        if not all(_HEX.fullmatch(x) for x in (implementer, part, variant)) or not re.fullmatch("[0-9]{1,2}", revision):
            return Counter()
        cores[int(implementer, 16), int(part, 16), int(variant, 16), int(revision)] += 1
    return cores


def _from_cores(fields: Mapping[str, list[str]]) -> SocName | None:
    """Return the chip that has the listed kinds, steppings and numbers of cores, or None."""
    cores = _cores(fields)
    if cores and all(core[:2] == (0x43, 0x0A1) for core in cores):
        return SocName("Cavium ThunderX", "cores")
    ticks = set(fields.get("BogoMIPS", []))
    for (kinds, bogomips), names in SIGNATURES.items():
        if _fits(cores, kinds) and (not bogomips or ticks == {bogomips}):
            return SocName(names[0], "cores", names[1:])
    return None


def _refined(soc: SocName, fields: Mapping[str, list[str]]) -> SocName:
    """Return the member of a chip family that has the listed cores; ``soc`` itself where no member fits."""
    for kinds, name in REFINED.get(soc.name, ()):
        if _fits(_cores(fields), kinds):
            return SocName(name, f"{soc.basis}, cores")
    return soc


def _fits(cores: Mapping[tuple[int, int, int, int], int], kinds: frozenset[tuple[int, int, int, int, int]]) -> bool:
    """Return whether ``cores`` are exactly the cores of ``kinds``, where -1 matches any number."""
    return len(kinds) == len(cores) and all(
        any(
            count == kind[4] and all(want in (-1, got) for got, want in zip(core, kind[:4], strict=True))
            for core, count in cores.items()
        )
        for kind in kinds
    )
