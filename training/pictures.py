"""Pictures as the input of a network, to calibrate an int8 file or to test an exported file.

    arrays.npz   images (n, H, W, C), float32 and normalised, or uint8 0..255; labels (n,), where known
    folder       pictures, or a folder of pictures for each class, listed and numbered as for a training

Levels 0..255 become (level - mean) / deviation for each channel, with mean and deviation of the network's training.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgenas.base.errors import InputError
from edgenas.base.reading import check_exists
from edgenas.base.text import escaped
from edgenas.blocks.npz import ArrayHeader, read_npz
from edgenas.blocks.size import ImageSize, axes
from edgenas.training.images.classes import check_labels, class_numbers, missing_note
from edgenas.training.images.decode import check_decoders, decode_picture, open_picture
from edgenas.training.images.listing import SUFFIXES, list_pictures
from edgenas.training.images.source import COLOURS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgenas.blocks.weights import Array


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures as the input of a network: ``images`` (n, height, width, channels), normalised; ``labels`` (n,), None
    without labels; ``notes`` on files that were left out, and on classes without a picture."""

    images: Array
    labels: NDArray[np.int64] | None
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Scaling:
    """Mean and deviation that normalise levels 0..255, one number per channel or one for all; empty for float
    arrays."""

    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if len(self.mean) != len(self.deviation) or any(not d > 0 for d in self.deviation):
            raise InputError(
                f"mean {self.mean} and deviation {self.deviation}: give the same number of both, deviations above 0"
            )

    def scaled(self, levels: NDArray[np.uint8], where: Path) -> Array:
        """Normalise levels (n, H, W, C); InputError where the number of means is neither 1 nor C."""
        channels = levels.shape[-1]
        if len(self.mean) not in (1, channels):
            raise InputError(
                f"{where} holds levels 0..255; give mean and deviation of the network's training, one number or "
                f"{channels} of each: --mean 127.5 --deviation 127.5"
            )
        mean, deviation = (np.array(values, np.float32) for values in (self.mean, self.deviation))
        scaled: Array = (levels.astype(np.float32) - mean) / deviation
        return scaled


def read_pictures(
    path: Path,
    size: ImageSize,
    channels: int,
    scaling: Scaling,
    most: int | None = None,
    *,
    classes: int | None = None,
    names: Sequence[str] | None = None,
) -> Pictures:
    """Read the pictures at ``path``, at most ``most`` of them, evenly spaced; InputError where they cannot be used.

    Folders become labels only where the number of ``classes`` of the network is given, by the class ``names`` of its
    training; without names, there must be a folder for each class, in the order of training.
    """
    if path.is_dir():
        return _folder(path, size, channels, scaling, most, classes, names)
    arrays = _arrays(path, (*axes(size), channels), most)
    images, labels = arrays["images"], arrays.get("labels")
    if images.dtype == np.uint8:
        images = scaling.scaled(images, path)
    if not np.isfinite(images).all():
        raise InputError(f"{path}: images hold values that are not finite; leave those images out")
    if labels is None:
        return Pictures(images, None)
    notes: tuple[str, ...] = ()
    if classes is not None:
        numbers = labels.tolist()
        check_labels(path, numbers, classes)
        notes = missing_note(path, numbers, names, classes)
    return Pictures(images, labels.astype(np.int64), notes)


def evenly(count: int, most: int | None) -> list[int]:
    """Return at most ``most`` of ``count`` positions, evenly spaced; all of them where ``most`` is None."""
    if most is None or count <= most:
        return list(range(count))
    return [i * count // most for i in range(most)]


def _arrays(path: Path, wanted: tuple[int, int, int], most: int | None) -> dict[str, Any]:
    """Return the array images, at most ``most`` of it, and labels (n,), where there are any."""

    def choose(headers: Mapping[str, ArrayHeader]) -> list[str]:
        images, labels = headers.get("images"), headers.get("labels")
        if images is None or images.shape[1:] != wanted or images.dtype not in (np.float32, np.uint8):
            actual = "no array images" if images is None else f"images {images.dtype}{images.shape}"
            shape = ", ".join(map(str, wanted))
            raise InputError(f"{path} has {actual}; the network takes float32 or uint8 (n, {shape})")
        count = images.shape[0]
        if labels is not None and (labels.shape not in ((count,), (count, 1)) or labels.dtype.kind not in "iu"):
            raise InputError(f"{path}: labels are {labels.dtype}{labels.shape}, not {count} whole numbers")
        if not count:
            raise InputError(f"{path} holds no images; give some")
        return ["images"] if labels is None else ["images", "labels"]

    check_exists(path, "pictures")
    try:
        arrays = read_npz(path, choose)
    except InputError:
        raise
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InputError(f"{path} is neither a folder of images nor an .npz of arrays: {why}") from error
    if "labels" in arrays:
        arrays["labels"] = arrays["labels"].reshape(-1)  # Keras stores (n, 1)
    return {name: array[evenly(len(array), most)] for name, array in arrays.items()}


def _folder(
    path: Path,
    size: ImageSize,
    channels: int,
    scaling: Scaling,
    most: int | None,
    classes: int | None,
    names: Sequence[str] | None,
) -> Pictures:
    if channels not in COLOURS:
        raise InputError(
            f"{path} is a folder of images, which have 1 or 3 channels, and the network takes {channels}; give an "
            f".npz with an array named images, (n, {', '.join(map(str, axes(size)))}, {channels})"
        )
    listing = list_pictures(path)
    if listing.parts:
        parts = ", ".join(listing.parts)
        raise InputError(f"{path} has the parts {parts}, not classes; name one of them: {path / listing.parts[0]}")
    if not listing.files:
        left_out = f" ({'; '.join(listing.notes)})" if listing.notes else ""
        raise InputError(
            f"{path} has no images ({', '.join(sorted(SUFFIXES))}), nor folders of images for each class{left_out}"
        )
    notes, number = listing.notes, dict.fromkeys(listing.names, -1)
    labelled = classes is not None and bool(listing.classes)
    if classes is not None and labelled:
        number, class_notes = class_numbers(path, listing.names, names, classes)
        present = [number[name] for (_, name), files in listing.classes.items() if files]
        notes = (*notes, *class_notes, *missing_note(path, present, names, classes))
    check_decoders(listing.files)
    files = [(file, number[name]) for (_, name), files in listing.classes.items() for file in files]
    files = files or [(file, -1) for file in listing.loose]
    chosen = [files[i] for i in evenly(len(files), most)]
    levels = np.stack([_decoded(file, size, channels) for file, _ in chosen])
    labels = np.array([label for _, label in chosen], np.int64) if labelled else None
    return Pictures(scaling.scaled(levels, path), labels, notes)


def _decoded(file: Path, size: ImageSize, channels: int) -> NDArray[np.uint8]:
    """Decode a picture to levels (height, width, channels), by the same steps as for training."""
    decoded = decode_picture(lambda: open_picture(file), size, channels)
    if isinstance(decoded, str):
        raise InputError(f"{escaped(file)} is no image that can be read: {decoded}; leave it out")
    return decoded[0]


def numbers(text: str | None, option: str) -> Sequence[float]:
    """Parse numbers with commas between, such as '123.7,116.3,103.5'; InputError that names the option."""
    try:
        found = [float(part) for part in text.split(",")] if text else []
        if not all(map(math.isfinite, found)):
            raise ValueError("not a finite number")
        return found
    except ValueError as error:
        raise InputError(f"{option} {text!r} is not numbers with commas between, such as 123.7,116.3,103.5") from error
