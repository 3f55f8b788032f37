"""LocalDevice: the machine that edgenas runs on, as a Device."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from edgenas.base import process
from edgenas.base.errors import DeviceInputError, OutputLimitError, TimeLimitError, TransferError
from edgenas.devices.transports import scratch


@dataclass(frozen=True, slots=True)
class LocalDevice:
    """This machine: commands run as this user, files are copied. ``base`` is the parent of the work folders, by default
    the system's temporary folder."""

    name: str = "local"
    base: Path | None = None

    def run(self, argv: Sequence[str], *, timeout_s: float) -> subprocess.CompletedProcess[str]:
        """See ``Device.run``."""
        try:
            return process.run(argv, timeout_s=timeout_s)
        except TimeLimitError as error:
            raise TimeLimitError(f"{self.name}: {error}", error.stdout, error.stderr) from None
        except OutputLimitError as error:
            raise OutputLimitError(f"{self.name}: {error}") from None

    def push(self, local: Path, remote: str) -> None:
        """See ``Device.push``."""
        _copy(local, _absolute(remote), self.name)

    def pull(self, remote: str, local: Path) -> None:
        """See ``Device.pull``."""
        _copy(_absolute(remote), local, self.name)

    def workdir(self) -> AbstractContextManager[str]:
        """See ``Device.workdir``."""
        return scratch.work_folder(self.base)


def _absolute(remote: str) -> Path:
    path = Path(remote)
    if not path.is_absolute() or ".." in path.parts or "\0" in remote:
        raise DeviceInputError(f"{remote!r} is not a path on a device: give it absolute, without '..'")
    return path


def _copy(source: Path, target: Path, name: str) -> None:
    """Copy to a temporary name beside ``target``, check the content, and rename."""
    try:
        with tempfile.TemporaryDirectory(prefix=".incoming-", dir=target.parent) as staging:
            staged = Path(staging) / "it"
            if source.is_dir():
                _copy_folder(source, staged)
                staged.rename(target)
            else:
                _copy_file(source, staged)
                staged.replace(target)
    except (OSError, shutil.Error) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise TransferError(f"{name}: {source} was not copied to {target}: {why}") from error


def _copy_folder(source: Path, target: Path) -> None:
    target.mkdir()
    for entry in sorted(source.rglob("*")):
        copy = target / entry.relative_to(source)
        if entry.is_symlink() or not (entry.is_dir() or entry.is_file()):
            raise shutil.Error(f"{entry} is neither a plain file nor a folder")
        if entry.is_dir():
            copy.mkdir()
        else:
            _copy_file(entry, copy)


def _copy_file(source: Path, target: Path) -> None:
    with source.open("rb") as reader, target.open("xb") as writer:
        digest = hashlib.sha256()
        while chunk := reader.read(1 << 20):
            digest.update(chunk)
            writer.write(chunk)
        os.fchmod(writer.fileno(), os.fstat(reader.fileno()).st_mode & 0o777)
    with target.open("rb") as reader:
        if hashlib.file_digest(reader, "sha256").digest() != digest.digest():
            raise shutil.Error("what arrived differs from what was sent")
