"""Connection to an ssh server, before any data is sent: TCP, or a command of the user (ProxyCommand)."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
from contextlib import suppress
from typing import IO

from edgenas.base.errors import LostError
from edgenas.base.text import printable
from edgenas.devices.transports.ssh.target import SshTarget

DEAD_PEER_S = 3  # time without an acknowledgement after which the kernel closes a connection
_END_S = 2.0  # longest time for a command to end when its connection is closed


def dial(target: SshTarget, timeout_s: float) -> socket.socket:
    """Open a TCP connection that the kernel closes when its peer is silent for DEAD_PEER_S. Raises LostError."""
    where = f"{target.host}:{target.port}"
    try:
        sock = _connected(target, timeout_s)
    except OSError as error:
        why = "no answer" if isinstance(error, TimeoutError) else error.strerror or str(error)
        raise LostError(f"{where} cannot be reached: {why}; is it on, and on this network?") from error
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for option, value in (
        ("TCP_KEEPIDLE", DEAD_PEER_S),
        ("TCP_KEEPINTVL", 1),
        ("TCP_KEEPCNT", DEAD_PEER_S),
        ("TCP_USER_TIMEOUT", DEAD_PEER_S * 1000),
    ):
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return sock


def _connected(target: SshTarget, timeout_s: float) -> socket.socket:
    """Connect to the first address of the host, of the requested family, that answers. Raises OSError."""
    last: OSError | None = None
    for family, kind, protocol, _, address in socket.getaddrinfo(
        target.host, target.port, target.family, socket.SOCK_STREAM
    ):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(timeout_s)
            if target.bind_address:
                sock.bind((target.bind_address, 0))
            sock.connect(address)
            return sock
        except OSError as error:
            last = error
            sock.close()
    raise last or OSError("no address")


class ProxyCommand:
    """A command of the user whose stdin and stdout are the connection, as OpenSSH's ProxyCommand; it runs under the
    user's shell. It gets a socket, not pipes, so that its end is noticed as that of a TCP connection."""

    def __init__(self, command: str) -> None:
        self.command = command
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self.socket, theirs = socket.socketpair()
        shell = os.environ.get("SHELL") or "/bin/sh"
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [shell, "-c", f"exec {command}"],
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    stderr=self._errors,
                    start_new_session=True,  # Ctrl-C is for edgenas, which ends the command itself
                )
            except OSError as error:
                self.socket.close()
                self._errors.close()
                raise LostError(f"ProxyCommand {command[:200]!r} cannot be started: {error}") from error

    def printed(self) -> str:
        """Return the end of what the command printed on stderr, for a message."""
        with suppress(OSError, ValueError):
            self._errors.seek(0)
            return printable(self._errors.read()[-400:].decode("utf-8", "replace"))
        return ""

    def close(self) -> None:
        """End the command. Never raises."""
        self.socket.close()
        with suppress(OSError):
            os.killpg(self._process.pid, 15)
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            with suppress(OSError):
                os.killpg(self._process.pid, 9)
            self._process.wait()
        self._errors.close()
