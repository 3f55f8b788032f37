"""Shell commands for devices, the marks that end their output, and checks of paths, hosts and serials.

Only this module builds remote commands. Every command is a POSIX script for the device's ``sh`` (dash, bash, busybox,
or mksh with toybox). The login shell that starts ``sh`` may be any shell (bash, fish, tcsh, zsh), and its start-up
files may print: the script is encoded in characters that all shells read alike, and it begins and ends stdout and
stderr with marks. The end mark of stdout has the exit code. A stream without its end mark was cut by a broken
connection: neither ssh nor adb distinguishes that from a command that ended. The functions are pure.
"""

from __future__ import annotations

import math
import re
import secrets
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from edgenas.base.errors import DeviceInputError

OUTPUT_LIMIT_BYTES = 64 << 20
COMMAND_LIMIT_BYTES = 120 << 10  # one argument on Linux has 128 KiB
LINE_LIMIT_BYTES = 8000  # dropbear refuses a command line of 9000 bytes, adb one of 64 KiB
GUARD_S = 5  # time after our own limit at which the device itself kills a command
BOOT_ID = "/proc/sys/kernel/random/boot_id"
#: parents of the folder of edgenas, by preference: Android's only one, one that survives a reboot, one always present
PARENTS = ("/data/local/tmp", "/var/tmp", "/tmp")
_HOLD_BYTES = 128  # longer than any mark
_BEFORE_BYTES = 400  # kept of the text before the start mark, for messages

# Runs a command without input in a session of its own. The session is killed when the command ends, when our end of
# stdin closes, on a hang-up (also one during the start), or at the device's limit. When the connection ends, adbd sends
# SIGHUP and sshd closes stdin. Messages of the shell about killed children are dropped. `timeout` is not used, because
# toybox's puts the command into a process group whose id is not known.
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

# Runs a script of edgenas that reads stdin itself.
_SCRIPT = """trap '' HUP
( {script} )
r=$?
"""

_BEGIN = """printf '\\n%s+\\n' {mark}
printf '\\n%s+\\n' {mark} >&2
"""

_END = """printf '\\n%s%d\\n' {mark} $r
printf '\\n%s\\n' {mark} >&2
exit $r"""

# Neither has a character that bash, dash, fish, tcsh or zsh reads differently inside single quotes. `read` takes byte
# by byte, so the rest of stdin is left for the script.
_DECODE = """exec sh -c 'eval "$(printf %b "$1")"' sh """
READ_AND_DECODE = """exec sh -c 'IFS= read -r s && eval "$(printf %b "$s")"'"""


@dataclass(frozen=True, slots=True)
class ShellCommand:
    """A command for a device: ``line`` for the login shell, and ``script`` to send to its stdin first, b'' where the
    line holds the script already."""

    line: str
    script: bytes = b""


def new_mark() -> str:
    """Return a random mark, which no output can contain by chance or on purpose."""
    return f"edgenas-{secrets.token_hex(8)}:"


def run_command(argv: Sequence[str], mark: str, *, limit_s: float) -> ShellCommand:
    """Return the shell command that runs ``argv``; the device kills it GUARD_S after ``limit_s``. DeviceInputError for
    arguments that a command cannot hold."""
    if not argv:
        raise DeviceInputError("no command was given")
    limit = math.ceil(limit_s) + GUARD_S
    return _wrap(_RUN.format(limit=limit, command=shlex.join(argv)), mark)


def script_command(script: str, mark: str) -> ShellCommand:
    """Return the shell command that runs a script of edgenas, which reads stdin itself."""
    return _wrap(_SCRIPT.format(script=f"\n{script}\n"), mark)


def _wrap(script: str, mark: str) -> ShellCommand:
    """Return a command that runs ``script`` between its marks under sh; a long script is sent to stdin."""
    whole = _BEGIN.format(mark=mark) + script + _END.format(mark=mark)
    if "\0" in whole:
        raise DeviceInputError("a command for a device holds a NUL character; leave it out")
    encoded = _encoded(whole)
    if len(encoded) > COMMAND_LIMIT_BYTES:
        raise DeviceInputError(
            f"a command of {len(encoded):,} bytes is too long for a device ({COMMAND_LIMIT_BYTES:,}); push a file and "
            "name it"
        )
    if len(_DECODE) + len(encoded) > LINE_LIMIT_BYTES:
        return ShellCommand(READ_AND_DECODE, encoded + b"\n")
    return ShellCommand(f"{_DECODE}'{encoded.decode('ascii')}'")


def _encoded(script: str) -> bytes:
    """Encode for ``printf %b``: printable ASCII without the characters that are special inside the single quotes of
    some shell: the quote itself, the backslash (fish), the exclamation mark and the line end (tcsh)."""
    data = script.encode("utf-8", "surrogateescape")
    return re.sub(rb"[^ \"-&(-\[\]-~]", lambda found: b"\\0%03o" % ord(found[0]), data)


class Marked:
    """Reader of one output stream from its start mark to its end mark.

    ``take`` gets the received bytes and passes the output between the marks on to ``sink``. ``before`` is the end of
    the text before the start mark, which the login shell printed. After the end mark, ``ended`` is True and ``code`` is
    the exit code (None on stderr). ``size`` is the number of output bytes so far.
    """

    def __init__(self, mark: str, sink: Callable[[bytes], object]) -> None:
        self.begun = self.ended = False
        self.before = b""
        self.code: int | None = None
        self.size = 0
        self._sink = sink
        self._held = b""  # last bytes received, which may be a mark or its beginning
        self._start = b"\n" + mark.encode() + b"+\n"
        self._mark = re.compile(rb"\n" + re.escape(mark.encode()) + rb"(\d{0,3})\n")

    def take(self, data: bytes) -> None:
        """Add received bytes; bytes after the mark are dropped, because a process that escaped may still write."""
        if self.ended:
            return
        self._held += data
        if not self.begun and not self._begins():
            return
        if found := self._mark.search(self._held):
            self.ended = True
            self.code = int(found[1]) if found[1] else None
            self._give(found.start())
        elif len(self._held) > _HOLD_BYTES:
            self._give(len(self._held) - _HOLD_BYTES)

    def give_up(self) -> None:
        """Stop waiting for the mark, and pass the bytes held back on as output."""
        if self.begun and not self.ended:
            self._give(len(self._held))

    def _begins(self) -> bool:
        """Drop the text before the start mark; return whether the mark is there."""
        before, found, rest = self._held.partition(self._start)
        self.begun = bool(found)
        self.before = before[-_BEFORE_BYTES:]
        self._held = rest if found else before[-_BEFORE_BYTES:]
        return self.begun

    def _give(self, count: int) -> None:
        data, self._held = self._held[:count], self._held[count:]
        self.size += len(data)
        self._sink(data)


def check_path(path: str) -> str:
    """Return ``path`` if it is valid on a device: absolute, without '..' and control characters; else
    DeviceInputError."""
    parts = PurePosixPath(path).parts
    if not path.startswith("/") or ".." in parts or len(path) > 1000 or not _clean(path):
        raise DeviceInputError(
            f"{path[:80]!r} is not a path on a device: give it absolute, without '..' or control characters"
        )
    return path


_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9._-]+)?")
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}\$?")
# a serial number, HOST:PORT, [IPv6%ZONE]:PORT, or the mDNS name of a phone, which has ' (2)' if it was announced twice
_SERIAL = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}( \(\d{1,3}\)\._adb[a-z-]{0,20}\._tcp\.?|:\d{1,5})?"
    r"|\[[0-9A-Fa-f:.]{2,45}(%[A-Za-z0-9._-]{1,32})?\]:\d{1,5}"
)


def check_host(host: str) -> str:
    """Return ``host`` if it is a host name or an IPv4 or IPv6 address; else DeviceInputError."""
    return _check(_HOST, host, "a host", "a name such as pi4.local or an address such as 192.168.1.20")


def check_user(user: str) -> str:
    """Return ``user`` if it is a user's name; else DeviceInputError."""
    return _check(_USER, user, "a user's name", "letters, digits, '.', '_' and '-'")


def check_serial(serial: str) -> str:
    """Return ``serial`` if it is a serial of adb, a serial number or HOST:PORT; else DeviceInputError."""
    return _check(_SERIAL, serial, "an adb serial", "what `adb devices` shows, or HOST:PORT")


def check_port(port: int) -> int:
    """Return ``port`` if it is a TCP port; else DeviceInputError."""
    if isinstance(port, bool) or not 1 <= port <= 65535:
        raise DeviceInputError(f"{port!r} is not a port: give a number from 1 to 65535")
    return port


def _check(pattern: re.Pattern[str], value: str, what: str, remedy: str) -> str:
    if not pattern.fullmatch(value):
        raise DeviceInputError(f"{value[:80]!r} is not {what}: give {remedy}")
    return value


def _clean(text: str) -> bool:
    """Return whether ``text`` has no control characters and can be encoded."""
    return text.isprintable()
