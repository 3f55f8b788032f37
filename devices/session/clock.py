"""Fixed CPU clock during a measurement: the performance governor on boards, fixed performance mode on phones.

Before a setting is changed, a script that restores it is written to the device, in ``state`` beside the work folders.
The script runs

  * when the block ends, also by an exception;
  * at the next connection, by ``restore``, when this process was killed or the connection broke;
  * by a watchdog process on the device, when no connection came back within the time limit.

It may run any number of times, and does nothing after a reboot, which restores the settings by itself.
Setting a governor needs root, or a helper that can do nothing else and a line for sudo: ``helper_installer``.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from edgenas.base.errors import DeviceError
from edgenas.base.listener import SILENT, Listener
from edgenas.base.text import printable
from edgenas.devices.base import Device

HELPER_PATH = "/usr/local/sbin/edgenas-governor"
CPU_ROOT = "/sys/devices/system/cpu"
BOOT_ID = "/proc/sys/kernel/random/boot_id"
WATCH_S = 2  # interval between two checks of the watchdog process

#: script: edgenas-governor CPU GOVERNOR [CPU GOVERNOR]...; it sets the governors and can do nothing else
HELPER = """#!/bin/sh
# edgenas-governor CPU GOVERNOR [CPU GOVERNOR]...    sets the governor of each CPU; made by edgenas
root=@ROOT@
bad=0
[ $# -ge 2 ] || exit 2
while [ $# -gt 0 ]; do
    case $1 in cpu[0-9]|cpu[0-9][0-9]|cpu[0-9][0-9][0-9]) ;; *) exit 2;; esac
    case $2 in ''|*[!a-z_]*) exit 2;; esac
    f=$root/$1/cpufreq/scaling_governor
    { echo "$2" >"$f"; } 2>/dev/null
    { read -r now <"$f"; } 2>/dev/null && [ "$now" = "$2" ] || bad=1
    shift 2
done
exit $bad
"""

# $1 folder, $2 token, $3 seconds, $4 CPU_ROOT, $5 BOOT_ID, $6 helper's path, $7 helper's text
_SET = r"""
s=$1; token=$2; limit=$3; root=$4; boot=$5; installed=$6
umask 077
mkdir -p "$s" || exit 3
if [ -f "$s/restore" ] && ! sh "$s/restore"; then
    echo "why what an earlier run left could not be put back"; exit 4
fi
b=$(cat "$boot") || exit 3
put() { # writes the restore script, which runs command $1
    printf '%s\n' '#!/bin/sh' '# made by edgenas: puts back what it changed; safe to run at any time' \
        "if [ \"\$(cat '$boot')\" = '$b' ]; then" "    $1 || exit 1" 'fi' "rm -f -- '$s/restore' '$s/token'" \
        >"$s/restore.new"
    echo "$token" >"$s/token" && mv -f "$s/restore.new" "$s/restore" && sync
}
watch() { # starts the watchdog and waits until it runs: without a session of its own it would end with this command
    printf '%s\n' ": >'$s/watching'" "n=0" "while [ \$n -lt $limit ]; do" "    sleep @WATCH@; n=\$((n+@WATCH@))" \
        "    read -r t <'$s/token' || exit 0; [ \"\$t\" = '$token' ] || exit 0" "done" "sh '$s/restore'" >"$s/watch"
    rm -f "$s/watching"
    if command -v setsid >/dev/null 2>&1; then setsid sh "$s/watch" </dev/null >/dev/null 2>&1 &
    else nohup sh "$s/watch" </dev/null >/dev/null 2>&1 & fi
    k=0; while [ ! -f "$s/watching" ] && [ $k -lt 100 ]; do sleep 0.1; k=$((k+1)); done
}
if command -v getprop >/dev/null 2>&1; then
    v=$(getprop ro.build.version.sdk)
    case $v in ''|*[!0-9]*) v=0;; esac
    if [ "$v" -lt 30 ]; then echo "why Android before 11 has no fixed performance mode"; exit 0; fi
    put "cmd power set-fixed-performance-mode-enabled false" || exit 3
    watch
    if o=$(cmd power set-fixed-performance-mode-enabled true 2>&1); then
        echo "mode fixed-performance"
    else
        rm -f "$s/restore" "$s/token"; echo "why $o"
    fi
    exit 0
fi
was=; want=
for f in "$root"/cpu[0-9]*/cpufreq/scaling_governor; do
    [ -r "$f" ] || continue
    c=${f#"$root"/}; c=${c%%/*}; read -r g <"$f" || continue
    case $g in *[!a-z_]*|'') continue;; esac
    echo "was $c $g"
    [ "$g" = performance ] && continue
    was="$was $c $g"; want="$want $c performance"; last=$f
done
if [ -z "$want" ]; then
    [ -e "$root/cpu0/cpufreq/scaling_governor" ] && echo "mode performance" || echo "why its kernel offers no governors"
    exit 0
fi
if [ -w "$last" ]; then
    printf '%s' "$7" >"$s/governor"; how="sh '$s/governor'"
elif sudo -n -l "$installed" >/dev/null 2>&1; then
    how="sudo -n '$installed'"
else
    echo "why setting the governor needs root, or $installed with a line for sudo"; exit 0
fi
put "$how$was" || exit 3
watch
if eval "$how$want"; then
    echo "mode performance"
else
    sh "$s/restore"; echo "why the kernel did not take the governor"
fi
""".replace("@WATCH@", str(WATCH_S))

_RESTORE = r"""
s=$1
[ -f "$s/restore" ] || { echo none; exit 0; }
sh "$s/restore" && [ ! -f "$s/restore" ] && echo done
"""


def helper_installer(user: str) -> str:
    """Return a script that root runs once on a board, so that ``user`` may set governors there and nothing else."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", user):
        raise ValueError(f"{user!r} is not a user's name")
    return (
        f"set -e\ncat >{HELPER_PATH} <<'EDGENAS'\n{HELPER.replace('@ROOT@', CPU_ROOT)}EDGENAS\n"
        f"chown root:root {HELPER_PATH}\nchmod 755 {HELPER_PATH}\numask 337\n"
        f"echo '{user} ALL=(root) NOPASSWD: {HELPER_PATH}' >/etc/sudoers.d/edgenas\n"
    )


@dataclass(frozen=True, slots=True)
class Steady:
    """State of the clock during a block: ``mode`` is 'performance', 'fixed-performance', or '' (not fixed) with the
    reason ``why``; ``before`` maps each CPU to its governor before the block."""

    mode: str
    why: str
    before: Mapping[str, str]


@contextmanager
def steady(
    device: Device,
    *,
    limit_s: int,
    folder: str | None = None,
    listener: Listener = SILENT,
    cpu_root: str = CPU_ROOT,
    boot_id: str = BOOT_ID,
) -> Iterator[Steady]:
    """Fix the clock for the block, at most ``limit_s`` seconds; then restore the settings.

    Where the device does not permit it, the block runs all the same and ``Steady.why`` has the reason. When the device
    is lost at the end, ``listener`` gets a message, and the watchdog process on the device restores the settings.
    DeviceError when the script could not run.
    """
    folder = folder or state_folder(device)
    try:
        yield _set(device, folder, limit_s, cpu_root, boot_id)
    finally:  # also after an error of _set, which may have changed the clock
        try:
            restore(device, folder=folder)
        except DeviceError as error:
            listener.message(
                f"{error}; the device puts its clock back by itself within {limit_s} s, or at the next connection"
            )


def restore(device: Device, *, folder: str | None = None) -> bool:
    """Restore settings that an earlier run changed and did not restore; return True where there were any.

    Call it when a session on a device begins, while its lock is held. DeviceError when the settings could not be
    restored.
    """
    there = folder or state_folder(device)
    result = device.run(["sh", "-c", _RESTORE, "edgenas", there], timeout_s=30.0)
    if result.stdout.strip() == "none":
        return False
    if result.stdout.strip() != "done":
        why = printable(result.stderr[-400:]) or f"exit code {result.returncode}"
        raise DeviceError(f"{device.name}: its clock could not be put back: {why}; run {there}/restore there")
    return True


def state_folder(device: Device) -> str:
    """Return the folder of the restore script on the device: beside the work folders, never cleared."""
    with device.workdir() as folder:
        return folder.rpartition("/")[0] + "/state"


def _set(device: Device, folder: str, limit_s: int, cpu_root: str, boot_id: str) -> Steady:
    if not all(re.fullmatch(r"/[A-Za-z0-9._/-]{1,400}", path) for path in (folder, cpu_root, boot_id)):
        raise DeviceError(f"{device.name}: {folder!r} is not a folder that a script can name")
    helper = HELPER.replace("@ROOT@", cpu_root)
    argv = [_SET, "edgenas", folder, uuid.uuid4().hex, str(int(limit_s)), cpu_root, boot_id, HELPER_PATH, helper]
    result = device.run(["sh", "-c", *argv], timeout_s=30.0)
    before: dict[str, str] = {}
    mode = why = ""
    for line in result.stdout.splitlines()[:5000]:
        words = line.split()
        if len(words) == 3 and words[0] == "was":
            before[printable(words[1], 10)] = printable(words[2], 30)
        elif len(words) == 2 and words[0] == "mode" and words[1] in ("performance", "fixed-performance"):
            mode = words[1]
        elif words[:1] == ["why"]:
            why = printable(line.removeprefix("why "))
    if result.returncode != 0:
        reason = why or printable(result.stderr[-400:]) or f"exit code {result.returncode}"
        raise DeviceError(f"{device.name}: its clock could not be held: {reason}; run {folder}/restore there")
    return Steady(mode, "" if mode else why or "it did not say why", before)
