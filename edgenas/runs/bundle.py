"""``bundle.json`` and ``MANIFEST``: version and content of a bundle, and the sha256 of every file in it.

The manifest has the format of ``sha256sum``, which has no field for a version. The version is in ``bundle.json``, which
the manifest lists as any other file. Bundles of edgenas 0.2 have no ``bundle.json`` and are version 1.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from edgenas.base.errors import InputError
from edgenas.base.files import write_whole
from edgenas.base.reading import read_bytes, read_json
from edgenas.base.system_names import is_system
from edgenas.runs.documents import DocumentKind
from edgenas.runs.layout import BUNDLE as BUNDLE_FILE
from edgenas.runs.layout import MANIFEST

_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9][A-Za-z0-9._-]{0,200})")


@dataclass(frozen=True, slots=True)
class BundleRecord:
    """Content of ``bundle.json``.

    network   name of the network in the bundle
    files     names of its models; the first is the file that must keep the budget
    """

    network: str
    files: tuple[str, ...]


#: 1  the first
BUNDLE = DocumentKind(BundleRecord, "edgenas bundle", 1, "get the bundle again")


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that differs from the manifest: ``how`` is 'changed', 'missing' or 'not in the manifest'."""

    file: str
    how: str


def write_manifest(folder: Path) -> None:
    """Write the manifest of a bundle whose other files are complete."""
    write_whole(folder / MANIFEST, manifest(folder))


def manifest(folder: Path) -> str:
    """Return one line for each file except the manifest, sorted by name, in the format of ``sha256sum``."""
    names = sorted(path.name for path in folder.iterdir() if path.name != MANIFEST and not is_system(path.name))
    return "".join(f"{_sha256(folder / name)}  {name}\n" for name in names)


def changed(bundle: Path) -> list[ChangedFile]:
    """Return every file that differs from the manifest; files that operating systems create are ignored.

    InputError where the manifest is missing or damaged, or the bundle has a version that this edgenas does not know.
    """
    path = bundle / MANIFEST
    try:
        lines = read_bytes(path).decode().removesuffix("\n").split("\n")
    except ValueError as error:
        raise InputError(f"{bundle} is no bundle: it has no readable {MANIFEST}; make one: edgenas bundle") from error
    _check_version(bundle)
    wanted: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        found = _LINE.fullmatch(line)
        if found is None or found[2] in wanted:
            raise InputError(f"{path}, line {number}: {line[:80]!r} is no sha256 with a file of its own; get it again")
        wanted[found[2]] = found[1]
    problems = []
    for name, digest in wanted.items():
        file = bundle / name
        if file.is_symlink() or not file.is_file():
            problems.append(ChangedFile(name, "missing"))
        elif _sha256(file) != digest:
            problems.append(ChangedFile(name, "changed"))
    there = {p.name for p in bundle.iterdir() if not is_system(p.name) and p.name != MANIFEST}
    return problems + [ChangedFile(name, "not in the manifest") for name in sorted(there - wanted.keys())]


def _check_version(bundle: Path) -> None:
    """Raise InputError for a newer bundle. A damaged ``bundle.json`` is found by its sha256."""
    path = bundle / BUNDLE_FILE
    if path.is_symlink() or not path.is_file():
        return
    try:
        data = read_json(path)
    except InputError:
        return
    if BUNDLE.fits(data):
        BUNDLE.check_version(data, str(path))


def _sha256(path: Path) -> str:
    return hashlib.sha256(read_bytes(path)).hexdigest()
