"""Link and Channel: the interface between RemoteDevice and a transport (ssh, adb, or the fake for tests).

LostError               see edgenas.base.errors
  NotSentError          the connection broke before the command was sent: safe to send again
  CommandEndedError     the device reports the end of a command whose output has no end mark
"""

from __future__ import annotations

from typing import Protocol

from edgenas.base.errors import LostError

STALL_S = 15.0  # a device that accepts no data for this time is lost


class NotSentError(LostError):
    """Error where the connection broke before the command was sent."""


class CommandEndedError(LostError):
    """Error where the command ended, as the device reports, but its output has no end mark: its shell was killed, or
    never ran it.
    """


class Channel(Protocol):
    """One command that runs on a device."""

    def send(self, data: bytes) -> None:
        """Write all of ``data`` to the command's stdin; LostError when no byte is accepted for STALL_S."""
        ...

    def end_input(self) -> None:
        """Close the command's stdin; its output can still be received. Never raises."""
        ...

    def receive(self, timeout_s: float) -> tuple[int, bytes] | None:
        """Return (1 for stdout or 2 for stderr, bytes), or None when no data came within ``timeout_s``.

        LostError when the other end is closed, CommandEndedError where it reports an exit code; a caller that stops at
        the marks of both streams never gets them.
        """
        ...

    def close(self) -> None:
        """Close the channel of the command; never raises."""
        ...


class Link(Protocol):
    """Connection to a device, at most one at a time. RemoteDevice calls ``connect`` under a lock."""

    def connect(self) -> bool:
        """Connect unless connected; return True when the connection is new.

        LostError; DeviceError where another attempt cannot help: a changed host key, a refused login key, a phone that
        did not allow USB debugging.
        """
        ...

    def open(self, command: str) -> Channel:
        """Start ``command`` under the device's shell. Raises LostError, NotSentError."""
        ...

    def close(self) -> None:
        """Close the connection; the next ``connect`` makes a new one. Never raises."""
        ...
