"""Standard streams that are closed, full, or whose reader went away."""

from __future__ import annotations

import errno
import os
import sys

import click

#: errors of ``write``, which name no file; those of files are named by their writers
_OF_OUTPUT = {errno.ENOSPC, errno.EBADF, errno.EIO, errno.EDQUOT, errno.EFBIG}


def open_closed_streams() -> None:
    """Give every closed standard stream a descriptor, so that no file that is opened later takes its number. What is
    written to a closed stdout then fails, as ``flush_fault`` tells; messages to a closed stderr are dropped."""
    for descriptor, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, mode)  # it takes the lowest free number, which is this one
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)


def flush_fault() -> OSError | None:
    """Return the error of writing to stdout; None where all of it was written."""
    try:
        sys.stdout.flush()
    except OSError as error:
        return error
    return None


def tell_fault(error: OSError) -> None:
    """Print one message for an error of the system that no part of edgenas expected, such as a full disk. Nothing is
    printed where the reader of a pipe closed it."""
    written = flush_fault()
    if isinstance(error, BrokenPipeError) or isinstance(written, BrokenPipeError):
        _drop_output()
        return
    where = error.filename or "stdout or a file"
    if written is not None or (error.filename is None and error.errno in _OF_OUTPUT):
        where = "stdout"
        _drop_output()
    why = error.strerror or error
    click.echo(f"edgenas: {where}: {why}; free space there, or write to another place (-o, > FILE)", err=True)


def _drop_output() -> None:
    """Drop what is left in the buffer of stdout, which Python would try to write once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
