"""The host keys of our own devices: one plain file, written by enrolling only.

Lines are OpenSSH's, ``NAME TYPE BASE64``, with NAME a host or ``[host]:port``; patterns, hashes and markers such as
@revoked are refused here, since they would be honoured by halves. A key that changed is never replaced in silence.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from edgenas.base.errors import DeviceError, DeviceInputError
from edgenas.base.files import replacing

_NAME = re.compile(r"[A-Za-z0-9.:%_-]+|\[[A-Za-z0-9.:%_-]+\]:\d{1,5}")
_TYPE = re.compile(r"[a-z0-9@.-]{1,64}")


class HostKeyError(DeviceError):
    """A server is unknown, or not the one it was; nothing was sent to it."""


@dataclass(frozen=True, slots=True)
class HostKey:
    """What a server proves to be: ``blob`` is its public key in OpenSSH's wire format."""

    type: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """As OpenSSH shows it: SHA256:..."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")


def entry_name(host: str, port: int) -> str:
    """What a server is called in the file."""
    return host.lower() if port == 22 else f"[{host.lower()}]:{port}"


def load(path: Path) -> dict[str, tuple[HostKey, ...]]:
    """Keys by name, empty where there is no file. DeviceInputError names the line, and refuses a file that others can
    change."""
    try:
        info = path.stat()
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise DeviceInputError(f"{path}: cannot be read: {error}") from error
    if info.st_uid not in (os.getuid(), 0) or info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise DeviceInputError(f"{path}: others can change it; type: chown $USER '{path}' && chmod 600 '{path}'")
    found: dict[str, tuple[HostKey, ...]] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split()
        if len(fields) < 3 or not _NAME.fullmatch(fields[0]) or not _TYPE.fullmatch(fields[1]):
            raise DeviceInputError(
                f"{path}, line {number}: not NAME TYPE KEY in plain words; delete the line and enroll the device again"
            )
        try:
            key = HostKey(fields[1], base64.b64decode(fields[2], validate=True))
        except binascii.Error as error:
            raise DeviceInputError(f"{path}, line {number}: not a key; delete it and enroll again") from error
        found[fields[0]] = (*found.get(fields[0], ()), key)
    return found


def check(path: Path, name: str, offered: HostKey) -> None:
    """HostKeyError unless ``offered`` is a key that ``name`` was enrolled with."""
    known = load(path).get(name, ())
    if not known:
        raise HostKeyError(
            f"{name} is not enrolled: its host key is {offered.fingerprint} ({offered.type}); compare that with what "
            "the device shows for `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`, then type: edgenas devices enroll"
        )
    if offered not in known:
        was = ", ".join(f"{k.fingerprint} ({k.type})" for k in known)
        raise HostKeyError(
            f"the host key of {name} has changed: it was {was}, it is {offered.fingerprint} ({offered.type}). Somebody "
            "may sit in between, or the device was installed anew; if you know that it was, delete the lines of "
            f"{name} from {path} and enroll it again"
        )


def enroll(path: Path, name: str, key: HostKey) -> bool:
    """Trust ``key`` for ``name`` from now on; False where that was so already. HostKeyError where another key is
    trusted."""
    known = load(path).get(name, ())
    if known:
        check(path, name, key)
        return False
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = path.read_bytes() if path.exists() else b""
    if before and not before.endswith(b"\n"):
        before += b"\n"
    line = f"{name} {key.type} {base64.b64encode(key.blob).decode()}\n".encode()
    with replacing(path, mode=0o600) as file:
        file.write(before + line)
    return True
