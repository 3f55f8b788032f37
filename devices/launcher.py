"""Launchers: small scripts on a device that start a tool with a vendor's libraries on its library path.

A launcher lies beside the tool and is named by the sha256 of its content, which contains the paths of the tool and of
the libraries, and these contain their sha256: other libraries make another launcher.
"""

from __future__ import annotations

import hashlib
import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path

from edgenas.base.errors import DeviceError
from edgenas.base.text import printable
from edgenas.devices.base import Device
from edgenas.devices.tools import Tool, place

_CALL_S = 60.0
#: where a Qualcomm phone looks for programs of its DSP besides the libraries of the user
_DSP = "/system/lib/rfsa/adsp;/system/vendor/lib/rfsa/adsp;/vendor/lib/rfsa/adsp;/dsp"
_SCRIPT = """#!{shell}
LD_LIBRARY_PATH={folder}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}
ADSP_LIBRARY_PATH={folder}";{dsp}"
export LD_LIBRARY_PATH ADSP_LIBRARY_PATH
exec {tool} "$@"{flags}
"""


def place_launcher(device: Device, tool: str, libraries: str, flags: Sequence[str]) -> str:
    """Put a launcher on the device and return its path there: it starts ``tool`` with the arguments that it gets, and
    ``flags`` after them, with the folder ``libraries`` on the library paths. DeviceError where the device fails."""
    found = device.run(["sh", "-c", "command -v sh"], timeout_s=_CALL_S)
    shell = found.stdout.strip()
    if found.returncode != 0 or not shell.startswith("/") or any(c.isspace() for c in shell):
        raise DeviceError(f"{device.name}: no path of its shell: {printable(found.stdout + found.stderr, 200)!r}")
    text = _SCRIPT.format(
        shell=shell,
        folder=shlex.quote(libraries),
        dsp=_DSP,
        tool=shlex.quote(tool),
        flags="".join(f" {shlex.quote(flag)}" for flag in flags),
    )
    content = text.encode()
    with tempfile.TemporaryDirectory(prefix="edgenas-") as staging:
        file = Path(staging, "launcher")
        file.write_bytes(content)
        return place(device, Tool(file, hashlib.sha256(content).hexdigest()))
