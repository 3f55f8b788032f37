"""Login with private keys: the keys that are offered to an ssh server, and the error when it accepts none."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.errors import DeviceError, DeviceInputError

if TYPE_CHECKING:
    import paramiko

    from edgenas.devices.transports.ssh.target import SshTarget

DEFAULT_FILES = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")
_AGENT_S = 10.0
_PUBLIC_BYTES = 1 << 16
_MOST = 5  # servers close the connection after six keys


def log_in(transport: paramiko.Transport, target: SshTarget) -> None:
    """Log in with the key files of the target, or the default ones, and the agent's keys; the key of an encrypted file,
    or of a file with a public key, is taken from the agent.

    DeviceError names the keys that were tried. No password is ever requested or sent.
    """
    import paramiko

    tried = []
    notes: list[str] = []
    for what, key in islice(_keys(target, notes), _MOST):
        tried.append(what)
        with suppress(paramiko.AuthenticationException):
            if not transport.auth_publickey(target.user, key):
                return
            notes.append(f"{what} was accepted, but the server requires more than a key")
    why = "; ".join((*notes, *target.notes))
    raise DeviceError(
        f"{target} accepts for {target.user} none of these keys: {', '.join(tried) or 'none found'}"
        f"{f' ({why})' if why else ''}; type: ssh-copy-id -i KEY.pub {target.user}@HOST, and name the key in "
        "devices.toml"
    )


def shown_keys() -> tuple[list[str], list[str]]:
    """Return the keys that are offered to a board without ``key`` in the inventory, in order, and notes on keys that
    cannot be used. Raises DeviceInputError.
    """
    notes: list[str] = []
    return [what for what, _ in islice(_keys(None, notes), _MOST)], notes


def is_public(file: Path) -> bool:
    """Return whether a file holds a public key, which others may read."""
    return bool(_public(file))


def _keys(target: SshTarget | None, notes: list[str]) -> Iterator[tuple[str, paramiko.PKey]]:
    """Yield the keys to offer, each with its name; the default files and the agent's where ``target`` is None."""
    files: Sequence[Path] = target.keys if target else ()
    with _agent_keys(target.agent if target else None, notes) as agent_keys:
        held = {key.asbytes(): key for key in agent_keys}
        for file in files or [p for p in (Path(f).expanduser() for f in DEFAULT_FILES) if p.exists()]:
            if target and target.optional_keys and not file.exists():
                notes.append(f"{file} is missing")
            elif found := _read(file, held, notes, required=bool(files)):
                held.pop(found.asbytes(), None)
                yield str(file), found
        if not (target and target.only_keys):
            for key in held.values():
                yield f"{key.get_name()} {key.fingerprint} of the agent", key


@contextmanager
def _agent_keys(path: str | None, notes: list[str]) -> Iterator[tuple[paramiko.AgentKey, ...]]:
    """Yield the keys of the agent at the socket ``path``: None for that of the environment, '' for none."""
    import paramiko
    from paramiko.agent import AgentSSH

    if path is None:
        agent = paramiko.Agent()
        try:
            yield agent.get_keys()
        finally:
            agent.close()
        return
    own = AgentSSH()  # paramiko.Agent has no argument for the socket
    try:
        if path:
            try:
                connection = socket.socket(socket.AF_UNIX)
                connection.settimeout(_AGENT_S)
                own._conn = connection
                connection.connect(path)
                own._connect(connection)
            except (OSError, paramiko.SSHException) as error:
                notes.append(f"the agent {path} does not answer: {error}")
        yield own.get_keys()
    finally:
        own._close()


def _read(
    file: Path, held: dict[bytes, paramiko.AgentKey], notes: list[str], *, required: bool
) -> paramiko.PKey | paramiko.AgentKey | None:
    import paramiko

    if is_public(file):
        return _of_agent(file, held, notes, f"{file} is a public key, and the agent has not its private key")
    if file.is_file() and file.stat().st_mode & 0o077:
        raise DeviceInputError(f"{file}: others can read this private key; type: chmod 600 '{file}'")
    try:
        return paramiko.PKey.from_path(file)
    except (paramiko.PasswordRequiredException, TypeError):  # a TypeError is what cryptography raises
        return _of_agent(file.with_name(f"{file.name}.pub"), held, notes, f"{file} has a passphrase")
    except (OSError, paramiko.SSHException, ValueError) as error:
        if required:
            why = error.strerror if isinstance(error, OSError) else "not a private key that can be read"
            raise DeviceInputError(f"{file}: {why}; name a private key made by ssh-keygen") from error
        return None


def _of_agent(
    public: Path, held: dict[bytes, paramiko.AgentKey], notes: list[str], why: str
) -> paramiko.AgentKey | None:
    """Return the agent's key that belongs to the public key in a file; None, with the note ``why``, without one."""
    found = held.get(_public(public))
    if found is None:
        notes.append(f"{why}; type: ssh-add '{public.with_suffix('')}'")
    return found


def _public(file: Path) -> bytes:
    """Return the public key in a file in OpenSSH's wire format; b'' where there is none."""
    import paramiko

    try:
        with file.open(encoding="utf-8") as lines:
            words = lines.readline(_PUBLIC_BYTES).split()
        return paramiko.PublicBlob.from_string(" ".join(words[:2])).key_blob if len(words) > 1 else b""
    except (OSError, ValueError):
        return b""
