"""Listing of the pictures in a folder by class, by the same rules for training, testing and calibrating.

    path/CLASS/...          a class is a folder; pictures in folders inside it belong to that class too
    path/PART/CLASS/...     a part (train, val, test) is a folder of folders; a folder ``train`` of pictures is a class
    path/*.jpg              pictures without a class, where there are no folders

Hidden and system folders and files are skipped and counted. Links to folders are followed. Errors are: a link to a
folder that contains the link, a link to nothing in the place of a class, and a FIFO or a device with a picture's name.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from edgenas.base.counted import counted
from edgenas.base.errors import InputError
from edgenas.base.reading import unreadable
from edgenas.base.system_names import is_system
from edgenas.base.text import escaped
from edgenas.blocks.labels import class_name
from edgenas.training.images.source import PARTS, Part, few

SUFFIXES = frozenset([".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".bmp", ".dib", ".gif", ".tif",
                      ".tiff", ".ppm", ".pgm", ".avif", ".avifs", ".heic", ".heif", ".hif"])  # fmt: skip
_Id = tuple[int, int]  #: device and inode of a folder, which all links to it share


@dataclass
class Listing:
    """Pictures of the folder ``path`` by part and class, sorted by name; ``loose`` pictures are in ``path`` itself, in
    no class."""

    path: Path
    parts: list[str] = field(default_factory=list)  #: names of the folders that are parts
    classes: dict[tuple[Part, str], list[Path]] = field(default_factory=dict)
    loose: list[Path] = field(default_factory=list)
    folders: set[Path] = field(default_factory=set)  #: all folders that were listed
    skipped: Counter[str] = field(default_factory=Counter)  #: names of hidden and system folders and files
    odd: Counter[str] = field(default_factory=Counter)  #: suffixes of files that are not pictures
    twice: list[str] = field(default_factory=list)  #: links to folders whose pictures are listed already

    @property
    def names(self) -> tuple[str, ...]:
        """Class names of all parts, sorted."""
        return tuple(sorted({name for _, name in self.classes}))

    @property
    def files(self) -> list[Path]:
        return [file for files in self.classes.values() for file in files] or self.loose

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on files and folders that are not in the list, with counts."""
        notes = []
        if self.odd:
            kinds = ", ".join(f"{count} {suffix or 'without suffix'}" for suffix, count in self.odd.most_common(5))
            notes.append(f"{counted(self.odd.total(), 'file')} left out that are no images: {kinds}")
        if self.skipped:
            notes.append(
                f"{self.skipped.total()} hidden or system folders and files skipped: "
                f"{few([escaped(name) for name, _ in self.skipped.most_common()])}"
            )
        if self.twice:
            notes.append(f"{len(self.twice)} links skipped to folders that are read anyway: {few(self.twice)}")
        if self.loose and self.classes:
            notes.append(
                f"{counted(len(self.loose), 'image')} left out that are in no folder of a class: {self._called_loose}"
            )
        return tuple(notes)

    @property
    def _called_loose(self) -> str:
        return few([escaped(file.relative_to(self.path)) for file in self.loose])


@dataclass(frozen=True)
class _Entries:
    folders: tuple[Path, ...]
    pictures: tuple[Path, ...]
    dead: tuple[Path, ...]  #: links to nothing, without the suffix of a picture


def list_pictures(path: Path) -> Listing:
    """List the pictures of the folder ``path``. InputError for names that cannot be classes, links that lead in circles
    or to nothing, special files with a picture's name, folders that cannot be read, and classes next to parts."""
    try:
        return _Lister(path).listing()
    except OSError as error:
        raise InputError(unreadable(escaped(error.filename or path), error, "pictures")) from error


class _Lister:
    def __init__(self, path: Path) -> None:
        self._found = Listing(path)
        self._known: dict[Path, _Entries] = {}

    def listing(self) -> Listing:
        found, path = self._found, self._found.path
        top = self._alive(path)
        found.loose += top.pictures
        full = [folder for folder in top.folders if folder.name.lower() in PARTS and self._is_part(folder)]
        others = [folder for folder in top.folders if folder not in full and not (full and self._is_empty_part(folder))]
        if full and others:
            raise InputError(
                f"{path} has {' and '.join(p.name for p in full)}, so that every other folder must be a class inside "
                f"them; move {few([escaped(p.name) for p in others])}"
            )
        found.parts = [folder.name for folder in full]
        above = (_id(path),)
        for part in full:
            for folder in self._alive(part).folders:
                self._add(PARTS[part.name.lower()], folder, (*above, _id(part)))
        for folder in others:
            self._add("", folder, above)
        return found

    def _add(self, part: Part, folder: Path, above: tuple[_Id, ...]) -> None:
        name = class_name(folder.name, folder)
        self._found.classes.setdefault((part, name), []).extend(self._below(folder, above))

    def _below(self, folder: Path, above: tuple[_Id, ...]) -> Iterator[Path]:
        """Yield the pictures in ``folder`` and in all folders inside it; each folder is read once."""
        seen: set[_Id] = set()
        pending = [(folder, above)]
        while pending:
            here, chain = pending.pop()
            key = _id(here)
            if key in chain:
                raise InputError(
                    f"{escaped(here)} is a link to {escaped(here.resolve())}, a folder that holds the link; delete "
                    f"the link"
                )
            if key in seen:
                self._found.twice.append(escaped(here.relative_to(self._found.path)))
                continue
            seen.add(key)
            entries = self._entries(here)
            self._found.odd.update("dead link" for _ in entries.dead)
            yield from entries.pictures
            pending += [(inside, (*chain, key)) for inside in reversed(entries.folders)]

    def _is_part(self, folder: Path) -> bool:
        """Return True for a folder of folders without pictures; with pictures it is a class."""
        entries = self._entries(folder)
        return bool(entries.folders) and not entries.pictures

    def _is_empty_part(self, folder: Path) -> bool:
        entries = self._entries(folder)
        return folder.name.lower() in PARTS and not entries.folders and not entries.pictures

    def _alive(self, folder: Path) -> _Entries:
        """Return the entries of a folder of classes or parts; InputError for a link to nothing, which is a lost
        class."""
        entries = self._entries(folder)
        if entries.dead:
            link = entries.dead[0]
            raise InputError(f"{escaped(link)} is a dead link to {_target(link)}; repair it, or delete it")
        return entries

    def _entries(self, folder: Path) -> _Entries:
        """Return the entries of one folder; skipped entries are counted once."""
        if folder not in self._known:
            self._known[folder] = self._read(folder)
            self._found.folders.add(folder)
        return self._known[folder]

    def _read(self, folder: Path) -> _Entries:
        folders: list[Path] = []
        pictures: list[Path] = []
        dead: list[Path] = []
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)
        for name in names:
            file = folder / name
            suffix = file.suffix.lower()
            if is_system(name):
                self._found.skipped[name] += 1
                continue
            try:
                mode = file.stat().st_mode
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ELOOP):
                    raise
                (pictures if suffix in SUFFIXES else dead).append(file)  # a picture that is lost counts as broken
                continue
            if stat.S_ISDIR(mode):
                folders.append(file)
            elif suffix not in SUFFIXES:
                self._found.odd[suffix] += 1
            else:
                check_regular(file, mode)
                pictures.append(file)
        return _Entries(tuple(folders), tuple(pictures), tuple(dead))


def check_regular(file: Path, mode: int) -> None:
    """Raise InputError for FIFOs, sockets, folders and devices: opening one may block."""
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket", stat.S_IFDIR: "a folder"}
        raise InputError(
            f"{escaped(file)} is {kinds.get(stat.S_IFMT(mode), 'a device')}, not a file; delete it, or move it away"
        )


def _id(folder: Path) -> _Id:
    facts = folder.stat()
    return facts.st_dev, facts.st_ino


def _target(link: Path) -> str:
    try:
        return escaped(link.readlink())
    except OSError:
        return "nothing"
