"""Jobs: commands on a device that continue without a connection; started once, polled, collected, never repeated.

A job is a folder on the device. Its files: ``boot`` (boot id at the start), ``pid`` (pid of the session's leader, and
the leader's start time), ``out``, ``err``, and at the end ``rc`` (exit code and the sizes of both outputs; written
under another name and renamed). The state of a job:

    ``rc`` exists          done
    another boot id        rebooted
    leader alive           running
    leader dead            died
    no folder              gone: the job never started, or its folder was removed

``run_job`` does all steps, also through lost connections. It works on any Device.
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

FILE_LIMIT_BYTES = 1 << 30  # largest size of one file that a job writes, its output included
PATIENCE_S = 300.0  # longest time that a device may be unreachable
_CALL_S = 30.0
_RETRY_S = (0.2, 0.5, 1.0, 2.0)
_POLL_SHARE, _LONGEST_POLL_S = 0.05, 5.0  # poll interval as a share of the job's time so far, and its upper limit
_Answer = TypeVar("_Answer")

# $1 folder, $2 limit in s, then the command. The session's leader makes the folder: if the connection breaks during the
# start, the job either did not start or continues, and a repeated start sees the folder and does nothing. The leader
# reads its start time through cat, because emulators falsify a process's own /proc entry. The exit code is not that of
# timeout, which is wrong in some versions of toybox.
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

# waits until the job has its folder and its pid, so that the first poll is not too early
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

# prints exit code and stdout on stdout, and stderr on stderr; refuses outputs whose sizes are not those in rc
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
    """A job on a device, identified by its folder; ``argv`` is for messages and results."""

    folder: str
    argv: tuple[str, ...]


class StayedAwayError(LostError):
    """Error where the device was unreachable for longer than the permitted time (``patience_s``)."""


class JobLostError(DeviceError):
    """Error where a job ended without a result; ``state`` is the reason, ``stdout`` and ``stderr`` hold its output
    until then.
    """

    def __init__(self, message: str, state: JobState, stdout: str, stderr: str) -> None:
        super().__init__(message)
        self.state, self.stdout, self.stderr = state, stdout, stderr


def start(device: Device, argv: Sequence[str], folder: str, *, limit_s: float) -> Job:
    """Start ``argv`` as a job in ``folder``, an absolute path below a work folder that does not exist yet.

    The device kills the job after ``limit_s`` seconds, with exit code 137. The start of a job that was started already
    does nothing, so a start may be repeated.
    """
    check_path(folder)
    result = device.run(["sh", "-c", _START, _LEADER, folder, str(math.ceil(limit_s)), *argv], timeout_s=_CALL_S)
    if result.returncode != 0:
        raise DeviceError(f"{device.name}: {argv[0]} was not started: {result.stderr.strip()[-400:]}")
    return Job(folder, tuple(argv))


def poll(device: Device, job: Job) -> JobState:
    """Read the state of a job."""
    answer = device.run(["sh", "-c", _POLL, check_path(job.folder)], timeout_s=_CALL_S).stdout.strip()
    states: dict[str, JobState] = {s: s for s in ("done", "rebooted", "running", "died", "gone")}
    if answer not in states:
        raise DeviceError(f"{device.name}: cannot read the state of {job.argv[0]}: {answer[:80]!r}")
    return states[answer]


def collect(device: Device, job: Job) -> subprocess.CompletedProcess[str]:
    """Read the result of a job that is done; its folder stays.

    DeviceError where the output is not complete, for example after a full disk; OutputLimitError where it exceeds the
    output limit of the device's ``run``.
    """
    done = device.run(["sh", "-c", _COLLECT, check_path(job.folder)], timeout_s=4 * _CALL_S)
    code, newline, stdout = done.stdout.partition("\n")
    if done.returncode != 0 or not newline or not re.fullmatch(r"\d{1,3}", code):
        why = done.stderr.strip()[-200:] or f"exit code {done.returncode}, output {done.stdout[:80]!r}"
        raise DeviceError(f"{device.name}: the result of {job.argv[0]} cannot be read: {why}; is the disk full there?")
    return subprocess.CompletedProcess(list(job.argv), int(code), stdout, done.stderr)


def kill(device: Device, job: Job) -> None:
    """Kill every process of the job's session, if there are any."""
    device.run(["sh", "-c", _KILL, check_path(job.folder)], timeout_s=_CALL_S)


def patiently(
    call: Callable[[], _Answer], patience_s: float = PATIENCE_S, sleep: Callable[[float], None] = time.sleep
) -> _Answer:
    """Repeat ``call`` while it raises LostError, for at most ``patience_s`` seconds; return its result.

    ``call`` must be safe to run twice. StayedAwayError after ``patience_s``.
    """
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
    """Options of the wait for a job.

    patience_s   longest time that the device may be unreachable, s
    poll_s       shortest poll interval, s; the interval grows with the time of the job
    watch        function called after each poll
    sleep        function that waits; an exception of it ends the wait
    """

    patience_s: float = PATIENCE_S
    poll_s: float = 1.0
    watch: Callable[[], None] = lambda: None
    sleep: Callable[[float], None] = time.sleep


PATIENT = Wait()


def run_job(
    device: Device, argv: Sequence[str], folder: str, *, timeout_s: float, wait: Wait = PATIENT
) -> subprocess.CompletedProcess[str]:
    """Run ``argv`` as a job and return its result, as ``Device.run`` does, but also through losses of the connection
    that are shorter than ``wait.patience_s``.

    ``argv`` runs at most once: a job that an earlier process of edgenas started in ``folder`` is waited for instead.
    Raises LostError when the device stays unreachable; JobLostError when the job ended without a result (power cut,
    killed); TimeLimitError when it ran longer than ``timeout_s``. On any error except LostError the job is killed.
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
        raise JobLostError(f"{device.name}: {argv[0]} ended without a result: {_HOW[state]}", state, stdout, stderr)
    except LostError:
        finished = True  # the job may still run, and its result may be collected later
        raise
    finally:
        if not finished:
            with contextlib.suppress(DeviceError):  # if this fails, the device kills the job at its limit
                kill(device, job)


_HOW: dict[JobState, str] = {
    "rebooted": "the device started anew meanwhile; is its power supply strong enough?",
    "died": "it was killed there; has the device enough memory?",
    "gone": "its folder was removed from the device",
}


def _partial(device: Device, job: Job) -> tuple[str, str]:
    """Return stdout and stderr of the job so far; '' where a file is missing."""
    files = (device.run(["cat", f"{job.folder}/{file}"], timeout_s=4 * _CALL_S).stdout for file in ("out", "err"))
    stdout, stderr = files
    return stdout, stderr
