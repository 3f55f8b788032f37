"""A source of pictures from arrays in an ``.npz``: uint8 (n, height, width) or (n, height, width, channels), and labels
from 0."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from edgenas.base.errors import InputError, MissingExtraError
from edgenas.base.text import escaped
from edgenas.blocks.labels import class_name
from edgenas.training.images.classes import check_labels
from edgenas.training.images.folder import readable_by_all
from edgenas.training.images.source import Part, check_classes

if TYPE_CHECKING:
    from PIL.Image import Image

#: part -> possible names of its arrays of images and labels, as Keras and others write them
KEYS: dict[Part, tuple[tuple[str, str], ...]] = {
    "train": (("train_images", "train_labels"), ("x_train", "y_train")),
    "val": (("val_images", "val_labels"), ("validation_images", "validation_labels"), ("x_val", "y_val")),
    "test": (("test_images", "test_labels"), ("x_test", "y_test")),
    "": (("images", "labels"), ("x", "y")),
}


class ArrayFile:
    """The pictures of the arrays in the file ``path``; class names are from the array ``classes``, else numbers.
    InputError for missing arrays, and for wrong types, shapes or labels."""

    def __init__(self, path: Path) -> None:
        self._path = path
        arrays = _read(path)
        parts = [(part, *pair) for part, pairs in KEYS.items() for pair in pairs if pair[0] in arrays]
        if not parts or ("" in {part for part, *_ in parts} and len(parts) > 1):
            raise InputError(
                f"{path} holds {', '.join(arrays) or 'nothing'}; name the arrays train_images and train_labels (the "
                f"same for val and test), or images and labels alone"
            )
        self._images: list[tuple[Part, NDArray[np.uint8]]] = []
        items: list[tuple[Part, int]] = []
        for part, images, labels in parts:
            self._images.append((part, _images(path, images, arrays[images])))
            numbers = arrays.get(labels, np.empty(0)).reshape(-1)  # Keras stores (n, 1)
            if numbers.dtype.kind not in "iu" or len(numbers) != len(arrays[images]) or numbers.min(initial=0) < 0:
                raise InputError(
                    f"{path}: {images} holds {len(arrays[images])} pictures, so {labels} must hold as many whole "
                    f"numbers from 0"
                )
            items += [(part, int(label)) for label in numbers]
        self.items = tuple(items)
        distinct = {label for _, label in items}
        names = _class_names(path, arrays["classes"]) if "classes" in arrays else None
        check_labels(path, distinct, None if names is None else len(names))
        self.class_names = names or tuple(map(str, sorted(distinct)))
        check_classes(path, self.class_names, self.items)
        self._starts = np.cumsum([0, *(len(images) for _, images in self._images)])

    @property
    def name(self) -> str:
        return escaped(self._path.stem)

    @property
    def notes(self) -> tuple[str, ...]:
        return ()

    @property
    def private(self) -> bool:
        return not readable_by_all([self._path])

    @property
    def stamp(self) -> str:
        total = hashlib.sha256(repr((self.class_names, self.items)).encode())
        for part, images in self._images:
            total.update(f"{part}{images.shape}".encode())
            total.update(np.ascontiguousarray(images).data)
        return total.hexdigest()

    def picture(self, index: int) -> Image:
        try:
            import PIL.Image
        except ImportError as error:
            raise MissingExtraError("pillow", "images", "scaling pictures") from error
        number, row = self._place(index)
        image = self._images[number][1][row]
        return PIL.Image.fromarray(image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image)

    def called(self, index: int) -> str:
        number, row = self._place(index)
        return f"{self._images[number][0] or 'picture'} {row}"

    def _place(self, index: int) -> tuple[int, int]:
        number = int(np.searchsorted(self._starts, index, "right")) - 1
        return number, index - int(self._starts[number])


def _read(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, MemoryError, BadZipFile) as error:
        raise InputError(f"{path} is no .npz of plain arrays: {error}") from error


def _class_names(path: Path, names: NDArray[Any]) -> tuple[str, ...]:
    """Return the class names of the array ``classes``: text, UTF-8 bytes or numbers."""
    if names.ndim != 1 or names.dtype.kind not in "USiu":
        raise InputError(f"{path}: classes is {names.dtype}{names.shape}; class names are one row of text")
    texts = (name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else str(name) for name in names)
    return tuple(class_name(text, f"{path}, classes") for text in texts)


def _images(path: Path, name: str, images: NDArray[Any]) -> NDArray[np.uint8]:
    channels = images.shape[3] if images.ndim == 4 else 1
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or channels not in (1, 3, 4) or not images.size:
        raise InputError(
            f"{path}: {name} is {images.dtype}{images.shape}; pictures are uint8, 0..255, (n, height, width) or "
            f"(n, height, width, channels) with 1, 3 or 4 channels"
        )
    return images
