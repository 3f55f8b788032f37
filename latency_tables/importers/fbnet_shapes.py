"""Importer of HW-NAS-Bench's FBNet tables (arXiv 2103.10584) as JSON: the dumped result of its
``get_op_lookup_tables()``.

    {"raspi4_latency": {"ConvBlock_H32_W32_Cin16_Cout16_exp1_kernel3_stride1_group1": ms, ...}, "raspi4_energy": ...}

Operations are ``ConvNorm`` (stem and last convolution), ``ConvBlock``, ``Skip``, and ``AvgP`` with ``FC``, which
together are the head. The tables are published inside a pickle, which edgenas does not open, since loading a pickle can
run any code. Source of the names: ``hw_nas_bench_api.py`` of github.com/GATECH-EIC/HW-NAS-Bench.
"""

from __future__ import annotations

import re
from collections import Counter

from edgenas.base.errors import InputError
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.imported import PublishedValue
from edgenas.latency_tables.importers.heads import HeadParts
from edgenas.latency_tables.importers.reading import PublishedEntry, PublishedTable, check_ms, json_object
from edgenas.latency_tables.store.fields import Fields

SUFFIX = "_latency"
_NAMES = {
    "ConvNorm": ("H", "W", "Cin", "Cout", "kernel", "stride", "group"),
    "ConvBlock": ("H", "W", "Cin", "Cout", "exp", "kernel", "stride", "group"),
    "Skip": ("H", "W", "Cin", "Cout", "stride"),
    "AvgP": ("H", "W", "Cin", "Cout", "kernel", "stride"),
    "FC": ("Cin", "Cout"),
}
_PART = re.compile(r"([A-Za-z]+)(\d{1,6})", re.ASCII)


def read(text: str, column: str) -> PublishedTable:
    """Return the table of the device ``column``, keyed by block; InputError lists the devices, or names the entry that
    cannot be read."""
    tables = json_object(text)
    devices = [name.removesuffix(SUFFIX) for name in tables if name.endswith(SUFFIX)]
    if column not in devices:
        raise InputError(f"it holds the devices {', '.join(devices) or 'none'}; name one: --device-column DEVICE")
    entries: list[PublishedEntry] = []
    parts = HeadParts()
    left_out: Counter[str] = Counter()
    try:
        table = tables[column + SUFFIX]
        for key in table if isinstance(table, dict) else []:
            ms = check_ms(Fields(table, column).number(key), key[:120])
            _add(key, ms, entries, parts, left_out)
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"not a table of HW-NAS-Bench: {error}") from error
    left_out["parts of heads whose other parts the file lacks"] += parts.unused()
    counts = tuple(f"{count} {what}" for what, count in left_out.items() if count)
    return PublishedTable((*entries, *parts.heads()), counts)


def _add(key: str, ms: float, entries: list[PublishedEntry], parts: HeadParts, left_out: Counter[str]) -> None:
    """Add one operation to ``entries``, to the ``parts`` of heads, or to the counts of ``left_out``."""
    kind, n = _numbers(key)
    if n.get("group", 1) != 1:
        left_out["group convolutions"] += 1
    elif kind == "AvgP":
        parts.pools[n["H"], n["Cin"]] = (key, ms)
    elif kind == "FC":
        parts.classifiers[n["Cin"], n["Cout"]] = (key, ms)
    elif kind == "Skip" and n["stride"] == 1 and n["Cin"] == n["Cout"]:
        left_out["skips that do nothing"] += 1
    elif kind == "ConvBlock":
        residual = n["stride"] == 1 and n["Cin"] == n["Cout"]
        c_mid = n["Cin"] * n["exp"]
        block = BlockSpec("ir", n["H"], n["Cin"], c_mid, n["Cout"], n["kernel"], n["stride"], 0, "relu", residual)
        entries.append(PublishedEntry(key, block, PublishedValue(ms)))
    else:
        block = BlockSpec("conv", n["H"], n["Cin"], 0, n["Cout"], n.get("kernel", 1), n["stride"], act="relu")
        entries.append(PublishedEntry(key, block, PublishedValue(ms)))


def _numbers(key: str) -> tuple[str, dict[str, int]]:
    """Return the kind and the numbers of a key; ValueError for any other text."""
    kind, *parts = key.split("_")
    matches = [_PART.fullmatch(part) for part in parts]
    names = tuple(match[1] if match else "" for match in matches)
    if names != _NAMES.get(kind):
        raise ValueError(f"{key[:120]!r} is not an operation such as ConvBlock_H32_W32_Cin16_Cout16_exp1_kernel3_...")
    numbers = {match[1]: int(match[2]) for match in matches if match}
    if numbers.get("H") != numbers.get("W"):
        raise ValueError(f"{key[:120]!r} is not square")
    return kind, numbers
