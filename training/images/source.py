"""A person's own images: a folder a class, an ``.npz`` of arrays, or a Hugging Face dataset on disk.

    source = open_images(Path("photos"))     # lists and checks; len(source.class_names) classes
    data, notes = read_images(source, 96, 3)  # ``images_read``: decodes once, from then on out of a cache

    photos/cat/*.jpg, photos/dog/*.jpg                        split by a seed, 80 : 10 : 10 of every class
    photos/train/cat/*.jpg, photos/val/cat/*.jpg              without test/, half of val/ is kept to judge the winner

Pictures are turned as their EXIF says, made RGB or grey, scaled until they cover the square and cut at the centre.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from edgenas.base.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

Part = Literal["", "train", "val", "test"]  #: '' where the source has no parts


class PictureSource(Protocol):
    """Labelled pictures, listed and not yet decoded. It travels to worker processes."""

    @property
    def name(self) -> str: ...

    @property
    def class_names(self) -> tuple[str, ...]: ...

    @property
    def items(self) -> tuple[tuple[Part, int], ...]:
        """Part and class of every picture."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out of the list."""
        ...

    @property
    def stamp(self) -> str:
        """Changes when any picture does."""
        ...

    def picture(self, index: int) -> Image:
        """One picture, perhaps not yet decoded; any exception says that it is broken, and how."""
        ...

    def called(self, index: int) -> str:
        """What a person calls it."""
        ...


def open_images(path: Path) -> PictureSource:
    """The images at ``path``; InputError says what is wrong with them, or what could have been there."""
    if path.suffix == ".npz" and path.is_file():
        from edgenas.training.images.npz import ArrayFile

        return ArrayFile(path)
    if not path.is_dir():
        raise InputError(
            f"{path} is no folder with a folder of pictures for every class, no .npz of arrays, no Hugging Face dataset"
        )
    if (path / "dataset_dict.json").is_file() or (path / "dataset_info.json").is_file():
        from edgenas.training.images.hub import HubDataset

        return HubDataset(path)
    from edgenas.training.images.folder import PictureFolder

    try:
        return PictureFolder(path)
    except OSError as error:
        raise InputError(f"{error.filename or path}: {error.strerror or error}") from error


def check_classes(path: Path, names: tuple[str, ...], items: tuple[tuple[Part, int], ...]) -> None:
    """InputError unless there are two classes, each with a picture to train on, and parts that can be used."""
    if len(names) < 2:
        raise InputError(f"{path} has {len(names)} classes: {', '.join(names) or 'none'}; two or more are told apart")
    parts = {part for part, _ in items}
    if "train" not in parts and "" not in parts:
        raise InputError(
            f"{path} has pictures for {' and '.join(sorted(parts))} only; put those to train on into train"
        )
    seen = {label for part, label in items if part in ("", "train")}
    alone = [name for label, name in enumerate(names) if label not in seen]
    if alone:
        raise InputError(
            f"{path}: {few(alone)} cannot be learned, for there is nothing to train on; "
            f"put pictures into train, or take the class out of the other parts"
        )


def few(names: list[str], most: int = 5) -> str:
    """'cat, dog and 3 more'."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
