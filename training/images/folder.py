"""A source of pictures to train on: one folder of pictures per class."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.errors import InputError
from edgenas.base.text import escaped
from edgenas.training.images.decode import check_decoders, open_picture
from edgenas.training.images.listing import SUFFIXES, list_pictures
from edgenas.training.images.source import COLOURS, Part, check_classes, few

if TYPE_CHECKING:
    from PIL.Image import Image


class PictureFolder:
    """The pictures of ``path/CLASS/...``, or of ``path/train/CLASS/...`` and other parts, as listed by
    ``edgenas.training.images.listing``. InputError names folders that cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        listing = list_pictures(path)
        empty = [f"{part}/{name}".strip("/") for (part, name), files in listing.classes.items() if not files]
        if empty:
            left_out = f" ({'; '.join(listing.notes)})" if listing.notes else ""
            raise InputError(
                f"{path}: no image ({', '.join(sorted(SUFFIXES))}) in {few(empty)}{left_out}; delete the folder, or "
                f"put images into it"
            )
        self.notes = listing.notes
        self.class_names = listing.names
        number = {name: i for i, name in enumerate(self.class_names)}
        self._files = listing.files if listing.classes else []
        self._folders = sorted(listing.folders)
        self.items: tuple[tuple[Part, int], ...] = tuple(
            (part, number[name]) for (part, name), files in listing.classes.items() for _ in files
        )
        check_classes(path, self.class_names, self.items)
        check_decoders(self._files)

    @property
    def name(self) -> str:
        return escaped(self._path.resolve().name)

    @property
    def channels(self) -> tuple[int, ...]:
        return COLOURS

    @cached_property
    def private(self) -> bool:
        return not readable_by_all([*self._folders, *self._files])

    @cached_property
    def stamp(self) -> str:
        return stamp_of(self._path, self._files, repr(self.items))

    def picture(self, index: int) -> Image:
        return open_picture(self._files[index])

    def called(self, index: int) -> str:
        return escaped(self._files[index].relative_to(self._path))


def stamp_of(path: Path, files: list[Path], more: str) -> str:
    """Return a digest of the files' names, sizes and times of modification, and of the text ``more``."""
    total = hashlib.sha256(os.fsencode(path.resolve()) + f"\n{more}".encode())
    for file in files:
        try:
            facts = file.stat()
        except OSError:
            facts = file.lstat()  # the target of the link does not exist
        total.update(os.fsencode(file.relative_to(path)) + f"\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    return total.hexdigest()


def readable_by_all(paths: Iterable[Path]) -> bool:
    """Return False where the mode of any folder or file does not allow other users to read it."""
    for path in paths:
        try:
            if not path.stat().st_mode & 0o004:
                return False
        except OSError:
            continue  # a link to a missing file has no content
    return True
