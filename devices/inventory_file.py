"""Edits of devices.toml by commands: comments, order and quotes of the user stay as they are (tomlkit).

The file is replaced as a whole, and only by a text that is a valid inventory.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.errors import DeviceInputError, InputError
from edgenas.base.files import replacing
from edgenas.base.reading import read_bytes
from edgenas.devices.inventory import parse_inventory
from edgenas.devices.sections import NAME, line_of

if TYPE_CHECKING:
    from tomlkit.items import Item, Table

Value = str | int | bool | tuple[int, ...] | Mapping[str, str]


def append_section(path: Path, name: str, fields: Mapping[str, Value]) -> str:
    """Add a section [devices.NAME] at the end of the file and return the text that was added.

    DeviceInputError where the name exists already or a value breaks a rule; then nothing is written.
    """
    import tomlkit

    before = check_new(path, name)
    section = tomlkit.dumps({"devices": _devices(name, fields)})
    parse_inventory(section, Path("the new section"))
    document = tomlkit.parse(before + "\n" if before and not before.endswith("\n") else before)
    if "devices" not in document:
        document.append("devices", _devices(name, fields))
    elif isinstance(there := document["devices"], tomlkit.items.InlineTable):
        raise DeviceInputError(
            f"{path}: devices = {{...}} holds no sections; write [devices.{name}] and others instead"
        )
    else:
        there.append(name, _table(fields))
    _write(path, before, tomlkit.dumps(document), name, fields)
    return section


def check_new(path: Path, name: str) -> str:
    """Return the text of the file; DeviceInputError where ``name`` cannot be added to it."""
    if not NAME.fullmatch(name):
        raise DeviceInputError(f"device name {name[:80]!r} must be lower-case letters, digits, '-' and '_', at most 63")
    text = _read(path)
    if name in parse_inventory(text, path):
        raise DeviceInputError(f"{path}: {name} is there already; choose another name, or change its section by hand")
    return text


def set_field(path: Path, name: str, field: str, value: Value) -> None:
    """Write one field of an existing section, in place of its old value, or as the first one."""
    import tomlkit

    text, item = _read(path), _item(value)
    if name not in parse_inventory(text, path) or line_of(text, name) is None:
        raise DeviceInputError(
            f"{path}: there is no plain [devices.{name}]; write {field} = {item.as_string()} by hand"
        )
    document = tomlkit.parse(text)
    section: Table = document["devices"][name]
    if field in section:
        section[field] = item
    else:  # first: what follows the last field may be a comment on the next section
        section.value.body.insert(0, (tomlkit.key(field), item))
    _write(path, text, tomlkit.dumps(document), name, {field: value})


def _read(path: Path) -> str:
    try:
        return read_bytes(path).decode() if path.exists() else ""
    except (InputError, UnicodeDecodeError) as error:
        raise DeviceInputError(f"{path}: cannot be read: {error}") from error


def _write(path: Path, before: str, text: str, name: str, fields: Mapping[str, Value]) -> None:
    """Replace the file at ``path``; DeviceInputError where ``text`` is no inventory, or differs from ``before`` in more
    than ``fields`` of the section ``name``."""
    parse_inventory(text, path)
    devices = tomllib.loads(before).get("devices", {})
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in fields.items()}
    if tomllib.loads(text)["devices"] != devices | {name: devices.get(name, {}) | plain}:
        raise DeviceInputError(f"{path}: cannot be changed without changing more; write [devices.{name}] by hand")
    try:
        with replacing(path) as file:
            file.write(text.encode())
    except OSError as error:
        raise DeviceInputError(f"{path}: cannot be written: {error.strerror or error}") from error


def _devices(name: str, fields: Mapping[str, Value]) -> Table:
    """Return the table ``devices`` with one section; its head then reads [devices.NAME]."""
    import tomlkit

    return tomlkit.table(is_super_table=True).append(name, _table(fields))


def _table(fields: Mapping[str, Value]) -> Table:
    import tomlkit

    table = tomlkit.table()
    for key, value in fields.items():
        table.append(key, _item(value))
    return table


def _item(value: Value) -> Item:
    import tomlkit

    if isinstance(value, str) and not value.isprintable():
        raise DeviceInputError(f"{value[:80]!r} has control characters; leave them out")
    if isinstance(value, Mapping):
        inline = tomlkit.inline_table()
        inline.update(value)
        return inline
    return tomlkit.item(list(value) if isinstance(value, tuple) else value)
