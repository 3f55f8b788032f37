"""Atomic writes of whole files: a reader sees the old content or the new content, never a part, also after a crash.

The new content is written to a file in the same folder, synced to the disk, and renamed.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from edgenas.base.errors import EdgenasError, InputError, OutcomeError
from edgenas.base.reading import read_bytes
from edgenas.base.undo import UndoOnFailure

#: faults of the disk, not of the path that the user named
_FAILED = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


def output_path(path: str | Path) -> Path:
    """Return the path that the user names for a result; InputError for an empty text, which would mean the current
    folder."""
    if not os.fspath(path):
        raise InputError("an empty text is no path; name a file or a folder")
    return Path(path)


@contextmanager
def replacing(path: Path, *, mode: int | None = None, new: bool = False) -> Iterator[BinaryIO]:
    """Yield a writable file that replaces ``path`` when the block ends; an exception leaves ``path`` unchanged.

    A symbolic link is followed. The permissions are ``mode``; else those of the replaced file; else the default of the
    process. With ``new``, FileExistsError where the file exists already. OSError where ``path`` cannot be written.
    """
    real = _target(path)
    partial = real.with_name(f".{real.name[:200]}-{secrets.token_hex(6)}.partial")
    if mode is None and real.exists():
        mode = real.stat().st_mode & 0o777
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666 if mode is None else mode)

    def undo() -> None:
        with suppress(OSError):
            partial.unlink()

    with UndoOnFailure(undo):
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


@contextmanager
def writing(path: Path, *, mode: int | None = None, new: bool = False) -> Iterator[BinaryIO]:
    """Yield a writable file that replaces ``path`` when the block ends, as in ``replacing``. InputError where ``path``
    cannot be written, OutcomeError where the disk is full or fails.
    """
    try:
        with replacing(path, mode=mode, new=new) as file:
            yield file
    except OSError as error:
        raise unwritten(path, error) from error


def write_whole(path: Path, data: bytes | str, *, mode: int | None = None, new: bool = False) -> None:
    """Write ``data`` (text as UTF-8) to ``path`` through ``writing``."""
    with writing(path, mode=mode, new=new) as file:
        file.write(data if isinstance(data, bytes) else data.encode())


def make_folder(path: Path) -> None:
    """Create a folder and its parents where they are missing; raise the errors of ``writing``."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritten(path, error) from error


def check_target(path: Path) -> None:
    """Raise InputError where ``path`` exists and is not a regular file. Use it before a long computation whose result
    goes to ``path``.
    """
    try:
        _target(path)
    except OSError as error:
        raise unwritten(path, error) from error


def copy_file(source: Path, target: Path) -> None:
    """Copy a regular file, completely or not at all; errors as of ``reading`` and ``writing``."""
    write_whole(target, read_bytes(source))


@contextmanager
def filling(folder: Path) -> Iterator[None]:
    """Create a folder for the files that the block writes. An exception removes the files that the block added, and
    the folder where it is new."""
    new = not folder.exists()
    make_folder(folder)
    before = set(folder.iterdir())
    try:
        yield
    except BaseException:
        with suppress(OSError):
            for path in set(folder.iterdir()) - before:
                path.unlink()
            if new:
                folder.rmdir()
        raise


def _target(path: Path) -> Path:
    """Return the file that ``path`` names, links followed; OSError where it is no regular file."""
    real = Path(os.path.realpath(path))
    if real.exists() and not real.is_file():
        raise OSError("it is not a regular file")
    return real


def unwritten(path: str | Path, error: OSError) -> EdgenasError:
    """Return the error for a file that cannot be written: an InputError, or an OutcomeError for a full or failing
    disk."""
    why = error.strerror or error
    if error.errno in _FAILED:
        return OutcomeError(f"{path}: not written: {why}; free space on this disk, or name a file on another one")
    return InputError(f"{path}: {why}; name a file that can be written")
