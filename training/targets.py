"""TargetData: pictures with targets of any kind (numbers, several labels, classes), to train with a loss of one's own.

This module does not need torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgenas.base.errors import InputError
from edgenas.base.reading import check_exists
from edgenas.base.text import escaped
from edgenas.blocks.npz import ArrayHeader, read_npz
from edgenas.blocks.size import ImageSize, of_axes
from edgenas.training.data import Images, Pixels

Targets = NDArray[Any]  #: (n, ...), float32 or int64
LEAST_DEVIATION = 1.0  #: least standard deviation of a channel, in levels


@dataclass(frozen=True, eq=False)
class TargetData:
    """Pictures with targets in two parts, for training and for validation, which must share no picture.

    images           (n, height, width, channels): uint8 levels 0..255, or float32 as the network takes them
    targets          (n, ...): one target for each picture, float32 or int64
    mean, deviation  of each channel, in levels, for uint8 images; empty for float32

    InputError for arrays that do not fit together, and for numbers that are not finite.
    """

    train_images: Pixels
    train_targets: Targets
    validation_images: Pixels
    validation_targets: Targets
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        shape, kind = self.train_images.shape[1:], self.train_images.dtype
        wanted, number = self.train_targets.shape[1:], self.train_targets.dtype
        for part, images, targets in self._parts():
            if images.ndim != 4 or images.shape[1:] != shape or images.dtype != kind or not len(images):
                raise InputError(
                    f"{part}: images are {images.dtype}{images.shape}; both parts are (n, height, width, channels), "
                    f"n ≥ 1, of one size and type"
                )
            if images.dtype not in (np.uint8, np.float32):
                raise InputError(f"{part}: images are {images.dtype}, not uint8 levels 0..255 or float32")
            if targets.shape != (len(images), *wanted) or targets.dtype != number:
                raise InputError(
                    f"{part}: targets are {targets.dtype}{targets.shape}; give one for each of {len(images)} pictures, "
                    f"{number}{wanted} in both parts"
                )
            for what, values in (("images", images), ("targets", targets)):
                if values.dtype.kind == "f" and not np.isfinite(values).all():
                    raise InputError(f"{part}: {what} hold values that are not finite; leave those pictures out")
        scaled = shape[2] if kind == np.uint8 else 0
        if (len(self.mean), len(self.deviation)) != (scaled, scaled) or any(not d > 0 for d in self.deviation):
            raise InputError(
                f"mean {self.mean} and deviation {self.deviation}: give {scaled or 'none'} of both for {kind} images "
                f"of {shape[2]} channels, deviations above 0"
            )

    def _parts(self) -> tuple[tuple[str, Pixels, Targets], ...]:
        return (
            ("train", self.train_images, self.train_targets),
            ("validation", self.validation_images, self.validation_targets),
        )

    @property
    def in_size(self) -> ImageSize:
        """Size of the images in pixels."""
        return of_axes(self.train_images.shape[1:3])

    @property
    def channels(self) -> int:
        return int(self.train_images.shape[3])

    @cached_property
    def digest(self) -> str:
        """Digest of all pixels and targets, eight hexadecimal digits."""
        total = hashlib.sha256(repr((self.mean, self.deviation)).encode())
        for _, images, targets in self._parts():
            for array in (images, targets):
                total.update(f"{array.dtype}{array.shape}".encode())
                total.update(np.ascontiguousarray(array).data)
        return total.hexdigest()[:8]


@dataclass(frozen=True, eq=False)
class TargetFile:
    """Arrays of a file: ``images``, ``targets``, and those for validation; None where the file has none."""

    images: Pixels
    targets: Targets
    validation: tuple[Pixels, Targets] | None


def read_targets(path: Path) -> TargetFile:
    """Read an .npz with the arrays images and targets, and val_images and val_targets for validation, where there are
    any; InputError where it cannot be read or has no such arrays."""
    names = ("images", "targets", "val_images", "val_targets")

    def choose(headers: Mapping[str, ArrayHeader]) -> list[str]:
        present = [name for name in names if name in headers]
        if present not in (list(names), list(names[:2])):
            held = ", ".join(escaped(name)[:80] for name in list(headers)[:20]) or "nothing"
            raise InputError(
                f"{path} holds {held}; name the arrays images and targets, also val_images and val_targets"
            )
        return present

    check_exists(path, "targets")
    try:
        arrays = read_npz(path, choose)
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is no .npz of plain arrays: {error}") from error
    judged = (arrays["val_images"], arrays["val_targets"]) if "val_images" in arrays else None
    return TargetFile(arrays["images"], arrays["targets"], judged)


def scaling_of(images: Pixels) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and deviation of each channel of uint8 images, in levels; empty for float32."""
    if images.dtype != np.uint8 or images.ndim != 4 or not len(images):
        return (), ()
    mean = images.mean((0, 1, 2), dtype=np.float64)
    deviation = np.maximum(images.std((0, 1, 2), dtype=np.float64), LEAST_DEVIATION)
    return tuple(mean.round(3).tolist()), tuple(deviation.round(3).tolist())


def normalised(images: Pixels, mean: tuple[float, ...], deviation: tuple[float, ...]) -> Images:
    """Return images as the network takes them: (level - mean) / deviation for uint8, else unchanged."""
    if images.dtype != np.uint8:
        return np.asarray(images, np.float32)
    shift, scale = np.array(mean, np.float32), np.array(deviation, np.float32)
    scaled: Images = (images.astype(np.float32) - shift) / scale
    return scaled


def held_out(count: int, share: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows to train on and those for validation, ``share`` of all and at least one, drawn by ``seed``."""
    if not 0 < share < 1 or count < 2:
        raise InputError(f"validation={share!r} of {count} pictures: give a share within 0..1 of 2 pictures or more")
    order = np.random.default_rng(seed).permutation(count)
    most = min(count - 1, max(1, round(share * count)))
    return np.sort(order[most:]), np.sort(order[:most])
