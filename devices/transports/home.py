"""The folder of edgenas on a device: PARENT/edgenas-UID, mode 0700, with work folders that record their owners.

Every new connection lists it. A work folder of an earlier boot, or of a process that is known to be dead, is removed
with every job in it; so is one that this process could not remove when its block ended, and one that is too old
(FOREIGN_S, _UNNAMED_S). Nothing else is removed. The functions are pure: they return scripts and read their output.
"""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from edgenas.base.errors import DeviceError
from edgenas.devices.transports.owner import Owner
from edgenas.devices.transports.remote import BOOT_ID, PARENTS, check_path

FOREIGN_S = 7 * 86400  # age from which a work folder of another process, also of another computer, is removed
_UNNAMED_S = 600  # age from which a work folder without an owner is removed; a younger one may be in the making
_TOOLS = "setsid timeout sha256sum tar mktemp stat mv rm cat id date"
_WORK = re.compile(r"work-[A-Za-z0-9]{8}")

#: shell function: kills every process of session $1, whose leader started at $2 if given (a pid may be reused)
KILL_SESSION = """kill_session() {
    [ -n "$1" ] || return 0
    if [ -n "$2" ] && [ -r /proc/$1/stat ]; then
        read -r l </proc/$1/stat; f=${l##*) }
        [ "$(echo $f | cut -d' ' -f20)" = "$2" ] || return 0
    fi
    for k in 1 2 3; do
        n=
        for e in /proc/[0-9]*; do
            q=${e#/proc/}; l=
            [ $q != $$ ] || continue
            { read -r l <$e/stat; } 2>/dev/null || continue
            f=${l##*) }
            case $f in Z*) continue;; esac
            f=${f#* }; f=${f#* }; f=${f#* }
            if [ "${f%% *}" = "$1" ]; then kill -9 $q 2>/dev/null && n=1; fi
        done
        [ -n "$n" ] || return 0
    done
}
"""


@dataclass(frozen=True, slots=True)
class WorkFolder:
    """A work folder on a device: its name, age in s, owner (None where none is recorded), and boot id."""

    name: str
    age_s: int
    owner: Owner | None
    boot: str


@dataclass(frozen=True, slots=True)
class Home:
    """State of a device at the time of connecting: path of the folder of edgenas, boot id, serial number ('' where the
    device is not Android), and work folders."""

    path: str
    boot: str
    serial: str
    works: tuple[WorkFolder, ...]


def look(base: str | None = None) -> str:
    """Return a script that makes the folder of edgenas and lists it; ``base`` replaces the default parent folders."""
    parents = " ".join(shlex.quote(check_path(p)) for p in ([base] if base else PARENTS))
    return f"""for t in {_TOOLS}; do command -v $t >/dev/null || {{ echo "it has no program '$t'" >&2; exit 3; }}; done
for d in {parents}; do [ -d "$d" ] && [ -w "$d" ] && [ -x "$d" ] && break; done
h=$d/edgenas-$(id -u)
mkdir -m 700 "$h" 2>/dev/null
if [ ! -d "$h" ] || [ -L "$h" ] || [ ! -O "$h" ] || [ "$(stat -c %a "$h")" != 700 ]; then
    echo "$h is not a private folder of this user there; remove it, or make its parent writable" >&2; exit 3
fi
echo "home $h"
echo "boot $(cat {BOOT_ID})"
echo "serial $(getprop ro.serialno 2>/dev/null)"
n=$(date +%s)
for w in "$h"/work-*; do
    if [ ! -d "$w" ] || [ -L "$w" ]; then continue; fi
    o=; m=$(stat -c %Y "$w/.owner" 2>/dev/null || stat -c %Y "$w")
    {{ read -r o <"$w/.owner"; }} 2>/dev/null
    echo "work ${{w##*/}} $((n-m)) $o"
done"""


def seen(stdout: str) -> Home:
    """Read the output of the script of ``look``; DeviceError for any other text."""
    values: dict[str, str] = {}
    works = []
    for line in stdout.splitlines()[:10_000]:
        key, _, rest = line.partition(" ")
        if key == "work":
            works.append(_work(rest.split(" ")))
        else:
            values[key] = rest.strip()
    path, boot, serial = (values.get(key, "") for key in ("home", "boot", "serial"))
    if not path.startswith("/") or not re.fullmatch(r"[0-9a-f-]{8,64}", boot) or not serial.isprintable():
        raise DeviceError(f"its answer makes no sense: {stdout[:200]!r}")
    return Home(check_path(path), boot, serial[:128], tuple(w for w in works if w))


def _work(fields: Sequence[str]) -> WorkFolder | None:
    if len(fields) < 2 or not _WORK.fullmatch(fields[0]) or not re.fullmatch(r"-?\d{1,12}", fields[1]):
        return None  # not a work folder of edgenas
    owner = Owner.parse(fields[2]) if len(fields) > 2 else None
    return WorkFolder(fields[0], int(fields[1]), owner, fields[3] if len(fields) > 3 else "")


def stale(home: Home, me: Owner, left: Collection[str] = ()) -> list[str]:
    """Return the names of the work folders to remove; ``left`` are paths that this process does not need any more."""
    return [w.name for w in home.works if f"{home.path}/{w.name}" in left or _is_stale(w, home.boot, me)]


def _is_stale(work: WorkFolder, boot: str, me: Owner) -> bool:
    if work.owner is None:
        return work.age_s > _UNNAMED_S
    if work.owner == me:
        return False  # results of its jobs are still to be read, also after a reboot
    return work.boot != boot or work.owner.is_dead(me) or work.age_s > FOREIGN_S


def new_work() -> str:
    """Return a new name for a work folder. This process chooses it, and so knows it also if the connection breaks
    while the device makes the folder."""
    return f"work-{secrets.token_hex(4)}"


def make_work(home: str, name: str, owner: Owner) -> str:
    """Return a script that makes a work folder with its owner, or leaves nothing on an error."""
    if not _WORK.fullmatch(name):
        raise ValueError(f"not the name of a work folder: {name}")
    return f"""d={shlex.quote(f"{check_path(home)}/{name}")}
mkdir -m 700 "$d" || exit 1
echo "{owner} $(cat {BOOT_ID})" >"$d/.owner" || {{ rm -rf "$d"; exit 1; }}"""


def remove_work(home: str, names: Sequence[str]) -> str:
    """Return a script that kills the jobs in work folders and removes the folders."""
    if not all(_WORK.fullmatch(name) for name in names):
        raise ValueError(f"not names of work folders: {names}")
    return f"""{KILL_SESSION}
cd {shlex.quote(check_path(home))} || exit 1
b=$(cat {BOOT_ID})
for w in {" ".join(names)}; do
    for j in "$w"/*/pid; do
        [ -f "$j" ] || continue
        read -r o <"${{j%/pid}}/boot"; read -r p s <"$j"
        [ "$o" != "$b" ] || kill_session "$p" "$s"
    done 2>/dev/null
    rm -rf -- "$w"
done"""
