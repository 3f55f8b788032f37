"""Device: the one thing everything above needs of a machine, and how it fails.

    DeviceError             the device did not do what was asked (exit code 1)
      TimeLimitError        a command ran past its time; carries what it printed until then
      OutputLimitError      a command printed more than anyone will read
      TransferError         a file did not arrive whole
      LostError             the device does not answer, or the connection broke: what was asked may have happened
      DeviceInputError      an inventory or a request that breaks a rule (exit code 2)

A command that runs and fails is no error here: its exit code is in the result. One that cannot be started answers 127,
as a shell does.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol


class DeviceError(Exception):
    """The device did not do what was asked; the message names the device, what was asked and what to do."""


class TimeLimitError(DeviceError):
    """A command was stopped at its time limit; ``stdout`` and ``stderr`` hold what it had printed."""

    def __init__(self, message: str, stdout: str, stderr: str) -> None:
        super().__init__(message)
        self.stdout = stdout
        self.stderr = stderr


class OutputLimitError(DeviceError):
    """A command was stopped because it printed too much."""


class TransferError(DeviceError):
    """A file or folder did not arrive whole; nothing of it is left under its name."""


class LostError(DeviceError):
    """The device does not answer, or the connection broke; what was asked of it may or may not have happened."""


class DeviceInputError(DeviceError):
    """Something a person wrote breaks a rule: the inventory, a device's name, a path."""


class Device(Protocol):
    """A machine that runs commands and holds files."""

    @property
    def name(self) -> str:
        """What the inventory calls it."""
        ...

    def run(self, argv: Sequence[str], *, timeout_s: float) -> subprocess.CompletedProcess[str]:
        """Run ``argv`` with no shell around it and no input, and wait. Output that is not UTF-8 is replaced, not
        refused. What the command leaves running in its process group is killed. TimeLimitError, OutputLimitError."""
        ...

    def push(self, local: Path, remote: str) -> None:
        """Copy a file, or a folder of plain files, to the absolute path ``remote``: it appears there whole, its
        content checked, or not at all (TransferError). A file replaces a file; a folder replaces nothing."""
        ...

    def pull(self, remote: str, local: Path) -> None:
        """The same in the other direction."""
        ...

    def workdir(self) -> AbstractContextManager[str]:
        """A fresh private folder on the device, removed at the end, by the next caller if this one is killed."""
        ...
