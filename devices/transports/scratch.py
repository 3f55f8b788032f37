"""Private work folders on this machine: /tmp/edgenas-UID/work-XXXXXXXX, each locked by the process that uses it.

A folder whose lock is free belongs to a process that was killed; the next call of ``work_folder`` removes it. Nothing
outside that pattern is ever removed.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgenas.base.errors import DeviceError

_PREFIX = "work-"


@contextmanager
def work_folder(base: Path | None = None) -> Iterator[str]:
    """Make a new folder, mode 0700, and remove it when the block ends. ``base`` is by default the system's temporary
    folder."""
    home = private_home(base or Path(tempfile.gettempdir()))
    with _locked(home / "lock"):
        _reap(home)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=home))
        held = _try_lock(folder / ".lock")
    try:
        yield str(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if held is not None:
            os.close(held)


def private_home(base: Path) -> Path:
    """Make and return the folder of edgenas in ``base``; DeviceError where another user owns it or can read it."""
    home = base / f"edgenas-{os.getuid()}"
    home.mkdir(mode=0o700, exist_ok=True)
    info = home.lstat()
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.getuid() or info.st_mode & 0o077:
        raise DeviceError(f"{home} is not a private folder of this user; remove it, or set TMPDIR to another place")
    return home


def _reap(home: Path) -> None:
    for folder in home.glob(f"{_PREFIX}*"):
        if folder.is_symlink() or not folder.is_dir():
            continue
        held = _try_lock(folder / ".lock")
        if held is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(held)


def _try_lock(path: Path) -> int | None:
    """Return a descriptor that holds the lock on ``path``, or None when another process holds it or removed its
    folder."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_CREAT, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return None
    return fd


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Wait for the lock on ``path`` and hold it for the block; processes hold it only to make or remove a folder."""
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
