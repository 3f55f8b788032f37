"""A source of pictures from a Hugging Face dataset on disk, written by ``save_to_disk``.

Needs the package datasets; nothing is downloaded.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.base.errors import InputError, MissingExtraError
from edgenas.base.text import escaped
from edgenas.blocks.labels import class_name
from edgenas.training.images.decode import open_picture
from edgenas.training.images.folder import readable_by_all, stamp_of
from edgenas.training.images.source import COLOURS, PARTS, Part, check_classes

if TYPE_CHECKING:
    from PIL.Image import Image


class HubDataset:
    """The pictures and classes of all splits of a dataset with one column of images and one of classes. InputError
    names a missing column, and split names other than train, validation and test."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._splits = _load(path)
        if any(name and name not in PARTS for name in self._splits):
            raise InputError(f"{path} has the splits {', '.join(self._splits)}; name them train, validation and test")
        features = next(iter(self._splits.values())).features
        self._column = _one(path, features, "Image")
        labels = _one(path, features, "ClassLabel")
        self.class_names: tuple[str, ...] = tuple(
            class_name(name, f"{path}, {labels}") for name in features[labels].names
        )
        rows = [(name, label) for name, split in self._splits.items() for label in split[labels]]
        if any(not 0 <= label < len(self.class_names) for _, label in rows):
            raise InputError(f"{path} holds rows without a class in {labels!r}; leave them out (Dataset.filter)")
        self.items: tuple[tuple[Part, int], ...] = tuple((PARTS.get(name, ""), label) for name, label in rows)
        check_classes(path, self.class_names, self.items)

    @property
    def name(self) -> str:
        return escaped(self._path.resolve().name)

    @property
    def notes(self) -> tuple[str, ...]:
        return ()

    @property
    def channels(self) -> tuple[int, ...]:
        return COLOURS

    @cached_property
    def private(self) -> bool:
        return not readable_by_all([self._path, *self._path.rglob("*")])

    @cached_property
    def stamp(self) -> str:
        files = sorted(file for file in self._path.rglob("*") if file.is_file())
        return stamp_of(self._path, files, repr(self.items))

    def picture(self, index: int) -> Image:
        split, row = self._place(index)
        stored = self._undecoded[split][row][self._column]
        return open_picture(stored["bytes"] if stored["bytes"] is not None else Path(stored["path"]))

    def called(self, index: int) -> str:
        split, row = self._place(index)
        return f"{split} row {row}".strip()

    @cached_property
    def _undecoded(self) -> dict[str, Any]:
        import datasets

        plain = datasets.Image(decode=False)
        return {name: split.cast_column(self._column, plain) for name, split in self._splits.items()}

    def _place(self, index: int) -> tuple[str, int]:
        for name, split in self._splits.items():
            if index < len(split):
                return name, index
            index -= len(split)
        raise IndexError(index)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without the datasets: a worker process maps their files again."""
        return {k: v for k, v in self.__dict__.items() if k not in ("_splits", "_undecoded")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._splits = _load(self._path)


def _load(path: Path) -> dict[str, Any]:
    """Load split name -> dataset; the name is '' for a dataset without splits."""
    try:
        import datasets
    except ImportError as error:
        raise MissingExtraError("datasets", "datasets", f"reading {path}") from error
    try:
        loaded = datasets.load_from_disk(str(path))
    except Exception as error:  # pyarrow and datasets raise many kinds of exceptions for damaged files
        raise InputError(f"{path} is no dataset that save_to_disk wrote: {error}") from error
    return dict(loaded) if isinstance(loaded, datasets.DatasetDict) else {"": loaded}


def _one(path: Path, features: Any, kind: str) -> str:
    """Return the name of the only column of the feature type ``kind``; InputError where there is not exactly one."""
    columns: list[str] = [name for name, feature in features.items() if type(feature).__name__ == kind]
    if len(columns) != 1:
        held = ", ".join(f"{name} ({type(feature).__name__})" for name, feature in features.items())
        raise InputError(f"{path} must have one column of type {kind}, and has {len(columns)}: {held}")
    return columns[0]
