"""The seam where bytes leave this process for a device: what ssh, adb and the fake each bring, and all they bring.

LostError               see edgenas.devices.base
  NotSentError          the connection broke, and the command never left: safe to send again
"""

from __future__ import annotations

from typing import Protocol

from edgenas.base.errors import LostError

STALL_S = 15.0  # a device that takes no byte of ours for so long is lost


class NotSentError(LostError):
    """The connection broke before the command left."""


class Channel(Protocol):
    """One command that runs on a device."""

    def send(self, data: bytes) -> None:
        """All of ``data`` to the command's stdin; LostError when nothing moves for STALL_S."""
        ...

    def end_input(self) -> None:
        """Close the command's stdin; output still comes. Never raises."""
        ...

    def receive(self, timeout_s: float) -> tuple[int, bytes] | None:
        """(1 or 2 for stdout or stderr, some bytes), None when nothing came in time; LostError once the other end
        closed, which a reader who has seen the marks never meets."""
        ...

    def close(self) -> None:
        """Leave the command; never raises."""
        ...


class Link(Protocol):
    """A way to a device: at most one connection at a time. RemoteDevice calls ``connect`` under a lock."""

    def connect(self) -> bool:
        """Make sure of a connection; True when it is a new one. LostError, or DeviceError where trying again cannot
        help: a changed host key, a key that is not let in, a phone that was not allowed."""
        ...

    def open(self, command: str) -> Channel:
        """Start ``command`` under the device's shell. LostError, NotSentError."""
        ...

    def close(self) -> None:
        """Drop the connection; the next ``connect`` makes a new one. Never raises."""
        ...
