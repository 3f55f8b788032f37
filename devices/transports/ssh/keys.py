"""Login with private keys: the keys that are offered to an ssh server, and the error when it accepts none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.errors import DeviceError, DeviceInputError

if TYPE_CHECKING:
    import paramiko

DEFAULT_FILES = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")
_MOST = 5  # servers close the connection after six keys


def log_in(transport: paramiko.Transport, user: str, files: Sequence[Path], *, only_files: bool, where: str) -> None:
    """Log in with the given key files, or the default ones, and the agent's keys; the key of an encrypted file is taken
    from the agent.

    DeviceError names the keys that were tried. No password is ever requested or sent.
    """
    import paramiko

    tried = []
    notes: list[str] = []
    for what, key in islice(_keys(files, only_files, notes), _MOST):
        tried.append(what)
        with suppress(paramiko.AuthenticationException):
            if not transport.auth_publickey(user, key):
                return
            notes.append(f"{what} was accepted, but the server requires more than a key")
    why = "; ".join(notes)
    raise DeviceError(
        f"{where} accepts for {user} none of these keys: {', '.join(tried) or 'none found'}"
        f"{f' ({why})' if why else ''}; type: ssh-copy-id -i KEY.pub {user}@HOST, and name the key in devices.toml"
    )


def shown_keys() -> tuple[list[str], list[str]]:
    """Return the keys that are offered to a board without ``key`` in the inventory, in order, and notes on keys that
    cannot be used. DeviceInputError."""
    notes: list[str] = []
    return [what for what, _ in islice(_keys((), False, notes), _MOST)], notes


def _keys(files: Sequence[Path], only_files: bool, notes: list[str]) -> Iterator[tuple[str, paramiko.PKey]]:
    import paramiko

    agent = paramiko.Agent()
    try:
        held = {key.asbytes(): key for key in agent.get_keys()}
        for file in files or [p for p in (Path(f).expanduser() for f in DEFAULT_FILES) if p.exists()]:
            if found := _read(file, held, notes, required=bool(files)):
                held.pop(found.asbytes(), None)
                yield str(file), found
        if not only_files:
            for key in held.values():
                yield f"{key.get_name()} {key.fingerprint} of the agent", key
    finally:
        agent.close()


def _read(
    file: Path, held: dict[bytes, paramiko.AgentKey], notes: list[str], *, required: bool
) -> paramiko.PKey | paramiko.AgentKey | None:
    import paramiko

    if file.is_file() and file.stat().st_mode & 0o077:
        raise DeviceInputError(f"{file}: others can read this private key; type: chmod 600 '{file}'")
    try:
        return paramiko.PKey.from_path(file)
    except (paramiko.PasswordRequiredException, TypeError):  # a TypeError is what cryptography raises
        public = _public(file)
        if public in held:
            return held[public]
        notes.append(f"{file} has a passphrase; type: ssh-add '{file}'")
        return None
    except (OSError, paramiko.SSHException, ValueError) as error:
        if required:
            why = error.strerror if isinstance(error, OSError) else "not a private key that can be read"
            raise DeviceInputError(f"{file}: {why}; name a private key made by ssh-keygen") from error
        return None


def _public(file: Path) -> bytes:
    import paramiko

    try:
        words = file.with_name(f"{file.name}.pub").read_text(encoding="utf-8").split()
        return paramiko.PublicBlob.from_string(" ".join(words[:2])).key_blob if len(words) > 1 else b""
    except (OSError, ValueError):
        return b""
