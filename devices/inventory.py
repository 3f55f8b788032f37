"""Inventory of devices, the file devices.toml: one section a device, named [devices.NAME]::

    [devices.bench]
    kind = "local"                        # this machine
    python = "/opt/litert/bin/python3"    # Python that runs the runner; default: the Python running edgenas
    cores = [2, 3]                        # CPUs to pin measurements to; default: the last ones

    [devices.pi4]
    kind = "ssh"                          # a board; fields that are left out are read from ~/.ssh/config
    host = "pi4.local"
    user = "pi"                           # also port, key = "~/.ssh/id_ed25519", jump = "user@host:port"
    python = "/home/pi/.edgenas/litert/python"     # default: python3
    pool = "pi4"                          # devices of one pool are alike and may measure one table together

    [devices.pixel]
    kind = "adb"                          # a phone; without a serial, the only phone that adb sees
    serial = "192.168.1.30:5555"          # also hardware_serial (getprop ro.serialno), adb = "/path/of/adb"
    benchmark_model = "~/benchmark_model" # and benchmark_model_sha256; likewise onnxruntime_perf_test
    libraries = { qnn = "~/qnn" }         # vendors' libraries by delegate, and libraries_sha256
    external = { qnn = "libQnn.so" }      # the file for --delegate external:qnn; also external_options

    [devices.bare]
    kind = "my_kind.py:bare"              # your own kind: docs/adding.md; relative paths begin in this file's folder

The device ``local`` always exists.
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from edgenas.base import plugins
from edgenas.base.errors import DeviceError, DeviceInputError, InputError
from edgenas.base.naming import there_are
from edgenas.base.reading import read_bytes
from edgenas.base.text import printable
from edgenas.devices.base import Device
from edgenas.devices.libraries import folders_of
from edgenas.devices.sections import (
    NAME,
    TOOLS,
    AdbSection,
    LocalSection,
    Section,
    SectionError,
    SshSection,
    line_of,
    no_such_kind,
    validated,
)
from edgenas.devices.tools import Tool
from edgenas.devices.transports.adb import AdbDevice, only_serial
from edgenas.devices.transports.adb_server import user_server
from edgenas.devices.transports.local import LocalDevice
from edgenas.devices.transports.ssh.paramiko_link import SshDevice, SshTarget, make_target


@dataclass(frozen=True, slots=True)
class Phone:
    """Identity of a phone for adb. ``serial`` '' is the only phone that adb sees; ``hardware_serial`` '' is any
    hardware; ``program`` '' is the adb program that edgenas installs."""

    serial: str = ""
    hardware_serial: str = ""
    program: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One device of the inventory.

    ``python`` is '' on a device without Python. ``cores`` are the CPUs to pin measurements to: None leaves the choice
    to the campaign, () pins to no CPU. Devices of one ``pool`` are alike. ``tools`` maps names in ``sections.TOOLS`` to
    programs. ``target`` is set for boards, ``phone`` for phones, ``own`` and ``section`` for kinds from user code.
    ``fault`` is why a board cannot be used, '' otherwise: a line of the ssh configuration that edgenas cannot obey. It
    concerns this board alone, so that all other devices of the inventory can be used. ``pythons`` and ``libraries`` map
    the names of delegates to the Python with their packages, and to the folder of the vendor's libraries;
    ``external`` maps names of external delegates to (file in that folder, options).
    """

    name: str
    kind: str
    python: str
    cores: tuple[int, ...] | None = None
    pool: str = ""
    tools: Mapping[str, Tool] = field(default_factory=dict, hash=False)
    target: SshTarget | None = None
    phone: Phone | None = None
    own: DeviceKind | None = field(default=None, hash=False)
    section: Section | None = field(default=None, hash=False)
    fault: str = ""
    pythons: Mapping[str, str] = field(default_factory=dict, hash=False)
    libraries: Mapping[str, Tool] = field(default_factory=dict, hash=False)
    external: Mapping[str, tuple[str, str]] = field(default_factory=dict, hash=False)

    @property
    def is_local(self) -> bool:
        """Return True for this machine, also where its kind is from user code."""
        return self.kind == "local" or (self.own is not None and issubclass(self.own.section, LocalSection))

    def open(self) -> Device:
        """Return the device. A board is connected on first use; a phone without a serial is searched at once.
        DeviceInputError where the device has a ``fault``."""
        if self.fault:
            raise DeviceInputError(self.fault)
        if self.own is None:
            return KINDS[self.kind].open(self)
        try:
            return self.own.open(self)
        except DeviceError:
            raise
        except Exception as error:  # user code may raise anything: it becomes an error that names the device
            why = " ".join(str(error).split())
            raise DeviceInputError(f"devices.{self.name}: {self.kind} failed: {type(error).__name__}: {why}") from error


class DeviceKind(NamedTuple):
    """Kind of device: the model of its section, and the function that makes a Device of an entry."""

    section: type[Section]
    open: Callable[[Entry], Device]


def _open_ssh(entry: Entry) -> Device:
    assert entry.target is not None
    return SshDevice(entry.name, entry.target)


def _open_adb(entry: Entry) -> Device:
    phone = entry.phone or Phone()
    server = user_server(phone.program)
    serial = phone.serial or only_serial(server)
    return AdbDevice(entry.name, serial, server=server, hardware_serial=phone.hardware_serial)


KINDS: dict[str, DeviceKind] = {
    "local": DeviceKind(LocalSection, lambda entry: LocalDevice(entry.name)),
    "ssh": DeviceKind(SshSection, _open_ssh),
    "adb": DeviceKind(AdbSection, _open_adb),
}


def load_inventory(path: Path | None) -> dict[str, Entry]:
    """Read an inventory: name -> entry; only ``local`` where ``path`` is None.

    DeviceInputError names the line, the field and what to write.
    """
    if path is None:
        return parse_inventory("", Path("devices.toml"))
    try:
        text = read_bytes(path, "inventory").decode()
    except InputError as error:
        raise DeviceInputError(str(error)) from error
    except UnicodeDecodeError as error:
        raise DeviceInputError(f"{path}: not TOML: {error}") from error
    return parse_inventory(text, path)


def parse_inventory(text: str, path: Path) -> dict[str, Entry]:
    """Read an inventory from the ``text`` of a file; ``path`` is for messages and for the start of relative paths."""
    entries = {"local": Entry("local", "local", sys.executable)}
    for name, table in _tables(text, path).items():
        if not NAME.fullmatch(name):
            rule = "must be lower-case letters, digits, '-' and '_', at most 63"
            raise DeviceInputError(f"{path}: device name {printable(name, 80)!r} {rule}")
        try:
            kind = table.get("kind") if isinstance(table, dict) else None
            if not isinstance(kind, str):
                raise no_such_kind(name, table)
            own = None if kind in KINDS else own_kind(name, kind, path.parent)
            section = validated((own or KINDS[kind]).section, name, table)
            entries[name] = _entry(name, section) if own is None else _own_entry(name, section, own)
        except SectionError as error:
            line = line_of(text, name, error.field)
            raise DeviceInputError(f"{path}{f', line {line}' if line else ''}: {error}") from error
        if entries[name].fault:
            where = f"{path}, line {line_of(text, name, 'host')}"
            entries[name] = replace(entries[name], fault=f"{where}: devices.{name}: {entries[name].fault}")
    return entries


def find(entries: Mapping[str, Entry], name: str) -> Entry:
    """Return the entry ``name``; DeviceInputError lists the known names, the nearest first, or has its ``fault``."""
    if name not in entries:
        raise DeviceInputError(
            f"no device is called {name[:80]!r}; {there_are(name, entries, 'known:')}; add [devices.NAME] to "
            "devices.toml, or type: edgenas devices add NAME --ssh HOST"
        )
    if entries[name].fault:
        raise DeviceInputError(entries[name].fault)
    return entries[name]


def own_kind(name: str, kind: str, folder: Path) -> DeviceKind:
    """Return the ``DeviceKind`` from user code that the ``kind`` of section ``name`` names.

    ``kind`` is 'FILE.py:NAME' (a relative path begins in ``folder``, the inventory's), 'PACKAGE.MODULE:NAME' or an
    entry point of the group ``edgenas.device_kinds``. SectionError.
    """
    try:
        found = plugins.find(kind, KINDS, "device kind", plugins.GROUPS["device kind"], folder)
        wanted = "a device kind: DeviceKind(a model of its section, a function of its Entry that returns a Device)"
        value = found.value
        good = isinstance(value, DeviceKind) and isinstance(value.section, type) and issubclass(value.section, Section)
        plugins.accepted(found, good and callable(value.open), wanted)
    except InputError as error:
        raise SectionError("kind", f"devices.{name}.kind: {printable(str(error), 1000)}") from error
    made: DeviceKind = value
    return made


def known_hosts_file() -> Path:
    """Return the path of the file with the host keys of enrolled boards."""
    config = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(config) if config.startswith("/") else Path.home() / ".config") / "edgenas" / "known_hosts"


def _tables(text: str, path: Path) -> dict[str, Any]:
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of 5000 digits, a thousand brackets
        raise DeviceInputError(f"{path}: not TOML: {printable(str(error))}") from error
    unknown = [key for key in data if key != "devices"]
    if unknown:
        raise DeviceInputError(f"{path}: unknown {printable(unknown[0], 80)!r}; every section is called [devices.NAME]")
    devices = data.get("devices", {})
    if not isinstance(devices, dict):
        raise DeviceInputError(f"{path}: devices is not a table; every section is called [devices.NAME]")
    return devices


def _entry(name: str, section: Section) -> Entry:
    cores = None if section.cores is None else tuple(section.cores)
    pool = section.pool or ""
    match section:
        case SshSection():
            target, fault = _target(name, section)
            made = Entry(name, section.kind, section.python, cores, pool, target=target, fault=fault)
            return replace(made, pythons=section.pythons or {}, libraries=folders_of(section))
        case AdbSection():
            phone = Phone(section.serial or "", section.hardware_serial or "", _expanded(section.adb))
            paths = {tool: _expanded(getattr(section, tool)) for tool in TOOLS}
            tools = {tool: Tool(Path(path), getattr(section, f"{tool}_sha256")) for tool, path in paths.items() if path}
            external = {
                n: (f, (section.external_options or {}).get(n, "")) for n, f in (section.external or {}).items()
            }
            made = Entry(name, section.kind, "", cores, pool, tools, phone=phone)
            return replace(made, libraries=folders_of(section), external=external)
        case LocalSection():
            made = Entry(name, section.kind, section.python or sys.executable, cores, pool)
            return replace(made, pythons=section.pythons or {}, libraries=folders_of(section))
        case _:
            raise AssertionError(section.kind)


def _own_entry(name: str, section: Section, own: DeviceKind) -> Entry:
    """Return the entry of a kind from user code; the default of ``python`` is the running Python for a local device,
    else 'python3'."""
    cores = None if section.cores is None else tuple(section.cores)
    here = sys.executable if isinstance(section, LocalSection) else "python3"
    python = str(getattr(section, "python", None) or here)
    return Entry(name, section.kind, python, cores, section.pool or "", own=own, section=section)


def _target(name: str, section: SshSection) -> tuple[SshTarget | None, str]:
    """Return the target of a board, and ''; None and the reason where only the ssh configuration is in the way."""

    def made(config: Path | None) -> SshTarget:
        return make_target(
            section.host,
            known_hosts_file(),
            user=section.user,
            port=section.port,
            key=Path(section.key) if section.key else None,
            jump=section.jump,
            config=config,
        )

    try:
        return made(Path("~/.ssh/config").expanduser() if section.ssh_config else None), ""
    except DeviceInputError as error:
        why = str(error)
    try:
        made(None)
    except DeviceInputError as error:
        field = "jump" if section.jump else "host"
        raise SectionError(field, f"devices.{name}: {error}") from error
    return None, why


def _expanded(path: str | None) -> str:
    return str(Path(path).expanduser()) if path else ""
