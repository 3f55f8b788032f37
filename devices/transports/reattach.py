"""Work on a device that is found again: by the next connection, and by the next process of ours after this one died.

On devices with a connection to lose the work is a job in HOME/kept/KEY, where nothing is cleared away on connecting;
KEY says what the work is. There is one at a time: asking for another ends and removes what is there. Only to be used
by who holds the device (``edgenas.devices.session.session``).
"""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Callable, Sequence

from edgenas.base.errors import DeviceError, LostError
from edgenas.devices.base import Device
from edgenas.devices.transports.home import KILL_SESSION
from edgenas.devices.transports.jobs import PATIENT, Wait, patiently, run_job
from edgenas.devices.transports.remote import BOOT_ID
from edgenas.devices.transports.remote_device import RemoteDevice

_CALL_S = 60.0
_KEY = re.compile(r"[0-9a-f]{16,64}")

# $1 our folder, $2 the key to leave alone or ''; says whether that one is there
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
    """``put`` files into a folder that is not there yet, run ``argv`` of that folder, and wait: see ``jobs.run_job``.

    Work of the same ``key`` that an earlier process of ours left there is not done again but waited for. A device
    without a connection to lose (``LocalDevice``) just runs it.
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
    try:
        return run_job(device, argv(folder), f"{folder}/job", timeout_s=timeout_s, wait=wait)
    except LostError:
        raise  # it may go on there, and be collected by the next who asks for it
    except BaseException:
        with contextlib.suppress(DeviceError):
            clear(device)
        raise


def clear(device: Device) -> None:
    """End and remove whatever is kept on the device."""
    if isinstance(device, RemoteDevice):
        _keep(device, device.about().path, "")


def _keep(device: Device, home: str, key: str) -> bool:
    """Whether ``key`` is there; all else is gone."""
    done = device.run(["sh", "-c", _KEEP, "sh", home, key], timeout_s=_CALL_S)
    if done.returncode != 0:
        raise DeviceError(f"{device.name}: {home}/kept cannot be used: {done.stderr.strip()[-200:]}")
    return done.stdout == "there\n"


def kept_key(device: Device) -> str:
    """The key of what an earlier process of ours left on the device; '' for nothing."""
    if not isinstance(device, RemoteDevice):
        return ""
    done = device.run(["ls", "-1", f"{device.about().path}/kept"], timeout_s=_CALL_S)
    names = [name for name in done.stdout.splitlines()[:2] if _KEY.fullmatch(name)]
    return names[0] if names else ""
