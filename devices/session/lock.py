"""Locks that permit one measurement at a time on a device: a lock file on the device, for all users of one account
there, and a lock file on this machine, which is quicker to check.

Both lie in the folder edgenas-UID below /var/tmp, or below /tmp where that cannot be written: not below a home or a
temporary folder, which two processes of one user may have set differently. The environment variable
EDGENAS_LOCK_FOLDER names another parent folder for the locks of this machine; tests set it.

The file on the device holds the owner, the boot id, and the time of expiry in seconds of the device's uptime: its wall
clock may jump, and a board without a battery starts in the past. A lock is free after a reboot, when its process on
this machine is dead, and when it expired without renewal. A process that takes over a lock waits a moment and reads the
file again, so that of two processes that take over at once only one holds the lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgenas.base.errors import DeviceError
from edgenas.devices.base import Device
from edgenas.devices.transports.owner import Owner, this_process
from edgenas.devices.transports.remote import BOOT_ID, PARENTS
from edgenas.devices.transports.remote_device import RemoteDevice
from edgenas.devices.transports.scratch import private_home

EXPIRY_S = 600  # a lock that is not renewed is free after this time
_CALL_S = 30.0
_SETTLE_S = 1

# $1 folder of edgenas on the device; '' searches it as edgenas.devices.transports.home does. Prints BOOT UPTIME LINE,
# where LINE is the lock's, if any.
_LOOK = f"""h=$1
if [ -z "$h" ]; then
    for d in "${{EDGENAS_LOCK_FOLDER-}}" {" ".join(PARENTS)}; do
        [ -d "$d" ] && [ -w "$d" ] && [ -x "$d" ] && break
    done
    h=$d/edgenas-$(id -u)
    mkdir -m 700 "$h" 2>/dev/null
fi
if [ ! -d "$h" ] || [ -L "$h" ] || [ ! -O "$h" ]; then echo "$h is not a folder of this user" >&2; exit 3; fi
f=$h/device.lock b=$(cat {BOOT_ID})
read -r u x </proc/uptime; u=${{u%%.*}}
now() {{ l=; {{ read -r l <"$f"; }} 2>/dev/null; echo "$b $u $l"; }}
"""

# $2 line that the lock file must have now, '' for no file; $3 our owner; $4 expiry in s. If several processes make the
# file at once, only one succeeds.
_TAKE = f"""{_LOOK}
n="$3 $b $((u+$4))"
if [ -z "$2" ]; then
    (set -C; echo "$n" >"$f") 2>/dev/null
    now
else
    l=; {{ read -r l <"$f"; }} 2>/dev/null
    if [ "$l" = "$2" ]; then
        echo "$n" >"$f.$$" && mv -f "$f.$$" "$f"
        case $l in "$3 "*) ;; *) sleep {_SETTLE_S};; esac
    fi
    now
fi
"""

_FREE = f"""{_LOOK}
l=; {{ read -r l <"$f"; }} 2>/dev/null
case $l in "$2 "*) rm -f "$f";; esac
"""


class LockedError(DeviceError):
    """Error where another process or another user measures on the device."""


@dataclass(frozen=True, slots=True)
class LockHolder:
    """Content of a lock file; ``owner`` None where the line is not in the form of edgenas. ``until_s`` is the expiry in
    seconds of the device's uptime."""

    line: str
    owner: Owner | None
    boot: str
    until_s: int

    def is_gone(self, boot: str, uptime_s: int, me: Owner) -> bool:
        """Return whether the lock may be taken over."""
        return self.owner is None or self.boot != boot or uptime_s >= self.until_s or self.owner.is_dead(me)


def read_holder(answer: str) -> tuple[str, int, LockHolder | None]:
    """Return (boot id, uptime in s, holder) from the output of the lock script; DeviceError for any other text."""
    boot, uptime, line = ([*answer.strip("\n").split(" ", 2), "", "", ""])[:3]
    if not re.fullmatch(r"[0-9a-f-]{8,64}", boot) or not re.fullmatch(r"\d{1,12}", uptime):
        raise DeviceError(f"its answer makes no sense: {answer[:200]!r}")
    if not line:
        return boot, int(uptime), None
    fields = line.split(" ")
    if len(fields) != 3 or not re.fullmatch(r"\d{1,12}", fields[2]):
        return boot, int(uptime), LockHolder(line, None, "", 0)
    return boot, int(uptime), LockHolder(line, Owner.parse(fields[0]), fields[1], int(fields[2]))


@contextmanager
def locked(device: Device, *, expiry_s: int = EXPIRY_S) -> Iterator[None]:
    """Hold the lock of a device for the block; a thread renews it. LockedError names the process that holds it.

    If the device is lost when the block ends, the lock stays until it expires or this process ends.
    """
    folder = _folder(device)
    with host_lock(device.name), _once(device, folder):
        me = this_process()
        _take(device, folder, me, expiry_s)
        done = threading.Event()
        renewing = threading.Thread(
            target=_renew, args=(device, folder, me, expiry_s, done), name=f"lock {device.name}", daemon=True
        )
        renewing.start()
        try:
            yield
        finally:
            done.set()
            renewing.join()
            with contextlib.suppress(DeviceError):
                _call(device, _FREE, folder, str(me))


_held: dict[str, str] = {}  # boot id and folder -> name of the device, for the locks that this process holds
_holding = threading.Lock()


@contextmanager
def _once(device: Device, folder: str) -> Iterator[None]:
    """Refuse a second measurement of one machine by this process under another name; the lock on the device separates
    processes only."""
    boot, _, _ = read_holder(_call(device, f"{_LOOK}\nnow", folder))
    machine = f"{boot} {folder}"
    with _holding:
        other = _held.setdefault(machine, device.name)
        if other != device.name:
            raise LockedError(f"{device.name} and {other} are the same machine; measure it under one name")
    try:
        yield
    finally:
        with _holding:
            _held.pop(machine, None)


def unlock(device: Device) -> str:
    """Remove the lock of any holder; return its line, '' where there was none."""
    script = f'{_LOOK}\nl=; {{ read -r l <"$f"; }} 2>/dev/null; rm -f "$f"; echo "$l"'
    return _call(device, script, _folder(device)).strip()


def _folder(device: Device) -> str:
    """Return the folder of edgenas on the device, '' where the script searches it."""
    return device.about().path if isinstance(device, RemoteDevice) else ""


def _take(device: Device, folder: str, me: Owner, expiry_s: int) -> None:
    expected = ""
    for _ in range(3):
        boot, uptime_s, holder = read_holder(_call(device, _TAKE, folder, expected, str(me), str(expiry_s)))
        if holder is None:
            expected = ""
        elif holder.owner == me:
            return
        elif holder.is_gone(boot, uptime_s, me):
            expected = holder.line
        else:
            raise LockedError(
                f"{device.name} is in use by process {holder.owner.pid if holder.owner else '?'} of "
                f"{'this computer' if holder.owner and holder.owner.host == me.host else 'another computer'}; wait, or "
                f"type: edgenas devices unlock {device.name}; the lock ends by itself in {holder.until_s - uptime_s} s"
            )
    raise LockedError(f"another process takes the lock of {device.name} now; try again in a minute")


def _renew(device: Device, folder: str, me: Owner, expiry_s: int, done: threading.Event) -> None:
    """Renew the lock until ``done``; it is lost only when the device is unreachable for the whole expiry time."""
    while not done.wait(expiry_s / 4):
        with contextlib.suppress(DeviceError):
            found = read_holder(_call(device, _TAKE, folder, "", str(me), str(expiry_s)))[2]
            if found is not None and found.owner == me:
                _call(device, _TAKE, folder, found.line, str(me), str(expiry_s))


def _call(device: Device, script: str, *arguments: str) -> str:
    result = device.run(["sh", "-c", script, "sh", *arguments], timeout_s=_CALL_S)
    if result.returncode != 0:
        raise DeviceError(f"{device.name}: its lock cannot be used: {result.stderr.strip()[-200:]}")
    return result.stdout


def _parent() -> Path:
    """Return the parent of the folder of locks on this machine, as ``_LOOK`` finds it there."""
    for parent in filter(None, (os.environ.get("EDGENAS_LOCK_FOLDER"), *PARENTS)):
        if Path(parent).is_dir() and os.access(parent, os.W_OK | os.X_OK):
            return Path(parent)
    raise DeviceError(f"no lock can be made: {' and '.join(PARENTS[1:])} cannot be written; set EDGENAS_LOCK_FOLDER")


@contextmanager
def host_lock(name: str, folder: Path | None = None) -> Iterator[None]:
    """Hold the lock ``name`` among the processes of this user on this machine; LockedError where another holds it. The
    kernel frees the lock when this process ends, also when it is killed."""
    home = private_home(folder or _parent()) / "locks"
    home.mkdir(mode=0o700, exist_ok=True)
    path = home / hashlib.sha256(name.encode()).hexdigest()[:16]
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise LockedError(f"{name} is in use by another edgenas on this computer; wait until it ends") from error
        yield
    finally:
        os.close(fd)
