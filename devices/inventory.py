"""devices.toml: the machines a person has, by name::

    [devices.bench]
    kind = "local"                        # this machine
    python = "/opt/litert/bin/python3"    # what runs the runner there; default: the Python running edgenas
    cores = [2, 3]                        # CPUs to pin measurements to; default: the last ones

A device ``local`` always exists.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from devices.base import Device, DeviceInputError
from devices.local import LocalDevice


@dataclass(frozen=True, slots=True)
class Entry:
    """One device as written; ``cores`` None leaves the choice to the campaign, () pins to nothing."""

    name: str
    kind: str
    python: str
    cores: tuple[int, ...] | None = None

    def open(self) -> Device:
        """The device itself."""
        return KINDS[self.kind](self)


#: kind -> how to make a Device of an entry
KINDS: dict[str, Callable[[Entry], Device]] = {"local": lambda entry: LocalDevice(entry.name)}

_LOCAL = Entry("local", "local", sys.executable)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_REMEDIES = {
    "kind": 'write kind = "local"',
    "python": 'write python = "/path/to/python3", absolute or a plain command name',
    "cores": "write CPU numbers in brackets, such as cores = [2, 3]",
}


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    kind: Literal["local"]
    python: Annotated[str, Field(pattern=r"^(/|[A-Za-z0-9_])[A-Za-z0-9_+./-]*$", max_length=400)] | None = None
    cores: list[Annotated[int, Field(ge=0, le=1023)]] | None = None


def load_inventory(path: Path | None) -> dict[str, Entry]:
    """Entries by name; ``local`` alone when ``path`` is None. DeviceInputError names the field and what to write."""
    entries = {"local": _LOCAL}
    if path is None:
        return entries
    for name, table in _tables(path).items():
        if not _NAME.fullmatch(name):
            raise DeviceInputError(
                f"{path}: device name {name[:80]!r} must be lower-case letters, digits, '-' and '_', at most 63"
            )
        try:
            section = _Section.model_validate(table)
        except ValidationError as error:
            raise DeviceInputError(f"{path}: {_first(error, name)}") from error
        python = section.python or sys.executable
        if ".." in Path(python).parts or ("/" in python and not python.startswith("/")):
            raise DeviceInputError(f"{path}: devices.{name}.python: {python!r} is not allowed; {_REMEDIES['python']}")
        cores = section.cores
        if cores is not None and len(set(cores)) != len(cores):
            raise DeviceInputError(f"{path}: devices.{name}.cores: {cores} names a CPU twice; {_REMEDIES['cores']}")
        entries[name] = Entry(name, section.kind, python, None if cores is None else tuple(sorted(cores)))
    return entries


def find(entries: Mapping[str, Entry], name: str) -> Entry:
    """The entry called ``name``; DeviceInputError lists what there is."""
    if name not in entries:
        raise DeviceInputError(
            f"no device is called {name[:80]!r}; known: {', '.join(entries)}; add [devices.NAME] to devices.toml"
        )
    return entries[name]


def _tables(path: Path) -> dict[str, Any]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DeviceInputError(f"{path}: {error.strerror or error}; name an existing devices.toml") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeviceInputError(f"{path}: not TOML: {error}") from error
    odd = [key for key in data if key != "devices"]
    if odd:
        raise DeviceInputError(f"{path}: unknown {odd[0][:80]!r}; every section is called [devices.NAME]")
    devices = data.get("devices", {})
    if not isinstance(devices, dict):
        raise DeviceInputError(f"{path}: devices is not a table; every section is called [devices.NAME]")
    return devices


def _first(error: ValidationError, name: str) -> str:
    """One line about the first fault pydantic found."""
    fault = error.errors(include_url=False)[0]
    field = str(fault["loc"][0])[:80] if fault["loc"] else ""
    where = f"devices.{name}.{field}" if field else f"devices.{name}"
    if fault["type"] == "extra_forbidden":
        return f"{where}: unknown field; known: {', '.join(_Section.model_fields)}"
    if fault["type"] == "missing":
        return f"{where}: missing; {_REMEDIES[field]}"
    if not field:
        return f"{where}: not a table; write [devices.{name}] and its fields below"
    return f"{where}: {fault['msg']}, but it is {str(fault['input'])[:80]!r}; {_REMEDIES[field]}"
