"""Work that goes on while nobody is connected: started once, found again, collected, never repeated.

A job is a folder on the device: ``boot`` (the boot it was started in), ``pid`` (its session's leader, and when that
began), ``out``, ``err``, and at the end ``rc``: exit code and the sizes of both outputs, renamed to that once whole.

    rc there               done
    another boot           rebooted
    leader alive           running
    leader dead            died
    no folder              gone: it never started, or somebody removed it

``run_job`` goes through all of it, and through lost connections. Works on any Device.
"""

from __future__ import annotations

import contextlib
import math
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from edgenas.base.errors import DeviceError, LostError, TimeLimitError
from edgenas.devices.base import Device
from edgenas.devices.transports.home import KILL_SESSION
from edgenas.devices.transports.remote import BOOT_ID, check_path

JobState = Literal["done", "rebooted", "running", "died", "gone"]

FILE_LIMIT_BYTES = 1 << 30  # what one file that a job writes may grow to, its output included
PATIENCE_S = 300.0  # how long a device may be away
_CALL_S = 30.0
_RETRY_S = (0.2, 0.5, 1.0, 2.0)
_POLL_SHARE, _LONGEST_POLL_S = 0.05, 5.0  # of the time a job has taken, so that looking costs little
_Answer = TypeVar("_Answer")

# $1 folder, $2 limit in s, then the command. The session's leader makes the folder, so that a start which is cut is
# either not begun or goes on, and one that is repeated finds the folder there. It asks cat for its own starting time
# because emulators falsify a process's own /proc entry. The exit code is not timeout's, which some toybox gets wrong.
_LEADER = f"""{KILL_SESSION}
j=$1 limit=$2; shift 2
mkdir "$j" 2>/dev/null || exit 0
cat {BOOT_ID} >"$j/boot"
l=$(cat /proc/$$/stat); l=${{l##*) }}
echo $$ "$(echo $l | cut -d' ' -f20)" >"$j/pid.new"
mv "$j/pid.new" "$j/pid"
ulimit -f {FILE_LIMIT_BYTES // 512} 2>/dev/null
timeout -s KILL "$limit" sh -c 'd=$0; "$@"; echo $? >"$d/code"' "$j" "$@" >"$j/out" 2>"$j/err" </dev/null
r=; {{ read -r r <"$j/code"; }} 2>/dev/null; r=${{r:-137}}
kill_session $$
sync
echo "$r $(stat -c %s "$j/out") $(stat -c %s "$j/err")" >"$j/rc.new"
mv "$j/rc.new" "$j/rc"
"""

# waits until the job has its folder and its pid, so that the next look at it is not too early
_START = """j=$1
setsid sh -c "$0" sh "$@" >/dev/null 2>&1 </dev/null &
n=0
until [ -f "$j/pid" ] || [ -f "$j/rc" ]; do
    n=$((n+1)); [ $n -lt 100 ] || { echo "$j could not be made" >&2; exit 1; }
    sleep 0.1
done
"""

_POLL = f"""j=$0
if [ ! -d "$j" ]; then echo gone
elif [ -f "$j/rc" ]; then echo done
elif [ "$(cat "$j/boot" 2>/dev/null)" != "$(cat {BOOT_ID})" ]; then echo rebooted
else
    p= s= l=
    {{ read -r p s <"$j/pid"; }} 2>/dev/null
    {{ read -r l <"/proc/$p/stat"; }} 2>/dev/null
    l=${{l##*) }}
    if [ -z "$p" ] || [ -z "$l" ] || [ "${{l%% *}}" = Z ] || [ "$(echo $l | cut -d' ' -f20)" != "$s" ]; then
        if [ -f "$j/rc" ]; then echo done; else echo died; fi
    else echo running; fi
fi
"""

# exit code and stdout on one stream, stderr on the other, both as long as they were when the job ended
_COLLECT = """cd "$0" || exit 1
{ read -r r o e <rc; } 2>/dev/null
case "$r$o$e" in *[!0-9]*|'') echo "its end is not written" >&2; exit 1;; esac
[ "$(stat -c %s out) $(stat -c %s err)" = "$o $e" ] || { echo "its output is not as long as it was" >&2; exit 1; }
echo "$r"
cat out && cat err >&2
"""

_KILL = f"""{KILL_SESSION}
j=$0
[ "$(cat "$j/boot" 2>/dev/null)" = "$(cat {BOOT_ID})" ] || exit 0
{{ read -r p s <"$j/pid"; }} 2>/dev/null && kill_session "$p" "$s"
exit 0
"""


@dataclass(frozen=True, slots=True)
class Job:
    """A job by its folder, which is all that finds it again; ``argv`` is for messages and results."""

    folder: str
    argv: tuple[str, ...]


class StayedAwayError(LostError):
    """The device was waited for as long as patience lasts."""


class JobLostError(DeviceError):
    """A job ended without a result; ``state`` says how, ``stdout`` and ``stderr`` hold what it had printed."""

    def __init__(self, message: str, state: JobState, stdout: str, stderr: str) -> None:
        super().__init__(message)
        self.state, self.stdout, self.stderr = state, stdout, stderr


def start(device: Device, argv: Sequence[str], folder: str, *, limit_s: float) -> Job:
    """Start ``argv`` as the job ``folder``, an absolute path below a work folder that is not there yet. The device ends
    it after ``limit_s``, exit code 137. Starting a job that was started does nothing, so a start may be repeated."""
    check_path(folder)
    result = device.run(["sh", "-c", _START, _LEADER, folder, str(math.ceil(limit_s)), *argv], timeout_s=_CALL_S)
    if result.returncode != 0:
        raise DeviceError(f"{device.name}: {argv[0]} was not started: {result.stderr.strip()[-400:]}")
    return Job(folder, tuple(argv))


def poll(device: Device, job: Job) -> JobState:
    """How the job is."""
    said = device.run(["sh", "-c", _POLL, check_path(job.folder)], timeout_s=_CALL_S).stdout.strip()
    states: dict[str, JobState] = {s: s for s in ("done", "rebooted", "running", "died", "gone")}
    if said not in states:
        raise DeviceError(f"{device.name}: cannot tell how {job.argv[0]} is: {said[:80]!r}")
    return states[said]


def collect(device: Device, job: Job) -> subprocess.CompletedProcess[str]:
    """The result of a job that is done; the folder stays. DeviceError where its output is not whole, as after a full
    disk; OutputLimitError where it is more than the device's ``run`` takes."""
    done = device.run(["sh", "-c", _COLLECT, check_path(job.folder)], timeout_s=4 * _CALL_S)
    code, newline, stdout = done.stdout.partition("\n")
    if done.returncode != 0 or not newline or not re.fullmatch(r"\d{1,3}", code):
        why = done.stderr.strip()[-200:] or "it makes no sense"
        raise DeviceError(f"{device.name}: the result of {job.argv[0]} cannot be read: {why}; is the disk full there?")
    return subprocess.CompletedProcess(list(job.argv), int(code), stdout, done.stderr)


def kill(device: Device, job: Job) -> None:
    """Kill every process of the job's session; does nothing when there is none."""
    device.run(["sh", "-c", _KILL, check_path(job.folder)], timeout_s=_CALL_S)


def patiently(
    call: Callable[[], _Answer], patience_s: float = PATIENCE_S, sleep: Callable[[float], None] = time.sleep
) -> _Answer:
    """Repeat ``call`` while the device is away, for at most ``patience_s``; only for what may be done twice.
    StayedAwayError."""
    begin, attempt = time.monotonic(), 0
    while True:
        try:
            return call()
        except LostError as error:
            if time.monotonic() - begin > patience_s:
                raise StayedAwayError(str(error)) from error
            sleep(_RETRY_S[min(attempt, len(_RETRY_S) - 1)])
            attempt += 1


@dataclass(frozen=True, slots=True)
class Wait:
    """How one waits for a job: how long the device may be away, how often it is looked at (every ``poll_s``, more
    rarely the longer it takes), what else is done then (``watch``), and with what (``sleep`` may raise to end it)."""

    patience_s: float = PATIENCE_S
    poll_s: float = 1.0
    watch: Callable[[], None] = lambda: None
    sleep: Callable[[float], None] = time.sleep


PATIENT = Wait()


def run_job(
    device: Device, argv: Sequence[str], folder: str, *, timeout_s: float, wait: Wait = PATIENT
) -> subprocess.CompletedProcess[str]:
    """Like ``Device.run``, through every loss of the connection that lasts less than its patience.

    ``argv`` runs at most once: a job that is in ``folder`` already, of an earlier process of ours, is the one waited
    for. Raises LostError when the device stays away; JobLostError when the job came to nothing (power cut, killed);
    TimeLimitError when it was still running at its limit. On any error but LostError the job is killed.
    """
    job = Job(folder, tuple(argv))
    begin = time.monotonic()
    finished = False

    def there(call: Callable[[], _Answer]) -> _Answer:
        return patiently(call, wait.patience_s, wait.sleep)

    try:
        there(lambda: start(device, argv, folder, limit_s=timeout_s + _CALL_S))
        while (state := there(lambda: poll(device, job))) == "running":
            if time.monotonic() - begin > timeout_s:
                there(lambda: kill(device, job))
                stdout, stderr = there(lambda: _partial(device, job))
                raise TimeLimitError(f"{device.name}: {argv[0]} was stopped after {timeout_s:g} s", stdout, stderr)
            there(wait.watch)
            wait.sleep(min(_LONGEST_POLL_S, max(wait.poll_s, _POLL_SHARE * (time.monotonic() - begin))))
        if state == "done":
            result = there(lambda: collect(device, job))
            finished = True
            return result
        stdout, stderr = there(lambda: _partial(device, job))
        raise JobLostError(f"{device.name}: {argv[0]} came to nothing: {_HOW[state]}", state, stdout, stderr)
    except LostError:
        finished = True  # as far as we can know: it goes on, and may be collected yet
        raise
    finally:
        if not finished:
            with contextlib.suppress(DeviceError):  # the device ends it at its limit
                kill(device, job)


_HOW: dict[JobState, str] = {
    "rebooted": "the device started anew meanwhile; is its power supply strong enough?",
    "died": "it was killed there; is its memory enough?",
    "gone": "its folder is gone from the device; somebody removed it",
}


def _partial(device: Device, job: Job) -> tuple[str, str]:
    """What the job has printed so far, '' where that is not there."""
    files = (device.run(["cat", f"{job.folder}/{file}"], timeout_s=4 * _CALL_S).stdout for file in ("out", "err"))
    stdout, stderr = files
    return stdout, stderr
