"""Boards over ssh: a Link on paramiko.

Options of the TCP socket report a peer that vanished within ``dial.DEAD_PEER_S``. Behind a jump host or a proxy
command, and where a server hangs, a probe that must be answered does so. Host keys are checked against the file of
enrolled boards only.
"""

from __future__ import annotations

import contextlib
import logging
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgenas.base.errors import DeviceError, LostError
from edgenas.base.undo import UndoOnFailure
from edgenas.devices.transports.link import STALL_S, CommandEndedError, NotSentError
from edgenas.devices.transports.remote_device import RemoteDevice
from edgenas.devices.transports.ssh import algorithms, known_hosts
from edgenas.devices.transports.ssh.dial import ProxyCommand, dial
from edgenas.devices.transports.ssh.keys import log_in
from edgenas.devices.transports.ssh.known_hosts import HostKey
from edgenas.devices.transports.ssh.target import SshTarget as SshTarget
from edgenas.devices.transports.ssh.target import make_target as make_target

if TYPE_CHECKING:
    import socket

    import paramiko

# edgenas raises its own error for a broken connection; without a handler paramiko prints tracebacks of its threads too
logging.getLogger("paramiko").addHandler(logging.NullHandler())

CONNECT_S = 10.0
PROBE_AFTER_S = 10.0  # time without data from a server after which it is probed
PROBE_S = 5.0  # longest time for the answer to a probe
_END_S = 1.0  # longest wait for the exit code of a command whose output has ended
# fastest first; without CBC, which paramiko offers by default
_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes256-ctr")


class SshDevice(RemoteDevice):
    """A board over ssh; it is connected on first use."""

    def __init__(self, name: str, target: SshTarget, *, base: str | None = None) -> None:
        super().__init__(name, SshLink(target), base=base)


def offered_key(target: SshTarget) -> HostKey:
    """Return the host key that a server offers, not yet verified: the user compares its fingerprint before ``enroll``.

    Jump hosts must be enrolled already.
    """
    link = SshLink(target)
    try:
        return link.look()
    finally:
        link.close()


def enroll(target: SshTarget, key: HostKey) -> bool:
    """Enroll the server with ``key``; False where it was enrolled already. See ``known_hosts.enroll``."""
    return known_hosts.enroll(target.known_hosts, target.entry, key)


@dataclass(slots=True)
class SshLink:
    """See ``edgenas.devices.transports.link.Link``."""

    target: SshTarget
    _transport: paramiko.Transport | None = None
    _jump: SshLink | None = None
    _proxy: ProxyCommand | None = None
    _asking: threading.Lock = field(default_factory=threading.Lock)

    def connect(self) -> bool:
        """See ``Link.connect``."""
        if self._transport is not None and self._transport.is_active() and self._transport.is_authenticated():
            return False
        self.close()
        with UndoOnFailure(self.close):
            key = self._negotiate()
            known_hosts.check(self.target.known_hosts, self.target.entry, key)
            with _lost(f"{self.target} hung up while logging in"):
                assert self._transport is not None
                log_in(self._transport, self.target)
        return True

    def look(self) -> HostKey:
        """Return the server's host key by negotiation only: no user name, login key or command is sent."""
        return self._negotiate()

    def _negotiate(self) -> HostKey:
        import paramiko

        sock = self._dial()
        try:
            with _lost(f"{self.target} does not speak ssh, or hung up"):
                transport = self._transport = paramiko.Transport(sock)
                transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = CONNECT_S
                transport.daemon = True
                self._choose(transport.get_security_options())
                transport.start_client(timeout=CONNECT_S)
                key = transport.get_remote_server_key()
                return HostKey(key.get_name(), key.asbytes())
        except LostError as error:
            _quietly(sock.close)
            if self._proxy is None:
                raise
            printed = self._proxy.printed()
            raise LostError(
                f"{error}; ProxyCommand {self._proxy.command[:200]!r} printed: {printed or 'nothing'}"
            ) from error
        except BaseException:
            _quietly(sock.close)
            raise

    def _choose(self, options: paramiko.transport.SecurityOptions) -> None:
        """Set the algorithms to offer: those of edgenas, changed as the configuration says."""
        options.ciphers = [c for c in _CIPHERS if c in options.ciphers]
        for name, spec in self.target.algorithms:
            setattr(options, name, algorithms.chosen(spec, getattr(options, name)))
        options.key_types = self._key_types(options.key_types)

    def _key_types(self, supported: tuple[str, ...]) -> list[str]:
        """Return the key types with those of the enrolled keys first, so that a server with several keys offers an
        enrolled one."""
        known = {key.type for key in known_hosts.load(self.target.known_hosts).get(self.target.entry, ())}
        first = [t for t in supported if t in known or ("ssh-rsa" in known and t.startswith("rsa-sha2"))]
        return first + [t for t in supported if t not in first]

    def _dial(self) -> socket.socket | paramiko.Channel:
        target = self.target
        if target.proxy_command:
            self._proxy = ProxyCommand(target.proxy_command)
            return self._proxy.socket
        if target.jump is None:
            return dial(target, CONNECT_S)
        self._jump = self._jump or SshLink(target.jump)
        if not self._jump.connect() and not self._jump.answers():
            self._jump.connect()
        assert self._jump._transport is not None
        with _lost(f"{target.jump} cannot reach {target.host}:{target.port}"):
            there, here = (target.host, target.port), ("127.0.0.1", 0)
            return self._jump._transport.open_channel("direct-tcpip", there, here, timeout=CONNECT_S)

    def open(self, command: str) -> SshChannel:
        """See ``Link.open``."""
        import paramiko

        transport = self._transport
        if transport is None:
            raise NotSentError(f"{self.target} is not connected")
        try:
            channel = transport.open_session(timeout=CONNECT_S)
        except (paramiko.SSHException, OSError, EOFError) as error:
            self.close()
            raise NotSentError(f"{self.target} does not answer") from error
        # exec_command has no time limit
        patience = threading.Timer(STALL_S, transport.close)
        patience.start()
        try:
            with _lost(f"the connection to {self.target} broke"):
                channel.exec_command(command)
        finally:
            patience.cancel()
        return SshChannel(self, channel)

    def answers(self) -> bool:
        """Return whether the server answers a probe; where it does not, the connection is closed."""
        transport = self._transport
        if transport is None or not transport.is_active():
            return False
        with self._asking:
            asking = threading.Thread(target=_ask, args=(transport,), name=f"probe {self.target}", daemon=True)
            asking.start()
            asking.join(PROBE_S)
            if asking.is_alive():
                transport.close()
        return bool(transport.is_active())

    def close(self) -> None:
        """See ``Link.close``."""
        transport, self._transport = self._transport, None
        if transport is not None:
            _quietly(transport.close)
        proxy, self._proxy = self._proxy, None
        if proxy is not None:
            proxy.close()
        if self._jump is not None:
            self._jump.close()


@dataclass(slots=True)
class SshChannel:
    """See ``edgenas.devices.transports.link.Channel``."""

    link: SshLink
    channel: paramiko.Channel
    _heard_s: float = field(default_factory=time.monotonic)

    def send(self, data: bytes) -> None:
        """See ``Channel.send``."""
        self.channel.settimeout(STALL_S)
        with _lost(f"{self.link.target} accepts no more data"):
            self.channel.sendall(data)

    def end_input(self) -> None:
        """See ``Channel.end_input``."""
        with contextlib.suppress(OSError, EOFError):
            self.channel.shutdown_write()

    def receive(self, timeout_s: float) -> tuple[int, bytes] | None:
        """See ``Channel.receive``."""
        channel, end = self.channel, time.monotonic() + timeout_s
        waiting = select.poll()
        waiting.register(channel.fileno(), select.POLLIN)
        while True:
            closed = channel.closed or channel.eof_received
            if channel.recv_ready():
                self._heard_s = time.monotonic()
                return 1, channel.recv(1 << 16)
            if channel.recv_stderr_ready():
                self._heard_s = time.monotonic()
                return 2, channel.recv_stderr(1 << 16)
            now = time.monotonic()
            if closed:
                channel.status_event.wait(_END_S)  # the exit code comes after the end of the output
                if channel.exit_status >= 0:
                    raise CommandEndedError(f"{self.link.target} reports the end of the command, but not of its output")
                raise LostError(f"the connection to {self.link.target} broke")
            if now >= end:
                return None
            if now > self._heard_s + PROBE_AFTER_S:
                if not self.link.answers():
                    raise LostError(f"{self.link.target} does not answer any more")
                self._heard_s = now
            waiting.poll(1000 * min(end - now, PROBE_AFTER_S))

    def close(self) -> None:
        """See ``Channel.close``."""
        # dropbear ends the next channel too where one is closed before its command has ended
        self.end_input()
        self.channel.status_event.wait(_END_S)
        _quietly(self.channel.close)


def _quietly(close: Callable[[], None]) -> None:
    """Call ``close`` and ignore errors: it sends a message to the other end, which may be gone."""
    import paramiko

    with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
        close()


def _ask(transport: paramiko.Transport) -> None:
    with contextlib.suppress(Exception):  # a connection that ends meanwhile raises many types; the caller checks it
        transport.global_request("keepalive@openssh.com", wait=True)


@contextmanager
def _lost(what: str) -> Iterator[None]:
    """Convert exceptions of paramiko and of sockets in the block to LostError; ``what`` begins the message."""
    import paramiko

    try:
        yield
    except DeviceError:
        raise
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise LostError(f"{what}: {str(error) or type(error).__name__}") from error
