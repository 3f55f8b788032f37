"""Identity of user code (a file or module that the user wrote): its files and their sha256, as stored in records."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from edgenas.base import own_files
from edgenas.base.errors import InputError


@dataclass(frozen=True, slots=True)
class Code:
    """Identity of the user code that was used.

    text     name given by the user, such as 'my_space.py:tiny'
    sha256   sha256 of the file that defines the name; '' for a module without a Python file
    beside   (path relative to that file, sha256) of every file in the same folder that it imports
    files    path of the file, its folder, and the content of all files; not part of records
    """

    text: str
    sha256: str
    beside: tuple[tuple[str, str], ...] = ()
    files: OwnFiles | None = field(default=None, compare=False, repr=False)

    def named(self, text: str) -> Code:
        """Return the same code under another name, such as one with parameters: 'my_space.py:tiny:depth=3'."""
        return Code(text, self.sha256, self.beside, self.files)

    def as_dict(self) -> dict[str, Any]:
        """Return the name and the sha256 values as plain JSON values."""
        return {"name": self.text, "sha256": self.sha256, "beside": dict(self.beside)}


@dataclass(frozen=True, slots=True)
class OwnFiles:
    """A user's file: its absolute ``path`` in ``folder``, and the content of it and of all files that it imports."""

    folder: str
    path: str
    content: Mapping[str, bytes]


def code_of_file(text: str, path: Path, folder: Path) -> Code:
    """Return the ``Code`` of the file ``path`` and of all files that it imports from ``folder``."""
    content = own_files.files_of(path, folder)
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
    own = path.relative_to(folder).as_posix()
    beside = tuple(sorted((name, digest) for name, digest in digests.items() if name != own))
    return Code(text, digests[own], beside, OwnFiles(str(folder), str(path), content))


def code_of_module(text: str, module: ModuleType) -> Code:
    """Return the ``Code`` of a module imported by Python's usual import; other processes import it the same way."""
    file = getattr(module, "__file__", None)
    if not file or not file.endswith(".py") or not Path(file).is_file():
        return Code(text, "")
    return Code(text, hashlib.sha256(Path(file).read_bytes()).hexdigest())


def check_same(where: str, what: str, recorded: Any, now: Code | None, remedy: str) -> None:
    """Raise InputError where the user code recorded in the file ``where`` differs from the user code ``now``.

    ``recorded`` is the output of ``Code.as_dict``, read from the file; None, as in files of edgenas 0.2, is accepted
    without a check. ``what`` is the kind of code, such as 'space'. ``remedy`` ends the message.
    """
    if not isinstance(recorded, dict) or now is None:
        return
    current = now.as_dict()
    was: dict[str, Any] = {**_beside(recorded), _file(now): recorded.get("sha256")}
    files = {**_beside(current), _file(now): now.sha256}
    changed = [name for name in {**was, **files} if was.get(name) != files.get(name)]
    if changed:
        raise InputError(
            f"{where} was made with another {changed[0]} ({what} {now.text}: sha256 {str(was.get(changed[0]))[:12]}, "
            f"now {str(files.get(changed[0]))[:12]}), and results of two versions are never mixed: {remedy}"
        )


def _beside(data: Mapping[str, Any]) -> dict[str, Any]:
    return dict(data["beside"]) if isinstance(data.get("beside"), dict) else {}


def _file(code: Code) -> str:
    return code.text.rpartition(":")[0] or code.text
