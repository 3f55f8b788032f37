"""Importers of latency tables, published ones and the user's own measurements: one module for each format, which
returns blocks and milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgenas.base.errors import InputError
from edgenas.base.naming import there_are
from edgenas.latency_tables.importers import fbnet, ofa, plain, proxylessnas, single_path, tunas
from edgenas.latency_tables.importers.reading import Places, PublishedTable


@dataclass(frozen=True, slots=True)
class PublishedFormat:
    """One format of published tables.

    read       ``read(text, places, column)`` returns the table in a file's text
    space      space whose layers a positional format counts, unless the user names another; '' where every entry names
               its block
    device     device that the published file was measured on; '' where the file names it
    written    languages of its files
    columns    whether a file holds several devices, of which ``column`` selects one
    """

    read: Callable[[str, Places, str], PublishedTable]
    space: str
    device: str
    written: str
    columns: bool = False


FORMATS: dict[str, PublishedFormat] = {
    "proxylessnas": PublishedFormat(proxylessnas.read, "", "Pixel 1", "YAML"),
    "ofa": PublishedFormat(ofa.read, "", "", "YAML"),
    "single-path": PublishedFormat(single_path.read, "single_path", "Pixel 1", "JSON"),
    "tunas": PublishedFormat(tunas.read, "proxylessnas", "Pixel 1", "JSON"),
    "fbnet": PublishedFormat(fbnet.read, "fbnet", "", "CSV or JSON", columns=True),
    "plain": PublishedFormat(plain.read, "", "", "CSV or JSON"),
}


def table_format(name: str) -> PublishedFormat:
    """Return the format called ``name``; InputError lists the names."""
    if name not in FORMATS:
        raise InputError(f"no format {name!r}; {there_are(name, FORMATS)}")
    return FORMATS[name]
