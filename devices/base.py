"""Device: the interface of a machine that runs commands and holds files. Errors: ``edgenas.base.errors``.

A command that ends with an exit code other than 0 raises no error: the exit code is in the result. A command that
cannot be started has exit code 127, as in a shell.
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
        """Name of the device in the inventory."""
        ...

    def run(self, argv: Sequence[str], *, timeout_s: float) -> subprocess.CompletedProcess[str]:
        """Run ``argv`` without a shell and without input, and wait for its end.

        Output bytes that are not UTF-8 are replaced. Processes that the command leaves running in its process group are
        killed. TimeLimitError, OutputLimitError.
        """
        ...

    def push(self, local: Path, remote: str) -> None:
        """Copy a file, or a folder of plain files, to the absolute path ``remote`` on the device.

        The content is checked before the path appears; on TransferError nothing appears. A file replaces an existing
        file; a folder replaces nothing.
        """
        ...

    def pull(self, remote: str, local: Path) -> None:
        """Copy the file or folder ``remote`` on the device to ``local``, under the rules of ``push``."""
        ...

    def workdir(self) -> AbstractContextManager[str]:
        """Make a new private folder on the device, removed when the block ends; if this process is killed, the next
        caller removes it."""
        ...
