"""The pictures in a folder, class by class: the one rule for training, testing and calibrating.

    path/CLASS/...          a class is a folder; pictures in folders inside it are of that class too
    path/PART/CLASS/...     a part (train, val, test) is a folder of folders; ``train`` that holds pictures is a class
    path/*.jpg              without folders: pictures without a class

Hidden and system folders and files are skipped and counted. Links to folders are followed. A link back to a folder that
holds it, a dead link where a class should be, and a FIFO or a device with a picture's name are refused.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from edgenas.base.errors import InputError
from edgenas.blocks.labels import class_name, printable
from edgenas.training.images.source import PARTS, Part, few

SUFFIXES = frozenset([".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".bmp", ".dib", ".gif", ".tif",
                      ".tiff", ".ppm", ".pgm", ".avif", ".avifs", ".heic", ".heif", ".hif"])  # fmt: skip
#: what systems put beside pictures, in small letters: macOS archives, Synology and QNAP stores, Windows, Linux, Python
SYSTEM = frozenset(["__macosx", "network trash folder", "temporary items", "icon\r", "@eadir", "@tmp", "#recycle",
                    "#snapshot", "@recycle", "@recently-snapshot", "$recycle.bin", "system volume information",
                    "recycler", "thumbs.db", "thumbs.db:encryptable", "ehthumbs.db", "desktop.ini", "lost+found",
                    "__pycache__"])  # fmt: skip
_THUMBNAILS = ("synofile_thumb", "synophoto_thumb")  #: how names of a store's own thumbnails begin

_Id = tuple[int, int]  #: device and inode: the same for every link to a folder


@dataclass
class Listing:
    """Pictures of ``path`` by part and class, sorted by name; ``loose`` ones lie beside the folders of classes."""

    path: Path
    parts: list[str] = field(default_factory=list)  #: names of the folders that are parts
    classes: dict[tuple[Part, str], list[Path]] = field(default_factory=dict)
    loose: list[Path] = field(default_factory=list)
    folders: set[Path] = field(default_factory=set)  #: all that were listed
    skipped: Counter[str] = field(default_factory=Counter)  #: names of hidden and system folders and files
    odd: Counter[str] = field(default_factory=Counter)  #: suffixes of files that are no pictures
    twice: list[str] = field(default_factory=list)  #: links to folders whose pictures are in the list already

    @property
    def names(self) -> tuple[str, ...]:
        """Classes of all parts, sorted."""
        return tuple(sorted({name for _, name in self.classes}))

    @property
    def files(self) -> list[Path]:
        return [file for files in self.classes.values() for file in files] or self.loose

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not in the list, with counts."""
        found = []
        if self.odd:
            kinds = ", ".join(f"{count} {suffix or 'without suffix'}" for suffix, count in self.odd.most_common(5))
            found.append(f"{self.odd.total()} files left out that are no pictures: {kinds}")
        if self.skipped:
            found.append(
                f"{self.skipped.total()} hidden or system folders and files skipped: "
                f"{few([printable(name) for name, _ in self.skipped.most_common()])}"
            )
        if self.twice:
            found.append(f"{len(self.twice)} links skipped to folders that are read anyway: {few(self.twice)}")
        if self.loose and self.classes:
            found.append(f"{len(self.loose)} pictures left out that are in no folder of a class: {self._called_loose}")
        return tuple(found)

    @property
    def _called_loose(self) -> str:
        return few([printable(file.relative_to(self.path)) for file in self.loose])


@dataclass(frozen=True)
class _Entries:
    folders: tuple[Path, ...]
    pictures: tuple[Path, ...]
    dead: tuple[Path, ...]  #: links to nothing whose names are no picture's


def list_pictures(path: Path) -> Listing:
    """List the folder ``path``. InputError for names that cannot be classes, links that lead in circles or to nothing,
    special files with a picture's name, folders that cannot be read, and parts beside classes."""
    try:
        return _Lister(path).listing()
    except OSError as error:
        raise InputError(f"{printable(error.filename or path)}: {error.strerror or error}") from error


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
                f"them; move {few([printable(p.name) for p in others])}"
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
        """Pictures in ``folder`` and in all folders inside it, each folder once."""
        seen: set[_Id] = set()
        todo = [(folder, above)]
        while todo:
            here, chain = todo.pop()
            key = _id(here)
            if key in chain:
                raise InputError(
                    f"{printable(here)} is a link to {printable(here.resolve())}, a folder that holds the link; delete "
                    f"the link"
                )
            if key in seen:
                self._found.twice.append(printable(here.relative_to(self._found.path)))
                continue
            seen.add(key)
            entries = self._entries(here)
            self._found.odd.update("dead link" for _ in entries.dead)
            yield from entries.pictures
            todo += [(inside, (*chain, key)) for inside in reversed(entries.folders)]

    def _is_part(self, folder: Path) -> bool:
        """True for a folder of folders: pictures in it would make it a class."""
        entries = self._entries(folder)
        return bool(entries.folders) and not entries.pictures

    def _is_empty_part(self, folder: Path) -> bool:
        entries = self._entries(folder)
        return folder.name.lower() in PARTS and not entries.folders and not entries.pictures

    def _alive(self, folder: Path) -> _Entries:
        """Entries of a folder of classes or of parts: a dead link there is a class that is lost."""
        entries = self._entries(folder)
        if entries.dead:
            link = entries.dead[0]
            raise InputError(f"{printable(link)} is a dead link to {_target(link)}; mend it, or delete it")
        return entries

    def _entries(self, folder: Path) -> _Entries:
        """What lies in one folder; what is skipped is counted once."""
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


def is_system(name: str) -> bool:
    """True for names that are hidden (a dot first) or that systems give to folders and files of their own."""
    small = name.lower()
    return name.startswith(".") or small in SYSTEM or small.startswith(_THUMBNAILS)


def check_regular(file: Path, mode: int) -> None:
    """InputError for FIFOs, sockets and devices: opening one may wait for ever."""
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket", stat.S_IFDIR: "a folder"}
        raise InputError(
            f"{printable(file)} is {kinds.get(stat.S_IFMT(mode), 'a device')}, not a file; delete it, or move it away"
        )


def _id(folder: Path) -> _Id:
    facts = folder.stat()
    return facts.st_dev, facts.st_ino


def _target(link: Path) -> str:
    try:
        return printable(link.readlink())
    except OSError:
        return "nothing"
