"""Sections of devices.toml: one pydantic model for each kind of device, and the error for an invalid section."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from edgenas.base.errors import DeviceInputError
from edgenas.base.naming import there_are
from edgenas.base.text import printable
from edgenas.devices.transports.remote import check_host, check_port, check_serial, check_user
from edgenas.devices.transports.ssh.keys import is_public

#: tools for phones; each has a field with its path and a field with its sha256
TOOLS = ("benchmark_model", "onnxruntime_perf_test")
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")

_PYTHON = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_+.-]*|/[A-Za-z0-9_+./@-]*")
_SECRETS = ("password", "passwd", "passphrase", "pass", "secret", "token")
_REMEDIES = {
    "kind": 'write kind = "local", kind = "ssh", kind = "adb", or one of your own: kind = "my_kind.py:NAME"',
    "python": 'write python = "/path/to/python3", absolute or a plain command name',
    "pythons": 'write the Python that has a delegate, such as pythons = { openvino = "/opt/openvino/bin/python" }',
    "libraries": 'write the folder of a vendor\'s libraries, such as libraries = { qualcomm = "~/qairt/lib" }',
    "external": 'write the file of the delegate in its folder, such as external = { qnn = "libQnnTFLiteDelegate.so" }',
    "external_options": 'write KEY:VALUE;..., such as external_options = { qnn = "backend_type:htp" }',
    "libraries_sha256": "write the digests that edgenas names for the folders of libraries",
    "cores": "write CPU numbers in brackets, such as cores = [2, 3]",
    "pool": 'write a name that alike devices share, such as pool = "pi4"',
    "host": 'write host = "pi4.local" or host = "192.168.1.20"',
    "user": 'write user = "pi"',
    "port": "write a number, such as port = 22",
    "key": 'write the path of a private key, absolute or from ~/, such as key = "~/.ssh/id_ed25519"',
    "jump": 'write jump = "user@host:port", several with commas in between, nearest first',
    "ssh_config": "write ssh_config = false to leave ~/.ssh/config out",
    "serial": 'write what `adb devices` shows or HOST:PORT, such as serial = "192.168.1.30:5555"',
    "hardware_serial": "write what `adb shell getprop ro.serialno` shows",
    "adb": 'write the path of an adb program, absolute or from ~/, such as adb = "/opt/platform-tools/adb"',
    **{name: f'write the path of the program, absolute or from ~/, such as {name} = "~/{name}"' for name in TOOLS},
    **{f"{name}_sha256": f"write the 64 digits that `sha256sum {name}` shows" for name in TOOLS},
}


def _checked_by(check: Callable[[Any], Any]) -> AfterValidator:
    """Return a pydantic validator that runs ``check`` and reports its DeviceInputError."""

    def run(value: Any) -> Any:
        try:
            return check(value)
        except DeviceInputError as error:
            raise ValueError(str(error)) from error

    return AfterValidator(run)


def _check_python(text: str) -> str:
    if not _PYTHON.fullmatch(text) or ".." in text.split("/") or len(text) > 400:
        raise DeviceInputError(f"{text[:80]!r} is not allowed; {_REMEDIES['python']}")
    return text


def _check_cores(cores: list[int]) -> list[int]:
    if len(set(cores)) != len(cores):
        raise DeviceInputError(f"{cores} names a CPU twice; {_REMEDIES['cores']}")
    return sorted(cores)


def _check_file(text: str) -> str:
    if not text.startswith(("/", "~/")) or ".." in text.split("/") or not text.isprintable() or len(text) > 1000:
        raise DeviceInputError(f"{text[:80]!r} is not a path: give it absolute or from ~/, without '..'")
    return text


_Python = Annotated[str, _checked_by(_check_python)]
_File = Annotated[str, _checked_by(_check_file)]
_Library = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,200}$")]
_Options = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:;,/=+-]{1,1000}$")]
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Section(BaseModel):
    """Fields that every kind of device has."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    kind: str
    cores: Annotated[list[Annotated[int, Field(ge=0, le=1023)]], _checked_by(_check_cores)] | None = None
    pool: Annotated[str, Field(pattern=f"^(?:{NAME.pattern})$")] | None = None


class LocalSection(Section):
    """Section of this machine. By the name of a delegate: the Python that has its packages, and the folder of its
    vendor's libraries, with its digest."""

    kind: Literal["local"]
    python: _Python | None = None
    pythons: dict[str, _Python] | None = None
    libraries: dict[str, _File] | None = None
    libraries_sha256: dict[str, _Sha256] | None = None


class SshSection(Section):
    """Section of a board; fields that are left out are read from ~/.ssh/config, unless ``ssh_config`` is false.
    ``pythons`` and ``libraries`` are as in ``LocalSection``; folders are on this machine, and carried to the board."""

    kind: Literal["ssh"]
    host: Annotated[str, _checked_by(check_host)]
    user: Annotated[str, _checked_by(check_user)] | None = None
    port: Annotated[int, _checked_by(check_port)] | None = None
    key: _File | None = None
    jump: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    ssh_config: bool = True
    python: _Python = "python3"
    pythons: dict[str, _Python] | None = None
    libraries: dict[str, _File] | None = None
    libraries_sha256: dict[str, _Sha256] | None = None


class AdbSection(Section):
    """Section of a phone; without a serial, it is the only phone that adb sees. ``libraries`` are folders of vendors'
    libraries by the name of a delegate; ``external`` has the file in it for delegates external:NAME, by NAME."""

    kind: Literal["adb"]
    serial: Annotated[str, _checked_by(check_serial)] | None = None
    hardware_serial: Annotated[str, _checked_by(check_serial)] | None = None
    adb: _File | None = None
    benchmark_model: _File | None = None
    benchmark_model_sha256: _Sha256 | None = None
    onnxruntime_perf_test: _File | None = None
    onnxruntime_perf_test_sha256: _Sha256 | None = None
    libraries: dict[str, _File] | None = None
    libraries_sha256: dict[str, _Sha256] | None = None
    external: dict[str, _Library] | None = None
    external_options: dict[str, _Options] | None = None


def validated(model: type[Section], name: str, table: Any) -> Section:
    """Return the section ``name`` of the inventory as a ``model``, from its TOML ``table``.

    SectionError names the field, the fault and what to write.
    """
    try:
        section = model.model_validate(table)
    except ValidationError as error:
        field, fault = _first(error, name, model)
        raise SectionError(field, fault) from error
    if isinstance(section, SshSection) and section.key:
        _check_private(Path(section.key).expanduser(), name)
    if isinstance(section, AdbSection):
        for tool in TOOLS:
            _check_pair(section, name, tool)
    return section


class SectionError(DeviceInputError):
    """Error where a section breaks a rule; ``field`` is the field that breaks it, '' for the section itself."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def no_such_kind(name: str, table: Any) -> SectionError:
    """Return the error for a section whose ``kind`` is missing or not a text."""
    if not isinstance(table, dict):
        return SectionError("", f"devices.{name}: not a table; write [devices.{name}] and its fields below")
    if "kind" not in table:
        return SectionError("kind", f"devices.{name}.kind: missing; {_REMEDIES['kind']}")
    kind = printable(str(table["kind"]), 80)  # a value that is not a text; texts go to inventory.own_kind
    return SectionError(
        "kind", f"devices.{name}.kind: must be 'local', 'ssh' or 'adb', but it is {kind!r}; {_REMEDIES['kind']}"
    )


def _check_private(key: Path, name: str) -> None:
    """Raise SectionError where others can read the private key; a missing key file is an error of the login."""
    try:
        mode = key.stat().st_mode
    except OSError:
        return
    if mode & 0o077 and not is_public(key):
        fault = f"devices.{name}.key: others can read the private key {key}; type: chmod 600 '{key}'"
        raise SectionError("key", fault)


def _check_pair(section: AdbSection, name: str, tool: str) -> None:
    path, sha256 = getattr(section, tool), getattr(section, f"{tool}_sha256")
    if path and not sha256:
        fault = f"devices.{name}.{tool}_sha256: missing; type: sha256sum '{path}' and write what it shows"
        raise SectionError(tool, fault)
    if sha256 and not path:
        raise SectionError(f"{tool}_sha256", f"devices.{name}.{tool}: missing; {_REMEDIES[tool]}")


def _first(error: ValidationError, name: str, model: type[Section]) -> tuple[str, str]:
    """Return the field and a message of one line for the first error of pydantic."""
    fault = error.errors(include_url=False)[0]
    field = printable(str(fault["loc"][0]), 80) if fault["loc"] else ""
    where = f"devices.{name}.{field}" if field else f"devices.{name}"
    if fault["type"] == "extra_forbidden" and field.lower() in _SECRETS:
        return field, (
            f"{where}: no password is ever kept in a file or sent; log in with a key: type: ssh-copy-id USER@HOST, "
            "and delete this line"
        )
    if fault["type"] == "extra_forbidden":
        known = ["kind", *(f for f in model.model_fields if f not in Section.model_fields), "cores", "pool"]
        return field, f"{where}: unknown field; {there_are(field, known, 'known:')}"
    if fault["type"] == "missing":
        return field, f"{where}: missing; {_REMEDIES[field]}"
    if fault["type"] == "value_error":
        return field, f"{where}: {printable(str(fault['ctx']['error']), 400)}"
    got = printable(str(fault["input"]), 80)
    return field, f"{where}: {printable(fault['msg'], 200)}, but it is {got!r}; {_REMEDIES[field]}"


def line_of(text: str, name: str, field: str = "") -> int | None:
    """Return the line number of a section's ``field``; of the section's head where the section has no such line; None
    where the section has no unique head."""
    head = re.compile(rf"\s*\[\s*devices\s*\.\s*([\"']?){re.escape(name)}\1\s*\]")
    lines = text.split("\n")
    heads = [number for number, line in enumerate(lines, 1) if head.match(line)]
    if len(heads) != 1:
        return None
    for number in range(heads[0], len(lines)):
        if re.match(r"\s*\[", lines[number]):
            break
        if field and re.match(rf"\s*([\"']?){re.escape(field)}\1\s*=", lines[number]):
            return number + 1
    return heads[0]
