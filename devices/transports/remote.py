"""What is sent to a device's shell, and how its answer is told from silence: the one place that builds remote commands.

Every command is a POSIX script for the device's ``sh`` (dash, bash, busybox, or mksh with toybox) that ends both of its
streams with a mark of our own; stdout's carries the exit code. A stream without its mark was cut: neither ssh nor adb
tells that from a command that ended. Pure: nothing here touches a device.
"""

from __future__ import annotations

import math
import re
import secrets
import shlex
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from edgenas.base.errors import DeviceInputError

OUTPUT_LIMIT_BYTES = 64 << 20
COMMAND_LIMIT_BYTES = 48 << 10  # adb takes 64 KiB, one argument on Linux 128 KiB
GUARD_S = 5  # how much longer than we wait a device lets a command run that nobody stops
BOOT_ID = "/proc/sys/kernel/random/boot_id"
#: where our folder on a device may lie: Android's only place, what survives a reboot elsewhere, what always exists
PARENTS = ("/data/local/tmp", "/var/tmp", "/tmp")
_HOLD_BYTES = 128  # longer than any mark

# Runs a command with no input in a session of its own, and kills it when it ends, when our end of stdin closes, on a
# hang-up, also one that comes while it starts, or at the device's own limit. adbd sends SIGHUP when the connection
# ends, sshd closes stdin. What the shell itself says of killed children goes nowhere. Not `timeout`: toybox's puts the
# command into a group that nobody else knows.
_RUN = """exec 3<&0 4>&2 </dev/null 2>/dev/null
p= h=
trap 'h=1; [ -z "$p" ] || kill -9 -$p || kill -9 $p' HUP TERM
setsid {command} 3<&- 2>&4 4>&- &
p=$!
[ -z "$h" ] || kill -9 -$p || kill -9 $p
setsid sh -c 'sleep {limit}; kill -9 -'$p >/dev/null 3<&- 4>&- &
g=$!
{{ read -r x <&3; kill -9 -$p; }} >/dev/null 4>&- &
w=$!
wait $p; r=$?; kill -9 $w; kill -9 -$p; kill -9 -$g || kill -9 $g; wait $w $g
exec 2>&4 4>&-
"""

# Runs a script of ours with stdin as it is.
_SCRIPT = """trap '' HUP
( {script} )
r=$?
"""

_END = """printf '\\n%s%d\\n' {mark} $r
printf '\\n%s\\n' {mark} >&2
exit $r"""


def new_mark() -> str:
    """Unguessable, so that no output holds it by chance or on purpose."""
    return f"edgenas-{secrets.token_hex(8)}:"


def run_command(argv: Sequence[str], mark: str, *, limit_s: float) -> str:
    """The command that runs ``argv``; the device itself kills it a little after ``limit_s``. DeviceInputError for what
    no command line can hold."""
    if not argv:
        raise DeviceInputError("no command was given")
    limit = math.ceil(limit_s) + GUARD_S
    return _wrap(_RUN.format(limit=limit, command=shlex.join(argv)), mark)


def script_command(script: str, mark: str) -> str:
    """The command that runs a script of ours, which reads stdin itself."""
    return _wrap(_SCRIPT.format(script=f"\n{script}\n"), mark)


def _wrap(script: str, mark: str) -> str:
    """A person's login shell may be anything: hand over to sh at once."""
    command = f"exec sh -c {shlex.quote(script + _END.format(mark=mark))}"
    if "\0" in command:
        raise DeviceInputError("a command for a device holds a NUL character; leave it out")
    if (size := len(command.encode("utf-8", "surrogateescape"))) > COMMAND_LIMIT_BYTES:
        raise DeviceInputError(
            f"a command of {size:,} bytes is too long for a device ({COMMAND_LIMIT_BYTES:,}); push a file and name it"
        )
    return command


class Marked:
    """One stream up to its mark. ``take`` what arrives; then ``ended`` holds and ``code`` is the exit code, on stdout.

    Output goes to ``sink``; ``size`` counts its bytes.
    """

    def __init__(self, mark: str, sink: Callable[[bytes], object]) -> None:
        self.ended = False
        self.code: int | None = None
        self.size = 0
        self._sink = sink
        self._held = b""  # the end so far, which may be a mark or the beginning of one
        self._mark = re.compile(rb"\n" + re.escape(mark.encode()) + rb"(\d{0,3})\n")

    def take(self, data: bytes) -> None:
        """What follows the mark is dropped: a process that got away may still write."""
        if self.ended:
            return
        self._held += data
        if found := self._mark.search(self._held):
            self.ended = True
            self.code = int(found[1]) if found[1] else None
            self._give(found.start())
        elif len(self._held) > _HOLD_BYTES:
            self._give(len(self._held) - _HOLD_BYTES)

    def give_up(self) -> None:
        """The mark will not come: what was held back is output."""
        if not self.ended:
            self._give(len(self._held))

    def _give(self, count: int) -> None:
        data, self._held = self._held[:count], self._held[count:]
        self.size += len(data)
        self._sink(data)


def check_path(path: str) -> str:
    """``path`` itself where it is one that may be used on a device; DeviceInputError."""
    parts = PurePosixPath(path).parts
    if not path.startswith("/") or ".." in parts or len(path) > 1000 or not _clean(path):
        raise DeviceInputError(
            f"{path[:80]!r} is not a path on a device: give it absolute, without '..' or control characters"
        )
    return path


_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9._-]+)?")
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}\$?")
_SERIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\]:\d{1,5}")


def check_host(host: str) -> str:
    """A host name or an address, v4 or v6."""
    return _check(_HOST, host, "a host", "a name such as pi4.local or an address such as 192.168.1.20")


def check_user(user: str) -> str:
    """A user's name on a device."""
    return _check(_USER, user, "a user's name", "letters, digits, '.', '_' and '-'")


def check_serial(serial: str) -> str:
    """What adb calls a device: a serial number, or HOST:PORT."""
    return _check(_SERIAL, serial, "an adb serial", "what `adb devices` shows, or HOST:PORT")


def check_port(port: int) -> int:
    """A TCP port."""
    if isinstance(port, bool) or not 1 <= port <= 65535:
        raise DeviceInputError(f"{port!r} is not a port: give a number from 1 to 65535")
    return port


def _check(pattern: re.Pattern[str], value: str, what: str, remedy: str) -> str:
    if not pattern.fullmatch(value):
        raise DeviceInputError(f"{value[:80]!r} is not {what}: give {remedy}")
    return value


def _clean(text: str) -> bool:
    """Whether text has no control characters and can be encoded."""
    return text.isprintable()
