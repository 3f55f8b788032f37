"""The same images at several sizes, for networks that take images of different sizes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from edgenas.base.errors import InputError
from edgenas.blocks.size import ImageSize
from edgenas.training.data import ImageData


def sized(data: ImageData | Sequence[ImageData]) -> tuple[ImageData, ...]:
    """Return images at one size or more as a tuple, by ascending size. InputError where two are of one size, or where
    their parts have other pictures, so that a picture to judge by could be one to train on at another size."""
    found = (data,) if isinstance(data, ImageData) else tuple(sorted(data, key=lambda each: each.in_size))
    for one, other in pairwise(found):
        if one.in_size == other.in_size:
            raise InputError(f"{one.name} and {other.name} have images of one size, {one.in_size}; give each size once")
        for part in ("train_labels", "validation_labels", "test_labels"):
            if not np.array_equal(getattr(one, part), getattr(other, part)):
                raise InputError(
                    f"{one.name} and {other.name} are not the same images at two sizes: some pictures are equal at "
                    "one size and not at the other; remove double pictures"
                )
    return found


def at_size(data: Sequence[ImageData], size: ImageSize) -> ImageData:
    """Return the images of ``size``; where no images have it, the largest, which then do not fit the network."""
    return next((each for each in data if each.in_size == size), data[-1])


def identity(data: Sequence[ImageData]) -> str:
    """Return text that identifies images: name and digest of each size."""
    return "+".join(f"{each.name}:{each.digest}" for each in data)
