"""The one way to read a file that the user names: regular files only.

A FIFO or a device in the place of a file would be waited for without end; it is refused before it is read. Where a file
cannot be read, the error has the path, the reason, and the command that makes such a file.
"""

from __future__ import annotations

import errno
import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, Literal

from edgenas.base.errors import InputError
from edgenas.base.json_text import parse_json
from edgenas.base.undo import UndoOnFailure

_SEARCH = "edgenas search SPACE --budget-macs MACS --accuracy JUDGE"

FileKind = Literal[
    "accuracies", "costs", "file", "inventory", "labels", "menu", "model", "nas_bench_201", "nas_bench_macro",
    "network", "networks", "pictures", "pretrained", "program", "published", "run", "search", "table", "targets",
    "trials", "weights",
]  # fmt: skip

#: kind of file -> what to name, and how to get such a file; {path} stands for the path that was named
REMEDIES: dict[FileKind, str] = {
    "accuracies": "name a CSV or JSON file of networks and accuracies; docs/your-own-measurements.md has its columns",
    "costs": "name a CSV or JSON file with the columns block, cost and unit",
    "file": "name a file that can be read",
    "inventory": "name an existing devices.toml, or write one: edgenas devices add NAME --ssh HOST --inventory {path}",
    "labels": "name a file with one class name in each line, such as: ls photos/train > labels.txt",
    "menu": "name a folder that edgenas adapt made, or make one: edgenas adapt SEARCH --budget-ms MS",
    "model": "name a .tflite or .onnx file or a bundle, or write one: edgenas export NETWORK -o FOLDER",
    "nas_bench_201": "name the joined table of NAS-Bench-201",
    "nas_bench_macro": "download data/nas-bench-macro_cifar10.json from github.com/xiusu/NAS-Bench-Macro",
    "network": f"name a network or a search, or search for one: {_SEARCH} -o {{path}}",
    "networks": "name a CSV or JSON file of networks and ms; docs/your-own-measurements.md has its columns",
    "pictures": "name a folder with one folder of images for each class, or an .npz of arrays",
    "pretrained": "name a .safetensors, .npz or .pth file, or package:NAME; docs/pretrained.md tells where to get one",
    "program": "name the program to use; docs/profile-a-phone.md tells where to get one",
    "published": "name the file that was downloaded; for the formats: edgenas table import --help",
    "run": "name what demo, ship, profile, search or verify wrote, or make a run: edgenas demo",
    "search": f"name a file that edgenas search wrote, or write one: {_SEARCH} -o {{path}}",
    "table": "name a latency table, or measure one: edgenas profile SPACE -o {path}",
    "targets": "name an .npz with the arrays images and targets; docs/your-own-head.md has an example",
    "trials": f"name a journal of judged networks, or make one: {_SEARCH}",
    "weights": "name the weights.npz of a run, or make a run: edgenas ship SPACE --images IMAGES",
}


@contextmanager
def reading(path: str | Path, kind: FileKind = "file") -> Iterator[BufferedReader]:
    """Yield a regular file of the ``kind``, opened for reading; InputError where it is none or cannot be read."""
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            yield file
    except OSError as error:
        raise InputError(unreadable(path, error, kind)) from error


def open_regular(path: str | Path) -> int:
    """Return a descriptor of a regular file, opened for reading without waiting; OSError for anything else."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # without it, a FIFO waits for its writer
    with UndoOnFailure(lambda: os.close(descriptor)):
        check_regular(descriptor)
    return descriptor


def check_regular(descriptor: int) -> None:
    """Raise OSError unless an open file is a regular one."""
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError("not a regular file (a pipe, a socket or a device)")


def read_bytes(path: str | Path, kind: FileKind = "file") -> bytes:
    """Return the content of a regular file; InputError where it is none or cannot be read."""
    with reading(path, kind) as file:
        return file.read()


def first_line(path: str | Path, kind: FileKind = "file", limit: int = 1 << 20) -> bytes:
    """Return the first line of a regular file, at most ``limit`` bytes; InputError where it cannot be read."""
    with reading(path, kind) as file:
        return file.readline(limit)


def read_json(path: str | Path, remedy: str = "name another file", kind: FileKind = "run") -> Any:
    """Return the JSON value in a file; InputError, with the ``remedy``, where it cannot be read or is not JSON."""
    try:
        return parse_json(read_bytes(path, kind))
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} is not JSON ({error}); {remedy}") from error


def check_exists(path: str | Path, kind: FileKind) -> None:
    """Raise InputError unless there is a file or a folder at ``path``."""
    try:
        Path(path).stat()
    except OSError as error:
        raise InputError(unreadable(path, error, kind)) from error


def unreadable(path: str | Path, error: OSError, kind: FileKind = "file") -> str:
    """Return the message for a file of the ``kind`` that cannot be read, with the next command.

    >>> unreadable("pi4.jsonl", FileNotFoundError(2, "No such file or directory"), "table").partition("; ")[0]
    'pi4.jsonl: No such file or directory'
    """
    return f"{path}: {error.strerror or error}; {REMEDIES[kind].format(path=shlex.quote(str(path)))}"
