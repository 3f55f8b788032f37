"""Latency tables that others published: each format becomes blocks and milliseconds. One file a format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from blocks.errors import InputError
from latency_tables.importers import fbnet, ofa, proxylessnas, single_path, tunas
from latency_tables.importers.reading import Places, Reading


@dataclass(frozen=True, slots=True)
class Format:
    """``read(text, places, column)``; ``space`` is the one whose layers a positional format counts, '' where every
    entry says its block; ``device`` the one the published file was measured on, '' where the file says."""

    read: Callable[[str, Places, str], Reading]
    space: str
    device: str


FORMATS: dict[str, Format] = {
    "proxylessnas": Format(proxylessnas.read, "", "Pixel 1"),
    "ofa": Format(ofa.read, "", ""),
    "single-path": Format(single_path.read, "single_path", "Pixel 1"),
    "tunas": Format(tunas.read, "proxylessnas", "Pixel 1"),
    "fbnet": Format(fbnet.read, "fbnet", ""),
}


def table_format(name: str) -> Format:
    """A format by name; InputError lists the names."""
    if name not in FORMATS:
        raise InputError(f"no format {name!r}; there are {', '.join(FORMATS)}")
    return FORMATS[name]
