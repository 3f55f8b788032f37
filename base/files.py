"""Atomic writes of whole files: a reader sees the old content or the new content, never a part, also after a crash.

The new content is written to a file in the same folder, synced to the disk, and renamed.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from edgenas.base.errors import InputError


@contextmanager
def replacing(path: Path, *, mode: int | None = None, new: bool = False) -> Iterator[BinaryIO]:
    """Yield a writable file that replaces ``path`` when the block ends; an exception leaves ``path`` unchanged.

    A symbolic link is followed. The permissions are ``mode``; else those of the replaced file; else the default of the
    process. With ``new``, FileExistsError where the file exists already. OSError where ``path`` cannot be written.
    """
    real = Path(os.path.realpath(path))
    if real.exists() and not real.is_file():
        raise OSError(f"{path} is not a regular file")
    partial = real.with_name(f".{real.name[:200]}-{secrets.token_hex(6)}.partial")
    if mode is None and real.exists():
        mode = real.stat().st_mode & 0o777
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666 if mode is None else mode)
    try:
        with open(descriptor, "wb") as file:
            if mode is not None:
                os.fchmod(descriptor, mode)
            yield file
            file.flush()
            os.fsync(descriptor)
        if new:
            os.link(partial, real)
            partial.unlink()
        else:
            partial.replace(real)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise


def write_whole(path: Path, data: bytes | str, *, mode: int | None = None, new: bool = False) -> None:
    """Write ``data`` (text as UTF-8) to ``path`` through ``replacing``. InputError where it cannot be written."""
    try:
        with replacing(path, mode=mode, new=new) as file:
            file.write(data if isinstance(data, bytes) else data.encode())
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; name a file that can be written") from error
