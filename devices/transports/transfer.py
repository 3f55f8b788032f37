"""Copies to and from a device through one channel: a file unchanged, a folder as one tar archive.

The receiver writes to a temporary name, checks size and sha256, and renames. The functions that return scripts are
pure; packing and unpacking run on this machine.
"""

from __future__ import annotations

import hashlib
import shlex
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from edgenas.base.errors import TransferError
from edgenas.devices.transports.remote import new_mark

CHUNK_BYTES = 256 << 10
DEVICE_LIMIT_S = 3600  # longest time for one file, after which the receiver stops waiting
_HEADER_BYTES = 200


@dataclass(frozen=True, slots=True)
class Payload:
    """Data to send: the bytes of a file, or of a tar archive of a folder, with size, sha256 and mode."""

    file: IO[bytes]
    folder: bool
    mode: int
    size: int
    sha256: str


@contextmanager
def packed(local: Path) -> Iterator[Payload]:
    """Yield the payload of a file or folder; TransferError where ``local`` does not exist, or holds anything except
    files and folders."""
    try:
        with tempfile.TemporaryFile(prefix="edgenas-") if local.is_dir() else local.open("rb") as file:
            if local.is_dir():
                _pack(local, file)
                file.seek(0)
            mode = local.stat().st_mode & 0o777
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
            file.seek(0)
            yield Payload(file, local.is_dir(), mode, size, sha256)
    except OSError as error:
        raise TransferError(f"{local} was not copied: {error.strerror or error}") from error


def _pack(folder: Path, file: IO[bytes]) -> None:
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for entry in sorted(folder.rglob("*")):
            if entry.is_symlink() or not (entry.is_dir() or entry.is_file()):
                raise TransferError(f"{folder} was not copied: {entry} is neither a plain file nor a folder")
            archive.add(entry, str(entry.relative_to(folder)), recursive=False, filter=_anonymous)


def _anonymous(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


def receive_script(package: Payload, remote: str) -> str:
    """Return a script that reads a package from stdin and puts it at ``remote``; on an error it leaves nothing and
    prints the reason."""
    target = PurePosixPath(remote)
    staging = shlex.quote(str(target.parent / f".incoming-{new_mark()[8:-1]}"))
    if package.folder:
        place = f"""if [ -e "$t" ] || [ -L "$t" ]; then echo "$t: File exists" >&2; exit 1; fi
mkdir "$d/it" && tar -xpf "$d/a" -C "$d/it" && rm "$d/a" && chmod {package.mode | 0o700:o} "$d/it" || exit 1
mv "$d/it" "$t\""""
    else:
        place = f"""if [ -d "$t" ]; then echo "$t: Is a directory" >&2; exit 1; fi
chmod {package.mode:o} "$d/a" && mv -f "$d/a" "$t\""""
    return f"""umask 077
d={staging} t={shlex.quote(remote)}
mkdir "$d" || exit 1
(
timeout -s KILL {DEVICE_LIMIT_S} cat >"$d/a"
n=$(stat -c %s "$d/a") s=$(sha256sum <"$d/a")
if [ "$n" != {package.size} ] || [ "${{s%% *}}" != {package.sha256} ]; then
    echo "what arrived differs from what was sent: $n of {package.size} bytes" >&2; exit 1
fi
umask 022
{place}
)
c=$?
rm -rf "$d"
exit $c"""


def send_script(remote: str, home: str) -> str:
    """Return a script that prints 'file|folder MODE SIZE SHA256', a line end, and SIZE bytes."""
    temporary = shlex.quote(f"{home}/work-XXXXXXXX")
    return f"""f={shlex.quote(remote)}
if [ -d "$f" ]; then
    d=$(mktemp -d {temporary}) || exit 1
    tar -cf "$d/a" -C "$f" . || {{ rm -rf "$d"; exit 1; }}
    k=folder a=$d/a
else
    d= k=file a=$f
    [ -f "$f" ] || {{ echo "$f: No such file" >&2; exit 1; }}
fi
s=$(sha256sum <"$a") && echo "$k $(stat -c '%a' "$f") $(stat -L -c '%s' "$a") ${{s%% *}}" && cat "$a"
c=$?
[ -z "$d" ] || rm -rf "$d"
exit $c"""


class Arrival:
    """Receiver of the output of ``send_script``: ``take`` writes the bytes to ``file``, ``finish`` checks them."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._digest = file, hashlib.sha256()
        self._head, self._size = b"", 0
        self._header: tuple[str, int, int, str] | None = None

    def take(self, data: bytes) -> None:
        """Add received bytes; TransferError when there are more than announced, so that no device can fill the disk of
        this machine."""
        if self._header is None:
            self._head += data
            line, found, data = self._head.partition(b"\n")
            if not found:
                if len(line) > _HEADER_BYTES:
                    raise TransferError("the device's answer makes no sense")
                return
            self._header = _header(line)
        self._size += len(data)
        if self._size > self._header[2]:
            raise TransferError(f"more arrived than the {self._header[2]:,} bytes that were announced")
        self._digest.update(data)
        self._file.write(data)

    def finish(self) -> tuple[bool, int]:
        """Return (True for the archive of a folder, mode); TransferError where size or sha256 is not as announced."""
        if self._header is None:
            raise TransferError("nothing arrived")
        kind, mode, size, sha256 = self._header
        if self._size != size or self._digest.hexdigest() != sha256:
            raise TransferError(f"what arrived differs from what was sent: {self._size:,} of {size:,} bytes")
        return kind == "folder", mode


def _header(line: bytes) -> tuple[str, int, int, str]:
    fields = line.decode("ascii", "replace").split(" ")
    try:
        kind, mode, size, sha256 = fields
        header = kind, int(mode, 8) & 0o777, int(size), sha256
    except ValueError:
        raise TransferError(f"the device's answer makes no sense: {line[:80]!r}") from None
    if kind not in ("file", "folder") or header[2] < 0:
        raise TransferError(f"the device's answer makes no sense: {line[:80]!r}")
    return header


def unpack(file: IO[bytes], folder: Path) -> None:
    """Extract an archive of plain files and folders into ``folder``; no entry can be written outside it."""
    folder.mkdir()
    with tarfile.open(fileobj=file, mode="r:") as archive:
        for member in archive:
            if not (member.isfile() or member.isdir()):
                raise TransferError(f"{member.name[:80]!r} is neither a plain file nor a folder")
            archive.extract(member, folder, filter="data")
