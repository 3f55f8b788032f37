"""A source of pictures from arrays in an ``.npz``: uint8 (n, height, width) or (n, height, width, channels), and labels
from 0.

Arrays of 1 or 3 channels are grey or RGB pictures, those of 4 channels also RGBA; arrays of any other number keep it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgenas.base.counted import counted
from edgenas.base.errors import InputError, MissingExtraError
from edgenas.base.text import escaped
from edgenas.blocks.labels import class_name
from edgenas.blocks.npz import ArrayHeader, read_npz
from edgenas.training.images.classes import check_labels
from edgenas.training.images.folder import readable_by_all
from edgenas.training.images.source import COLOURS, Part, check_classes

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
        parts = _parts(arrays)
        self._images: list[tuple[Part, NDArray[np.uint8]]] = []
        items: list[tuple[Part, int]] = []
        for part, images, labels in parts:
            self._images.append((part, arrays[images]))
            numbers = arrays[labels].reshape(-1)  # Keras stores (n, 1)
            if numbers.min(initial=0) < 0:
                raise InputError(_wrong_labels(path, images, labels, len(numbers)))
            items += [(part, int(label)) for label in numbers]
        self._channels = _channels(path, [images for _, images in self._images])
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

    @property
    def channels(self) -> tuple[int, ...]:
        return self._channels

    def picture(self, index: int) -> Image | NDArray[np.uint8]:
        try:
            import PIL.Image
        except ImportError as error:
            raise MissingExtraError("pillow", "images", "scaling images") from error
        number, row = self._place(index)
        image: NDArray[np.uint8] = self._images[number][1][row]
        if image.ndim == 3 and image.shape[2] not in COLOURS:
            return image
        return PIL.Image.fromarray(image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image)

    def called(self, index: int) -> str:
        number, row = self._place(index)
        return f"{self._images[number][0] or 'image'} {row}"

    def _place(self, index: int) -> tuple[int, int]:
        number = int(np.searchsorted(self._starts, index, "right")) - 1
        return number, index - int(self._starts[number])


def _parts(arrays: Container[str]) -> list[tuple[Part, str, str]]:
    """Return (part, name of its images, name of its labels) of each part among the names of arrays."""
    return [(part, *pair) for part, pairs in KEYS.items() for pair in pairs if pair[0] in arrays]


def _read(path: Path) -> dict[str, NDArray[Any]]:
    def choose(headers: Mapping[str, ArrayHeader]) -> list[str]:
        parts = _parts(headers)
        if not parts or ("" in {part for part, *_ in parts} and len(parts) > 1):
            held = ", ".join(escaped(name)[:80] for name in list(headers)[:20]) or "nothing"
            raise InputError(
                f"{path} holds {held}; name the arrays train_images and train_labels (the same for val and test), or "
                f"images and labels alone"
            )
        for _, images, labels in parts:
            _check_images(path, images, headers[images])
            count, found = headers[images].shape[0], headers.get(labels)
            if found is None or found.dtype.kind not in "iu" or found.shape not in ((count,), (count, 1)):
                raise InputError(_wrong_labels(path, images, labels, count))
        more = ["classes"] if "classes" in headers else []
        return [name for _, *pair in parts for name in pair] + more

    try:
        return read_npz(path, choose)
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is no .npz of plain arrays: {error}") from error


def _wrong_labels(path: Path, images: str, labels: str, count: int) -> str:
    return f"{path}: {images} holds {counted(count, 'image')}, so {labels} must hold as many whole numbers from 0"


def _class_names(path: Path, names: NDArray[Any]) -> tuple[str, ...]:
    """Return the class names of the array ``classes``: text, UTF-8 bytes or numbers."""
    if names.ndim != 1 or names.dtype.kind not in "USiu":
        raise InputError(f"{path}: classes is {names.dtype}{names.shape}; class names are one row of text")
    texts = (name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else str(name) for name in names)
    return tuple(class_name(text, f"{path}, classes") for text in texts)


def _check_images(path: Path, name: str, images: ArrayHeader) -> None:
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or not images.size_bytes:
        raise InputError(
            f"{path}: {name} is {images.dtype}{images.shape}; images are uint8, 0..255, (n, height, width) or "
            f"(n, height, width, channels)"
        )


def _channels(path: Path, arrays: list[NDArray[np.uint8]]) -> tuple[int, ...]:
    """Return the numbers of channels that networks may take: grey or RGB, and for other arrays their own number."""
    found = sorted({images.shape[3] if images.ndim == 4 else 1 for images in arrays})
    others = [channels for channels in found if channels not in COLOURS]
    if others and len(found) > 1:
        raise InputError(
            f"{path}: its parts have {' and '.join(map(str, found))} channels; give all of them one number"
        )
    if others == [4]:
        return (*COLOURS, 4)
    return tuple(others) or COLOURS
