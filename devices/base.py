"""Device: the one thing everything above needs of a machine. How it fails: ``edgenas.base.errors``.

A command that runs and fails is no error here: its exit code is in the result. One that cannot be started answers 127,
as a shell does.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol


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
