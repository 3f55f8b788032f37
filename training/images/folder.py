"""Pictures in a folder a class, listed."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.errors import InputError
from edgenas.training.images.decode import open_picture
from edgenas.training.images.source import Part, check_classes, few

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = frozenset([".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"])
PARTS: dict[str, Part] = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val",
                          "test": "test"}  # fmt: skip


class PictureFolder:
    """``path/CLASS/...`` or ``path/train/CLASS/...`` and the like. InputError names folders that cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        folders = _folders(path)
        parts = [folder for folder in folders if folder.name.lower() in PARTS]
        others = [folder.name for folder in folders if folder not in parts]
        if parts and others:
            raise InputError(
                f"{path} has {' and '.join(p.name for p in parts)}, so that every other folder must be a class inside "
                f"them; move {few(others)}"
            )
        found: dict[tuple[Part, str], list[Path]] = {}
        self._odd: Counter[str] = Counter()
        for part in parts:
            for folder in _folders(part):
                found.setdefault((PARTS[part.name.lower()], folder.name), []).extend(self._pictures(folder))
        if not parts:
            found = {("", folder.name): self._pictures(folder) for folder in folders}
        empty = [f"{part}/{name}".strip("/") for (part, name), pictures in found.items() if not pictures]
        if empty:
            odd = f" ({self._left_out})" if self._odd else ""
            raise InputError(
                f"{path}: no picture ({', '.join(sorted(SUFFIXES))}) in {few(empty)}{odd}; delete the folder, or put "
                f"pictures into it"
            )
        self.class_names = tuple(sorted({name for _, name in found}))
        number = {name: i for i, name in enumerate(self.class_names)}
        self._files = [file for pictures in found.values() for file in pictures]
        self.items: tuple[tuple[Part, int], ...] = tuple(
            (part, number[name]) for (part, name), pictures in found.items() for _ in pictures
        )
        check_classes(path, self.class_names, self.items)

    @property
    def name(self) -> str:
        return self._path.resolve().name

    @property
    def notes(self) -> tuple[str, ...]:
        return (self._left_out,) if self._odd else ()

    @property
    def _left_out(self) -> str:
        kinds = ", ".join(f"{count} {suffix or 'without suffix'}" for suffix, count in self._odd.most_common(5))
        return f"{self._odd.total()} files left out that are no pictures: {kinds}"

    @cached_property
    def stamp(self) -> str:
        return stamp_of(self._path, self._files, repr(self.items))

    def picture(self, index: int) -> Image:
        return open_picture(self._files[index])

    def called(self, index: int) -> str:
        return str(self._files[index].relative_to(self._path))

    def _pictures(self, folder: Path) -> list[Path]:
        found = []
        for root, below, names in os.walk(folder):
            below[:] = sorted(name for name in below if not name.startswith("."))
            for name in sorted(names):
                suffix = Path(name).suffix.lower()
                if suffix in SUFFIXES and not name.startswith("."):
                    found.append(Path(root, name))
                elif not name.startswith("."):
                    self._odd[suffix] += 1
        return found


def stamp_of(path: Path, files: list[Path], more: str) -> str:
    """Digest of the files' names, sizes and times of change."""
    total = hashlib.sha256(f"{path.resolve()}\n{more}".encode())
    for file in files:
        facts = file.stat()
        total.update(f"{file.relative_to(path)}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode("utf-8", "replace"))
    return total.hexdigest()


def _folders(path: Path) -> list[Path]:
    return sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith((".", "__")))
