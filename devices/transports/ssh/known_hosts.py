"""File of the host keys of enrolled boards; only ``enroll`` writes it.

The lines have OpenSSH's form ``NAME TYPE BASE64``, where NAME is a host or ``[host]:port``. Patterns, hashes and
markers such as @revoked are refused, because edgenas would obey them only in part. A changed key is never replaced
without an error.
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
    """Error where a server is not enrolled, or its host key has changed; nothing was sent to it."""


@dataclass(frozen=True, slots=True)
class HostKey:
    """Host key of a server: ``blob`` is the public key in OpenSSH's wire format."""

    type: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """Fingerprint in the form of OpenSSH: SHA256:..."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")


def entry_name(host: str, port: int) -> str:
    """Return the name of a server in the file."""
    return host.lower() if port == 22 else f"[{host.lower()}]:{port}"


def load(path: Path) -> dict[str, tuple[HostKey, ...]]:
    """Read the file: name -> keys, empty where the file does not exist.

    DeviceInputError names the invalid line; it is also raised for a file that other users can change.
    """
    try:
        info = path.stat()
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise DeviceInputError(f"{path}: cannot be read: {error}") from error
    if info.st_uid not in (os.getuid(), 0) or info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise DeviceInputError(f"{path}: others can change it; type: chown $USER '{path}' && chmod 600 '{path}'")
    keys: dict[str, tuple[HostKey, ...]] = {}
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
        keys[fields[0]] = (*keys.get(fields[0], ()), key)
    return keys


def check(path: Path, name: str, offered: HostKey) -> None:
    """Raise HostKeyError unless ``offered`` is an enrolled key of ``name``."""
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
            "may intercept the connection, or the device was installed anew; if you know that it was, delete the lines "
            f"of {name} from {path} and enroll it again"
        )


def enroll(path: Path, name: str, key: HostKey) -> bool:
    """Add ``key`` to the file as a key of ``name``; return False where it is there already. HostKeyError where ``name``
    is enrolled with another key."""
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
