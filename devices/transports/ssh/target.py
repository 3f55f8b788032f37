"""SshTarget of an ssh connection: server, user, keys and jump hosts, from the inventory and completed by ssh_config."""

from __future__ import annotations

import getpass
import socket
from dataclasses import dataclass
from pathlib import Path

from edgenas.base.errors import DeviceInputError
from edgenas.devices.transports.remote import check_host, check_port, check_user
from edgenas.devices.transports.ssh import known_hosts
from edgenas.devices.transports.ssh.config import Settings, read_config

_MOST_JUMPS = 4


@dataclass(frozen=True, slots=True)
class SshTarget:
    """An ssh server and the login to it.

    ``known_hosts`` is the file of enrolled host keys. ``keys`` () means the default key files; ``only_keys`` True
    leaves out the agent's keys, ``optional_keys`` True those key files that are missing. ``agent`` is the socket of the
    agent: None for that of the environment, '' for no agent. ``known_as`` replaces the server's name in the file of
    known hosts. ``jump`` is the jump host, ``proxy_command`` a shell command whose stdin and stdout are the connection.
    ``family``, ``bind_address`` and ``algorithms`` are those of ``config.Settings``; its ``notes`` are for the error of
    a login that failed.
    """

    host: str
    user: str
    known_hosts: Path
    port: int = 22
    keys: tuple[Path, ...] = ()
    only_keys: bool = False
    known_as: str = ""
    jump: SshTarget | None = None
    proxy_command: str | None = None
    optional_keys: bool = False
    agent: str | None = None
    family: int = socket.AF_UNSPEC
    bind_address: str | None = None
    algorithms: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_host(self.host)
        check_user(self.user)
        check_port(self.port)
        if self.known_as:
            check_host(self.known_as)

    @property
    def entry(self) -> str:
        """Name of the server in the file of known hosts."""
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
) -> SshTarget:
    """Return the target that fields of the inventory name; None fields come from the OpenSSH file ``config``.

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
) -> SshTarget:
    if depth > _MOST_JUMPS:
        raise DeviceInputError(f"{host[:80]!r}: more than {_MOST_JUMPS} jump hosts; do they name each other?")
    check_host(host)
    settings = read_config(config, host, user=user, port=port) if config else Settings(host, user, port)
    hops = [h.strip() for h in jump.split(",")] if jump else settings.proxy_jump or []
    before = None
    if hops:
        hop_user, _, rest = hops[-1].removeprefix("ssh://").rpartition("@")
        hop_host, hop_port = _split_port(rest)
        inner = ",".join(hops[:-1]) or None
        before = _target(hop_host, file, hop_user or None, hop_port, None, inner, config, depth + 1)
    return SshTarget(
        host=settings.host_name,
        user=settings.user or getpass.getuser(),
        known_hosts=file,
        port=settings.port or 22,
        keys=(key.expanduser(),) if key else tuple(settings.identity_files),
        only_keys=key is not None or settings.identities_only,
        optional_keys=key is None,
        agent=settings.identity_agent,
        known_as=settings.host_key_alias or "",
        jump=before,
        proxy_command=None if before else settings.proxy_command,
        family=settings.family,
        bind_address=settings.bind_address,
        algorithms=tuple(settings.algorithms.items()),
        notes=tuple(settings.notes),
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
