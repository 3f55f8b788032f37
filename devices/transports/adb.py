"""Phones over adb (USB or TCP): a Link that speaks shell protocol 2 to the adb server.

The state that adb reports for a phone is not enough: every new connection, and every phone that sends nothing for
PROBE_AFTER_S, is probed with a command that must answer in time. Source of the packets: Android's packages/modules/adb,
shell_protocol.h.
"""

from __future__ import annotations

import contextlib
import re
import select
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgenas.base.errors import DeviceError, DeviceInputError, LostError
from edgenas.devices.transports.adb_server import SERVICE, AdbRefusedError, AdbServer, send_request
from edgenas.devices.transports.link import NotSentError
from edgenas.devices.transports.remote import check_serial
from edgenas.devices.transports.remote_device import RemoteDevice

if TYPE_CHECKING:
    from adbutils import AdbConnection

CONNECT_S = 12.0  # longest time for a phone to be listed, connected and awake
PROBE_AFTER_S = 5.0  # time without data from a phone after which it is probed
PROBE_S = 5.0  # longest time for the answer to a probe
_HANDSHAKE_S = 1.5  # adb reports a phone as unauthorized during the exchange of keys
_REFUSED = re.compile("failed|cannot|unable|bad|empty")
_STDIN, _STDOUT, _STDERR, _EXIT, _CLOSE_STDIN = range(5)
_PACKET_BYTES = 32 << 10
_MOST_PACKET_BYTES = 16 << 20  # a packet header with a larger size is invalid


class AdbDevice(RemoteDevice):
    """A phone with a serial as `adb devices` shows it (also the mDNS name of wireless debugging), or HOST:PORT.
    ``hardware_serial`` (getprop ro.serialno) ensures that an address still belongs to the same phone; without it, the
    phone of the first connection is expected."""

    def __init__(
        self,
        name: str,
        serial: str,
        *,
        server: AdbServer | None = None,
        base: str | None = None,
        hardware_serial: str = "",
    ) -> None:
        super().__init__(name, AdbLink(serial, server or AdbServer()), base=base, serial=hardware_serial)


def only_serial(server: AdbServer) -> str:
    """Return the serial of the only phone that adb sees; DeviceInputError where there is none, or several."""
    server.start()
    states = server.states()
    if len(states) == 1:
        return next(iter(states))
    if not states:
        wireless = server.services()
        near = f" but on this network {', '.join(wireless)}: write one as serial in devices.toml, if it is paired"
        raise DeviceInputError(f"adb sees no phone{near if wireless else ''}; {_REMEDIES['']}")
    seen = ", ".join(f"{serial} ({state})" for serial, state in states.items())
    raise DeviceInputError(f'adb sees several phones: {seen}; write one as serial = "..." in devices.toml')


_REMEDIES = {
    "": "plug it in with a cable that carries data, switch on USB debugging in its developer options, or type: "
    "adb connect HOST:PORT; for wireless debugging (Android 11) type: edgenas devices add NAME --adb-pair HOST:PORT",
    "unauthorized": "unlock it and tap Allow in its dialog 'Allow USB debugging?'; if there is none, revoke USB "
    "debugging authorizations in its developer options and plug it in again",
    "offline": "wake it, unplug it and plug it in again; if that does not help, switch USB debugging off and on",
    "no permissions": "this user may not use the USB port; type: sudo apt install android-sdk-platform-tools-common, "
    "log in again, then: adb kill-server",
    "authorizing": "wait for its dialog 'Allow USB debugging?' and tap Allow",
    "connecting": "wait a little",
}
_WAITING = ("", "offline", "authorizing", "connecting")  # states that may end by themselves


def trouble(serial: str, state: str, states: Mapping[str, str]) -> DeviceError:
    """Return the error for a phone in ``state``, '' where adb does not list it; a LostError where waiting may help.

    ``states`` are all phones that adb lists.
    """
    key = "no permissions" if state.startswith("no permissions") else state
    remedy = _REMEDIES.get(key, "start it as usual: it must show its home screen")
    if not state:
        others = ", ".join(states) or "none"
        return LostError(f"adb does not see {serial} (it sees: {others}); {remedy}")
    kind = LostError if key in _WAITING else DeviceError
    return kind(f"adb reports {serial} as {key[:40]}; {remedy}")


@dataclass(slots=True)
class AdbLink:
    """See ``edgenas.devices.transports.link.Link``. The adb server holds the connection; ``_up`` is True while the last
    probe or command succeeded."""

    serial: str
    server: AdbServer
    _up: bool = False

    def __post_init__(self) -> None:
        check_serial(self.serial)

    def connect(self) -> bool:
        """See ``Link.connect``."""
        if self._up:
            return False
        self.server.start()
        answer = ""
        begin = time.monotonic()
        while True:
            states = self.server.states()
            state = states.get(self.serial, "")
            if state == "device" and self._answers() and (features := self._features()) is not None:
                break
            if (":" in self.serial or SERVICE in self.serial) and state in ("", "device", "offline"):
                answer = self._reconnect(known=bool(state))
            elif state not in _WAITING and (state != "unauthorized" or time.monotonic() > begin + _HANDSHAKE_S):
                raise trouble(self.serial, state, states)
            if time.monotonic() > begin + CONNECT_S or (_REFUSED.match(answer) and "authenticate" not in answer):
                raise self._gave_up(answer)
            time.sleep(0.2)
        if "shell_v2" not in features:
            raise DeviceError(f"{self.serial} speaks no shell protocol 2: Android 7 or later is needed")
        self._up = True
        return True

    def _features(self) -> list[str] | None:
        """Return the features of the phone; None where it was disconnected after the probe."""
        try:
            return self.server.ask(f"host-serial:{self.serial}:features").split(",")
        except AdbRefusedError:  # device offline, device not found
            return None

    def _reconnect(self, *, known: bool) -> str:
        """Request a new connection, because adb itself retries only after 10 s; return adb's answer.

        The answer 'connected to' does not prove that the phone is connected.
        """
        if known:
            with contextlib.suppress(AdbRefusedError):
                self.server.ask(f"host:disconnect:{self.serial}")
        try:
            return self.server.ask(f"host:connect:{self.serial}")
        except AdbRefusedError as error:
            return f"failed: {error}"

    def _gave_up(self, answer: str) -> DeviceError:
        """Return the error for a phone that did not connect; ``answer`` is adb's last answer to a request."""
        states = self.server.states()
        state = states.get(self.serial, "")
        if state and state != "device":
            return trouble(self.serial, state, states)
        if "authenticate" in answer:
            return trouble(self.serial, "unauthorized", states)
        shown = "".join(c if c.isprintable() else " " for c in answer)[:200]
        if state or shown:
            return LostError(
                f"{self.serial} does not answer{f' (adb: {shown})' if shown else ''}; is it on, and in reach?"
            )
        return trouble(self.serial, "", states)

    def open(self, command: str) -> AdbChannel:
        """See ``Link.open``."""
        return AdbChannel(self, self._shell(command))

    def _shell(self, command: str, timeout_s: float | None = None) -> AdbConnection:
        from adbutils import AdbError

        connection = self.server.connection(*([] if timeout_s is None else [timeout_s]))
        sent = False
        try:
            send_request(connection, f"host:tport:serial:{self.serial}")
            connection.read_exact(8)  # id of the transport
            sent = True
            send_request(connection, f"shell,v2,raw:{command}")
        except (AdbError, AdbRefusedError, OSError, EOFError) as error:
            connection.close()
            self._up = False
            kind = LostError if sent and not isinstance(error, AdbRefusedError) else NotSentError
            raise kind(f"{self.serial} does not answer: {str(error)[:200] or 'the connection closed'}") from error
        return connection

    def _answers(self) -> bool:
        """Return whether the phone runs a command within PROBE_S."""
        try:
            connection = self._shell("echo", PROBE_S)
        except LostError:
            return False
        try:
            return bool(connection.conn.recv(1))
        except OSError:
            return False
        finally:
            connection.close()

    def answers(self) -> bool:
        """Return whether a silent phone answers a probe; where it does not, the link is marked as down."""
        self._up = self._up and self._answers()
        return self._up

    def close(self) -> None:
        """See ``Link.close``."""
        self._up = False


@dataclass(slots=True)
class AdbChannel:
    """See ``edgenas.devices.transports.link.Channel``."""

    link: AdbLink
    connection: AdbConnection
    _buffer: bytearray = field(default_factory=bytearray)
    _heard_s: float = field(default_factory=time.monotonic)

    def send(self, data: bytes) -> None:
        """See ``Channel.send``."""
        view = memoryview(data)
        try:
            for first in range(0, len(view), _PACKET_BYTES):
                part = view[first : first + _PACKET_BYTES]
                self.connection.conn.sendall(struct.pack("<BI", _STDIN, len(part)) + part)
        except OSError as error:
            raise self._lost("accepts no more data") from error

    def end_input(self) -> None:
        """See ``Channel.end_input``."""
        with contextlib.suppress(OSError):
            self.connection.conn.sendall(struct.pack("<BI", _CLOSE_STDIN, 0))

    def receive(self, timeout_s: float) -> tuple[int, bytes] | None:
        """See ``Channel.receive``."""
        end = time.monotonic() + timeout_s
        waiting = select.poll()
        waiting.register(self.connection.conn, select.POLLIN)
        while True:
            while packet := self._packet():
                if packet[0] in (_STDOUT, _STDERR):
                    return packet
            now = time.monotonic()
            if now > self._heard_s + PROBE_AFTER_S:
                if not self.link.answers():
                    raise self._lost("does not answer any more")
                self._heard_s = now
            if not waiting.poll(1000 * max(0.0, min(end - now, PROBE_AFTER_S))):
                if time.monotonic() >= end:
                    return None
                continue
            try:
                data = self.connection.conn.recv(1 << 16)
            except OSError as error:
                raise self._lost("is lost") from error
            if not data:
                raise self._lost("is lost: the connection broke")
            self._heard_s = time.monotonic()
            self._buffer += data

    def _packet(self) -> tuple[int, bytes] | None:
        if len(self._buffer) < 5:
            return None
        kind, size = struct.unpack_from("<BI", self._buffer)
        if size > _MOST_PACKET_BYTES or kind > _CLOSE_STDIN + 1:
            raise self._lost("sent an invalid packet")
        if len(self._buffer) < 5 + size:
            return None
        data = bytes(self._buffer[5 : 5 + size])
        del self._buffer[: 5 + size]
        return kind, data

    def _lost(self, how: str) -> LostError:
        self.link.close()
        return LostError(f"{self.link.serial} {how}")

    def close(self) -> None:
        """See ``Channel.close``."""
        with contextlib.suppress(OSError):
            self.connection.close()
