"""Tools: programs that the user supplies for a device without Python, copied to the device once and verified.

They lie in the folder ``tools`` beside the work folders, each under the sha256 of its content, and are never cleared.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from edgenas.base.errors import DeviceError, DeviceInputError
from edgenas.base.reading import unreadable
from edgenas.base.text import printable
from edgenas.devices.base import Device

_CALL_S = 60.0  # enough for the slowest device to hash 100 MB

# $1 path, $2 sha256: prints 'whole' where the file has this sha256; with $3, removes a file that has not
_CHECK = """
t=$1
mkdir -p -m 700 "${t%/*}" || exit 1
if [ -f "$t" ] && [ ! -L "$t" ]; then
    chmod 755 "$t"
    s=$(sha256sum <"$t")
    if [ "${s%% *}" = "$2" ]; then echo whole; exit 0; fi
fi
[ -z "$3" ] || rm -rf -- "$t"
"""


@dataclass(frozen=True, slots=True)
class Tool:
    """A program for a device: ``path`` on this machine, and the ``sha256`` of its content, 64 lower-case hex digits."""

    path: Path
    sha256: str


def place(device: Device, tool: Tool) -> str:
    """Copy the tool to the device unless it is there with the right sha256, and return its path on the device.

    DeviceInputError where the sha256 of the file on this machine is not ``tool.sha256``; DeviceError where the device
    fails.
    """
    _check_here(tool)
    with device.workdir() as work:
        target = f"{work.rpartition('/')[0]}/tools/{tool.sha256}"
    if not _is_whole(device, target, tool, clear=True):
        device.push(tool.path, target)
        if not _is_whole(device, target, tool, clear=False):
            raise DeviceError(f"{device.name}: {tool.path} was copied to {target}, but is not whole there; try again")
    return target


def _check_here(tool: Tool) -> None:
    try:
        with tool.path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DeviceInputError(unreadable(tool.path, error, "program")) from error
    if sha256 != tool.sha256:
        raise DeviceInputError(
            f"{tool.path} has sha256 {sha256}, not {tool.sha256[:80]!r} as given; if it is the right program, give "
            f"{sha256}"
        )


def _is_whole(device: Device, target: str, tool: Tool, *, clear: bool) -> bool:
    argv = ["sh", "-c", _CHECK, "edgenas", target, tool.sha256, "clear" if clear else ""]
    done = device.run(argv, timeout_s=_CALL_S)
    if done.returncode != 0:
        why = printable(done.stderr[-400:]) or f"exit code {done.returncode}"
        raise DeviceError(f"{device.name}: cannot look at {target}: {why}")
    return done.stdout == "whole\n"
