"""Changing devices.toml for a person: what stands there stays as it is, comments and all; the file is whole at any
time, and never one that cannot be read again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from edgenas.base.errors import DeviceInputError
from edgenas.base.files import replacing
from edgenas.devices.inventory import line_of, parse_inventory
from edgenas.devices.sections import NAME

Value = str | int | bool | tuple[int, ...]


def append_section(path: Path, name: str, fields: Mapping[str, Value]) -> str:
    """Add [devices.NAME] at the end, the text that was added; DeviceInputError where the name is taken or a value
    breaks a rule, and nothing is written."""
    if not NAME.fullmatch(name):
        raise DeviceInputError(f"device name {name[:80]!r} must be lower-case letters, digits, '-' and '_', at most 63")
    section = f"[devices.{name}]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in fields.items())
    before = _read(path)
    if name in parse_inventory(before, path):
        raise DeviceInputError(f"{path}: {name} is there already; choose another name, or change its section by hand")
    parse_inventory(section, Path("the new section"))
    gap = "" if not before else "\n" if before.endswith("\n") else "\n\n"
    _write(path, before + gap + section)
    return section


def set_field(path: Path, name: str, field: str, value: Value) -> None:
    """Write one field of a section that is there, in place of what it was."""
    text = _read(path)
    if name not in parse_inventory(text, path) or (head := line_of(text, name)) is None:
        raise DeviceInputError(f"{path}: there is no plain [devices.{name}]; write {field} = {_toml(value)} by hand")
    at = line_of(text, name, field)
    lines, line = text.split("\n"), f"{field} = {_toml(value)}"
    if at == head:
        lines.insert(head, line)
    else:
        assert at is not None
        lines[at - 1] = line
    _write(path, "\n".join(lines))


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise DeviceInputError(f"{path}: cannot be read: {error}") from error


def _write(path: Path, text: str) -> None:
    """Replace the file at ``path``; DeviceInputError where ``text`` is no inventory."""
    parse_inventory(text, path)
    try:
        with replacing(path) as file:
            file.write(text.encode())
    except OSError as error:
        raise DeviceInputError(f"{path}: cannot be written: {error.strerror or error}") from error


def _toml(value: Value) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    if isinstance(value, str) and not value.isprintable():
        raise DeviceInputError(f"{value[:80]!r} has control characters; leave them out")
    return json.dumps(value, ensure_ascii=False)
