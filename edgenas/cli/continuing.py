"""The command that continues what Ctrl-C ended."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click


class Interrupted(KeyboardInterrupt):
    """Ctrl-C in a command that continues with more ``words`` than were typed."""

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__()
        self.words = tuple(words)


@contextmanager
def continued_with(*words: str) -> Iterator[None]:
    """Raise ``Interrupted`` for Ctrl-C while the block runs: the same command with ``words`` behind it continues."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interrupted(words) from error


def continuing(words: Sequence[str], error: BaseException) -> str:
    """Return the command that continues the one with the arguments ``words``, which ``error`` ended."""
    cause = error.__cause__ if isinstance(error, click.Abort) else error  # click raises Abort from what Ctrl-C raised
    more = cause.words if isinstance(cause, Interrupted) else ()
    return f"{program()} {shlex.join([*words, *more])}".rstrip()


def program() -> str:
    """Return what a person types to start this program: ``edgenas`` where the shell finds it, otherwise its
    path, or ``python -m edgenas``."""
    called, found = Path(sys.argv[0]), shutil.which("edgenas")
    if called.name == "__main__.py":
        return f"{Path(sys.executable).name} -m edgenas"
    if called.name != "edgenas" or (found is not None and Path(found).resolve() == called.resolve()):
        return "edgenas"
    near = os.path.relpath(called)
    return shlex.quote(str(called) if near.startswith("..") else near)
