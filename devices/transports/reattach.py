"""Jobs on a device that a later process of edgenas can take over, after the connection broke or this process died.

On a remote device, the job is in HOME/kept/KEY, which is not cleared at a new connection; KEY identifies the work.
There is one such job at a time: a job with another key ends and removes it. The caller must hold the device
(``edgenas.devices.session.session``).
"""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Callable, Sequence

from edgenas.base.errors import DeviceError, LostError
from edgenas.base.undo import UndoOnFailure
from edgenas.devices.base import Device
from edgenas.devices.transports.home import KILL_SESSION
from edgenas.devices.transports.jobs import PATIENT, Wait, patiently, run_job
from edgenas.devices.transports.remote import BOOT_ID
from edgenas.devices.transports.remote_device import RemoteDevice

_CALL_S = 60.0
_KEY = re.compile(r"[0-9a-f]{16,64}")

# $1 folder of edgenas, $2 key of the folder to keep or ''; removes all others, prints 'there' where that one exists
_KEEP = f"""{KILL_SESSION}
b=$(cat {BOOT_ID})
mkdir -m 700 "$1/kept" 2>/dev/null
cd "$1/kept" || exit 1
for w in * .[!.]*; do
    [ "$w" != "$2" ] || continue
    [ -e "$w" ] || [ -L "$w" ] || continue
    if [ -f "$w/job/pid" ]; then
        read -r o <"$w/job/boot"; read -r p s <"$w/job/pid"
        [ "$o" != "$b" ] || kill_session "$p" "$s"
    fi 2>/dev/null
    rm -rf -- "./$w"
done
[ -n "$2" ] && [ -d "$2" ] && echo there
exit 0
"""


def run_kept(
    device: Device,
    key: str,
    put: Callable[[str], None],
    argv: Callable[[str], Sequence[str]],
    *,
    timeout_s: float,
    wait: Wait = PATIENT,
) -> subprocess.CompletedProcess[str]:
    """Copy files to a new folder with ``put(folder)``, run ``argv(folder)`` as a job, and return its result.

    A job with the same ``key`` that an earlier process of edgenas left on the device is not repeated but waited for. On
    this machine (``LocalDevice``) the command runs without a job. Errors as in ``jobs.run_job``.
    """
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} is not a key")
    if not isinstance(device, RemoteDevice):
        with device.workdir() as work:
            put(f"{work}/work")
            return device.run(argv(f"{work}/work"), timeout_s=timeout_s)
    home = patiently(device.about, wait.patience_s, wait.sleep).path
    folder = f"{home}/kept/{key}"

    def carry() -> None:
        if not _keep(device, home, key):
            put(folder)

    patiently(carry, wait.patience_s, wait.sleep)
    with cleared_on_failure(device):
        return run_job(device, argv(folder), f"{folder}/job", timeout_s=timeout_s, wait=wait)


def cleared_on_failure(device: Device) -> UndoOnFailure:
    """Return a context manager that removes every job on the device when its block fails. After a LostError the jobs
    stay: a job may still run there, and the next process with its key collects the result.
    """

    def undo() -> None:
        with contextlib.suppress(DeviceError):
            clear(device)

    return UndoOnFailure(undo, unless=LostError)


def clear(device: Device) -> None:
    """Kill and remove every job in HOME/kept on the device."""
    if isinstance(device, RemoteDevice):
        _keep(device, device.about().path, "")


def _keep(device: Device, home: str, key: str) -> bool:
    """Remove all folders in HOME/kept except ``key``; return whether that one exists."""
    done = device.run(["sh", "-c", _KEEP, "sh", home, key], timeout_s=_CALL_S)
    if done.returncode != 0:
        raise DeviceError(f"{device.name}: {home}/kept cannot be used: {done.stderr.strip()[-200:]}")
    return done.stdout == "there\n"


def kept_key(device: Device) -> str:
    """Return the key of the job that an earlier process of edgenas left on the device; '' for none."""
    if not isinstance(device, RemoteDevice):
        return ""
    done = device.run(["ls", "-1", f"{device.about().path}/kept"], timeout_s=_CALL_S)
    names = [name for name in done.stdout.splitlines()[:2] if _KEY.fullmatch(name)]
    return names[0] if names else ""
