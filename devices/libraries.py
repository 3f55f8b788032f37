"""Folders of a vendor's libraries for an accelerator, carried to a device."""

from __future__ import annotations

import hashlib
from pathlib import Path

from edgenas.base.errors import DeviceError, DeviceInputError
from edgenas.base.reading import unreadable
from edgenas.devices.base import Device
from edgenas.devices.sections import AdbSection, LocalSection, SshSection
from edgenas.devices.tools import Tool
from edgenas.devices.transports.local import LocalDevice

_CALL_S = 60.0


def folders_of(section: AdbSection | LocalSection | SshSection) -> dict[str, Tool]:
    """Return the folders of libraries that a section of the inventory names: name of a delegate -> folder, digest."""
    digests, folders = section.libraries_sha256 or {}, section.libraries or {}
    return {name: Tool(Path(path).expanduser(), digests.get(name, "")) for name, path in folders.items()}


def place_libraries(device: Device, name: str, folder: Tool) -> str:
    """Return the path on the device of a vendor's folder of libraries, which is copied there unless it is there.

    DeviceInputError where the folder on this machine has another digest than the inventory says; DeviceError where the
    device fails.
    """
    digest = folder_sha256(folder.path)
    if digest != folder.sha256:
        raise DeviceInputError(
            f"{folder.path} has sha256 {digest}, not {folder.sha256[:80]!r} as given; if these are the right "
            f'libraries, write libraries_sha256 = {{ {name} = "{digest}" }} into devices.toml'
        )
    if isinstance(device, LocalDevice):
        return str(folder.path)
    with device.workdir() as work:
        target = f"{work.rpartition('/')[0]}/tools/{digest}-libraries"
    if device.run(["test", "-f", f"{target}/.whole"], timeout_s=_CALL_S).returncode != 0:
        device.run(["rm", "-rf", "--", target], timeout_s=_CALL_S)
        device.run(["mkdir", "-p", "-m", "700", target.rpartition("/")[0]], timeout_s=_CALL_S)
        device.push(folder.path, target)
        done = device.run(["touch", f"{target}/.whole"], timeout_s=_CALL_S)
        if done.returncode != 0:
            raise DeviceError(f"{device.name}: {folder.path} could not be copied to {target}; try again")
    return target


def folder_sha256(folder: Path) -> str:
    """Return the digest of the names and contents of all files in a folder."""
    try:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        digest = hashlib.sha256()
        for path in files:
            digest.update(f"{path.relative_to(folder)} {path.stat().st_size}\n".encode() + path.read_bytes())
    except OSError as error:
        raise DeviceInputError(unreadable(folder, error, "program")) from error
    if not files:
        raise DeviceInputError(f"{folder} holds no libraries; name the folder that has the vendor's .so files")
    return digest.hexdigest()
