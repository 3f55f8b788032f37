"""Which server, as whom, with which keys, through which others: what a person wrote, completed from ssh_config."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from pathlib import Path

from edgenas.base.errors import DeviceInputError
from edgenas.devices.transports.remote import check_host, check_port, check_user
from edgenas.devices.transports.ssh import known_hosts
from edgenas.devices.transports.ssh.config import read_config

_MOST_JUMPS = 4


@dataclass(frozen=True, slots=True)
class Target:
    """A server and how to get in. ``keys`` empty means the usual files; ``known_as`` overrides its name in the file of
    known hosts; ``jump`` is the server in between."""

    host: str
    user: str
    known_hosts: Path
    port: int = 22
    keys: tuple[Path, ...] = ()
    only_keys: bool = False
    known_as: str = ""
    jump: Target | None = None

    def __post_init__(self) -> None:
        check_host(self.host)
        check_user(self.user)
        check_port(self.port)
        if self.known_as:
            check_host(self.known_as)

    @property
    def entry(self) -> str:
        """Its name in the file of known hosts."""
        return known_hosts.entry_name(self.known_as or self.host, 22 if self.known_as else self.port)

    def __str__(self) -> str:
        return f"{self.user}@{self.host}:{self.port}"


def make_target(
    host: str,
    known_hosts_file: Path,
    *,
    user: str | None = None,
    port: int | None = None,
    key: Path | None = None,
    jump: str | None = None,
    config: Path | None = None,
) -> Target:
    """A Target from what a person wrote; the OpenSSH configuration ``config`` fills in what they left out.

    ``jump`` is [USER@]HOST[:PORT], or several joined by commas, nearest first. DeviceInputError.
    """
    return _target(host, known_hosts_file, user, port, key, jump, config, 0)


def _target(
    host: str,
    file: Path,
    user: str | None,
    port: int | None,
    key: Path | None,
    jump: str | None,
    config: Path | None,
    depth: int,
) -> Target:
    if depth > _MOST_JUMPS:
        raise DeviceInputError(f"{host[:80]!r}: more than {_MOST_JUMPS} jump hosts; do they name each other?")
    check_host(host)
    says = read_config(config, host) if config else None
    hops = [h.strip() for h in jump.split(",")] if jump else (says.proxy_jump if says else None) or []
    before = None
    if hops:
        hop_user, _, rest = hops[-1].removeprefix("ssh://").rpartition("@")
        hop_host, hop_port = _split_port(rest)
        inner = ",".join(hops[:-1]) or None
        before = _target(hop_host, file, hop_user or None, hop_port, None, inner, config, depth + 1)
    return Target(
        host=says.host_name if says else host,
        user=user or (says.user if says else None) or getpass.getuser(),
        known_hosts=file,
        port=port if port is not None else (says.port if says else None) or 22,
        keys=(key.expanduser(),) if key else tuple(says.identity_files if says else ()),
        only_keys=key is not None or (says.identities_only if says else False),
        known_as=(says.host_key_alias if says else None) or "",
        jump=before,
    )


def _split_port(text: str) -> tuple[str, int | None]:
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    else:
        host, port = text, ""
    if port and not port.isdecimal():
        raise DeviceInputError(f"{text[:80]!r} is not a jump host: give [USER@]HOST[:PORT]")
    return host, int(port) if port else None
