"""Messages for files that cannot be read: the path, the reason, and the command that makes such a file."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Literal

from edgenas.base.errors import InputError

_SEARCH = "edgenas search SPACE --budget-macs MACS --accuracy JUDGE"

FileKind = Literal[
    "inventory", "labels", "model", "nas_bench_201", "nas_bench_macro", "network", "pictures", "program", "published",
    "run", "search", "table", "trials", "weights",
]  # fmt: skip

#: kind of file -> what to name, and how to get such a file; {path} stands for the path that was named
REMEDIES: dict[FileKind, str] = {
    "inventory": "name an existing devices.toml, or write one: edgenas devices add NAME --ssh HOST --inventory {path}",
    "labels": "name a file with one class name in each line, such as: ls photos/train > labels.txt",
    "model": "name a .tflite or .onnx file or a bundle, or write one: edgenas export NETWORK -o FOLDER",
    "nas_bench_201": "name the joined table of NAS-Bench-201",
    "nas_bench_macro": "download data/nas-bench-macro_cifar10.json from github.com/xiusu/NAS-Bench-Macro",
    "network": f"name a network or a search, or search for one: {_SEARCH} -o {{path}}",
    "pictures": "name a folder with one folder of pictures for each class, or an .npz of arrays",
    "program": "name the program to use; docs/profile-a-phone.md tells where to get one",
    "published": "name the file that was downloaded; for the formats: edgenas table import --help",
    "run": "name what demo, ship, profile, search or verify wrote, or make a run: edgenas demo",
    "search": f"name a file that edgenas search wrote, or write one: {_SEARCH} -o {{path}}",
    "table": "name a latency table, or measure one: edgenas profile SPACE -o {path}",
    "trials": f"name a journal of judged networks, or make one: {_SEARCH}",
    "weights": "name the weights.npz of a run, or make a run: edgenas ship SPACE --images PICTURES",
}


def unreadable(path: str | Path, error: OSError, kind: FileKind) -> str:
    """Return the message for a file of the ``kind`` that cannot be read, with the next command.

    >>> unreadable("pi4.jsonl", FileNotFoundError(2, "No such file or directory"), "table").partition("; ")[0]
    'pi4.jsonl: No such file or directory'
    """
    return f"{path}: {error.strerror or error}; {REMEDIES[kind].format(path=shlex.quote(str(path)))}"


def check_exists(path: str | Path, kind: FileKind) -> None:
    """Raise InputError unless there is a file or a folder at ``path``."""
    try:
        Path(path).stat()
    except OSError as error:
        raise InputError(unreadable(path, error, kind)) from error
