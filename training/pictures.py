"""Pictures that calibrate an int8 file or judge an exported one, as the network takes them.

    arrays.npz   images (n, H, W, C), float32 as the network takes them, or uint8 0..255; labels (n,), where known
    folder       pictures, or a folder of pictures for each class: the names of the folders, sorted, are the classes

Levels 0..255 become (level - mean) / deviation, channel by channel: the numbers that the network was trained with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from edgenas.base.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgenas.blocks.weights import Array


@dataclass(frozen=True, eq=False)
class Pictures:
    """``images`` (n, size, size, channels) as the network takes them; ``labels`` (n,), None where they have none."""

    images: Array
    labels: NDArray[np.int64] | None


@dataclass(frozen=True, slots=True)
class Scaling:
    """What levels 0..255 are shifted and divided by, one number a channel or one for all; none for arrays of float."""

    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if len(self.mean) != len(self.deviation) or any(not d > 0 for d in self.deviation):
            raise InputError(
                f"mean {self.mean} and deviation {self.deviation}: as many of one as of the other, deviations above 0"
            )

    def scaled(self, levels: NDArray[np.uint8], where: Path) -> Array:
        """Levels (n, H, W, C) as the network takes them; InputError where nobody said how."""
        channels = levels.shape[-1]
        if len(self.mean) not in (1, channels):
            raise InputError(
                f"{where} holds levels 0..255; say what the network was trained with, one number or {channels}: "
                f"--mean 127.5 --deviation 127.5"
            )
        mean, deviation = (np.array(values, np.float32) for values in (self.mean, self.deviation))
        scaled: Array = (levels.astype(np.float32) - mean) / deviation
        return scaled


def read_pictures(path: Path, size: int, channels: int, scaling: Scaling, most: int | None = None) -> Pictures:
    """The pictures at ``path``, at most ``most`` of them, evenly spaced. InputError says what is wrong, and where."""
    if path.is_dir():
        levels, labels = _folder(path, size, channels, most)
        return Pictures(scaling.scaled(levels, path), labels)
    found = _arrays(path, most)
    images = found.get("images")
    wanted = (size, size, channels)
    if images is None or images.ndim != 4 or images.shape[1:] != wanted or images.dtype not in (np.float32, np.uint8):
        told = "no array images" if images is None else f"images {images.dtype}{images.shape}"
        raise InputError(f"{path} has {told}; the network takes float32 or uint8 (n, {', '.join(map(str, wanted))})")
    labels = found.get("labels")
    if labels is not None and (labels.shape != images.shape[:1] or labels.dtype.kind not in "iu"):
        raise InputError(f"{path}: labels are {labels.dtype}{labels.shape}, not {len(images)} whole numbers")
    if not len(images):
        raise InputError(f"{path} holds no images; give some")
    if images.dtype == np.uint8:
        images = scaling.scaled(images, path)
    if not np.isfinite(images).all():
        raise InputError(f"{path}: images hold values that are not finite; leave those images out")
    return Pictures(images, None if labels is None else labels.astype(np.int64))


def evenly(count: int, most: int | None) -> list[int]:
    """At most ``most`` of ``count`` positions, as far apart as can be."""
    if most is None or count <= most:
        return list(range(count))
    return [i * count // most for i in range(most)]


def _arrays(path: Path, most: int | None) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in ("images", "labels") if name in file.files}
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InputError(f"{path} is neither a folder of pictures nor an .npz of arrays: {why}") from error
    return {name: array[evenly(len(array), most)] if array.ndim else array for name, array in arrays.items()}


def _folder(
    path: Path, size: int, channels: int, most: int | None
) -> tuple[NDArray[np.uint8], NDArray[np.int64] | None]:
    from edgenas.training.images.folder import PARTS, SUFFIXES

    classes = sorted(inside.name for inside in path.iterdir() if inside.is_dir())
    parts = [name for name in classes if name.lower() in PARTS]
    if parts:
        raise InputError(f"{path} has the parts {', '.join(parts)}, not classes; name one of them: {path / parts[0]}")
    files = [
        (file, classes.index(file.parent.name) if classes else -1)
        for file in sorted(path.glob("*/*" if classes else "*"))
        if file.suffix.lower() in SUFFIXES
    ]
    if not files:
        raise InputError(
            f"{path} has no pictures ({', '.join(sorted(SUFFIXES))}), nor folders of pictures for each class"
        )
    chosen = [files[i] for i in evenly(len(files), most)]
    levels = np.stack([_decoded(file, size, channels) for file, _ in chosen])
    return levels, np.array([label for _, label in chosen], np.int64) if classes else None


def _decoded(file: Path, size: int, channels: int) -> NDArray[np.uint8]:
    """(size, size, channels), by the same steps as the pictures that networks are trained on."""
    from edgenas.training.images.decode import open_picture, squared

    try:
        with open_picture(file) as image:
            return squared(image, size, channels)[0]
    except MissingExtraError:
        raise
    except Exception as error:  # Pillow raises nearly everything on files that are damaged
        raise InputError(f"{file} is no picture that can be read: {error}; leave it out") from error


def numbers(text: str | None, option: str) -> Sequence[float]:
    """'123.7,116.3,103.5' as numbers; InputError names the option."""
    try:
        return [float(part) for part in text.split(",")] if text else []
    except ValueError as error:
        raise InputError(f"{option} {text!r} is not numbers with commas between, such as 123.7,116.3,103.5") from error
