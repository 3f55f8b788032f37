"""User code in another process or on another machine: its name and files are sent, and no object is pickled."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any

from edgenas.base import own_files
from edgenas.base.code import Code, OwnFiles
from edgenas.base.errors import InputError
from edgenas.base.plugins import GROUPS, attribute_of, find, guarded


def reloaded(code: Code, what: str) -> Any:
    """Return the value that ``code`` names, in another process or on another machine.

    It is loaded from the original path if the file exists there, else from a copy of the files in ``code``. ``what`` is
    the kind of part, such as 'space'. InputError where the file changed after ``code`` was made.
    """
    if code.files is None:
        return find(code.text, {}, what, GROUPS[what]).value
    path, folder = Path(code.files.path), Path(code.files.folder)
    attribute = code.text.rpartition(":")[2]
    if path.is_file():
        if own_files.files_of(path, folder) != dict(code.files.content):
            raise InputError(f"{path} changed while it was in use: start the command again")
    else:
        folder = _unpacked(code.files)
        path = folder / path.relative_to(code.files.folder)
    if folder == path.parent:
        module = guarded(code.text, path, lambda: own_files.load_file(path))
    else:
        name = ".".join(path.relative_to(folder).with_suffix("").parts)
        module = guarded(code.text, path, lambda: own_files.load_module(name.removesuffix(".__init__"), folder))
    return attribute_of(module, attribute, path.name)


#: sha256 of the content -> temporary folder with the files that ``reloaded`` wrote; removed when the process ends
_copies: dict[str, tempfile.TemporaryDirectory[str]] = {}


def _unpacked(files: OwnFiles) -> Path:
    key = hashlib.sha256(repr(sorted(files.content.items())).encode()).hexdigest()
    if key not in _copies:
        _copies[key] = tempfile.TemporaryDirectory(prefix="edgenas-own-", ignore_cleanup_errors=True)
        for name, data in files.content.items():
            path = Path(_copies[key].name) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    return Path(_copies[key].name).resolve()
