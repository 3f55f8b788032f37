"""scikit-learn's handwritten digits, distorted so that networks differ in accuracy on them.

1,797 real 8x8 pictures (Alpaydin and Kaynak, UCI, 1998; they are part of ``sklearn.datasets.load_digits``: nothing is
downloaded). Without distortion, every small network reaches 99 %. So only a few are used for training, and each is
enlarged, rotated, sheared, scaled, shifted, partly covered and made noisy, several times, from a fixed seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgenas.base.errors import InputError, MissingExtraError
from edgenas.blocks.size import ImageSize
from edgenas.training.data import ImageData, Images, Labels, TrainRecipe

ORIGINALS = 1797
CLASSES = 10

_MEAN, _DEVIATION = 0.3, 0.35  #: mean and deviation that normalise grey values 0..1
LEVEL_MEAN, LEVEL_DEVIATION = 255 * _MEAN, 255 * _DEVIATION  #: the same for levels 0..255

#: recipe of a candidate: a few seconds
SEARCH_RECIPE = TrainRecipe(epochs=1, batch=64, optimizer="adamw", lr=0.03, weight_decay=0.01, shrink=3)
#: recipe of the winner: half a minute
FULL_RECIPE = TrainRecipe(epochs=3, batch=64, optimizer="adamw", lr=0.02, weight_decay=0.01)


@dataclass(frozen=True, slots=True)
class Distortion:
    """Limits of the random distortion of a picture; each picture draws uniformly within them.

    turn_deg  largest rotation in either direction, degrees
    shear     largest shear of x along y in either direction
    scale     smallest size of the picture, as a share of the frame
    cover     largest side of the grey rectangle that covers a part, as a share of the frame
    noise     standard deviation of the noise, where white is 1
    """

    turn_deg: float = 12.0
    shear: float = 0.1
    scale: float = 0.8
    cover: float = 0.15
    noise: float = 0.12


def digits(
    in_size: ImageSize = 48,
    train_originals: int = 600,
    train_copies: int = 8,
    judge_copies: int = 4,
    distortion: Distortion | None = None,
    seed: int = 0,
) -> ImageData:
    """Return the digits as grey images of ``in_size`` x ``in_size`` pixels, with mean and deviation of about 0 and 1.

    ``train_originals`` pictures are for training, each in ``train_copies`` distortions; one half of the others is for
    validation, one half for test, each in ``judge_copies`` distortions. Equal arguments give equal arrays. InputError
    for numbers out of range, and for a size that is not square.
    """
    if not CLASSES <= train_originals <= ORIGINALS - 2:
        raise InputError(f"train_originals={train_originals} is outside {CLASSES}..{ORIGINALS - 2}")
    if not isinstance(in_size, int):
        raise InputError(f"digits: in_size={in_size} must be one number, for the digits are square images")
    for name, value, least in (
        ("in_size", in_size, 8),
        ("train_copies", train_copies, 1),
        ("judge_copies", judge_copies, 1),
    ):
        if value < least:
            raise InputError(f"{name}={value} must be {least} or more")
    distortion = distortion or Distortion()
    pictures, labels = _load()
    train, validation, test = split(train_originals, seed)
    parts: list[tuple[Images, Labels]] = []
    for number, (rows, copies) in enumerate(
        ((train, train_copies), (validation, judge_copies), (test, judge_copies)), start=1
    ):
        rng = np.random.default_rng([seed, number])
        drawn = [distorted(pictures[rows], in_size, distortion, rng) for _ in range(copies)]
        parts.append((np.concatenate(drawn), np.tile(labels[rows], copies)))
    name = f"digits-{in_size}-{train_originals}x{train_copies}-seed{seed}"
    return ImageData(name, CLASSES, *parts[0], *parts[1], *parts[2])


def split(train_originals: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows of the original pictures for training, validation and test; every row is in one of them."""
    order = np.random.default_rng(seed).permutation(ORIGINALS)
    middle = train_originals + (ORIGINALS - train_originals) // 2
    return order[:train_originals], order[train_originals:middle], order[middle:]


def distorted(pictures: Images, in_size: int, limits: Distortion, rng: np.random.Generator) -> Images:
    """Distort each picture once: (n, 8, 8) with values 0..1 to (n, in_size, in_size, 1), normalised."""
    n = len(pictures)
    white = rng.uniform(0.5, 1.0, (n, 1, 1))
    images = _placed(pictures, in_size, limits, rng) * white.astype(np.float32)
    side = in_size * limits.cover * rng.uniform(0.5, 1.0, (2, n, 1))
    corner = rng.uniform(0.0, 1.0, (2, n, 1)) * (in_size - side)
    pixel = np.arange(in_size) + 0.5
    rows, columns = (corner <= pixel) & (pixel < corner + side)  # each (n, in_size)
    grey = rng.uniform(0.0, 1.0, (n, 1, 1)).astype(np.float32)
    images = np.where(rows[:, :, None] & columns[:, None, :], grey, images)
    images += np.float32(limits.noise) * rng.standard_normal(images.shape, dtype=np.float32)
    return ((images - np.float32(_MEAN)) / np.float32(_DEVIATION))[..., None]


def _placed(pictures: Images, in_size: int, limits: Distortion, rng: np.random.Generator) -> Images:
    """Rotate, shear, scale and shift the pictures inside the frame, by bilinear interpolation; black outside a
    picture."""
    n = len(pictures)
    turn = np.deg2rad(rng.uniform(-limits.turn_deg, limits.turn_deg, n))
    shear = rng.uniform(-limits.shear, limits.shear, n)
    scale = rng.uniform(limits.scale, 1.0, n)
    shift = rng.uniform(-1.0, 1.0, (2, n)) * (1.0 - scale)
    cos, sin = np.cos(turn), np.sin(turn)
    frame_to_picture = np.array([[cos, sin + shear * cos], [-sin, cos - shear * sin]]) / scale  # (2, 2, n)
    back = frame_to_picture.astype(np.float32)[..., None, None]
    moved = shift.astype(np.float32)[..., None, None]
    grid = ((np.arange(in_size, dtype=np.float32) + 0.5) / in_size) * 2 - 1  # pixel centres of the frame in -1..1
    x, y = grid[None, None, :] - moved[0], grid[None, :, None] - moved[1]  # (n, 1, in_size), (n, in_size, 1)
    padded = np.pad(pictures, ((0, 0), (1, 1), (1, 1)))
    return _bilinear(padded, back[0, 0] * x + back[0, 1] * y, back[1, 0] * x + back[1, 1] * y)


def _bilinear(padded: Images, x: Images, y: Images) -> Images:
    """Interpolate pictures with a border of one black pixel at (x, y), where -1..1 is the range inside the border."""
    n, wide, _ = padded.shape
    half, last = np.float32(wide / 2 - 1), np.float32(wide - 1.001)
    column = np.clip((x + 1) * half + np.float32(0.5), 0, last)
    row = np.clip((y + 1) * half + np.float32(0.5), 0, last)
    left, above = column.astype(np.int32), row.astype(np.int32)
    column -= left
    row -= above
    flat = padded.reshape(-1)
    corner = np.arange(n, dtype=np.int32)[:, None, None] * (wide * wide) + above * wide + left
    top: Images = flat[corner]
    bottom: Images = flat[corner + wide]
    top += (flat[corner + 1] - top) * column
    bottom += (flat[corner + wide + 1] - bottom) * column
    top += (bottom - top) * row
    return top


def _load() -> tuple[Images, Labels]:
    """Load the original pictures, with values 0..1, and their labels."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingExtraError("scikit-learn", "train", "reading the digits") from error
    bunch = load_digits()
    return (bunch.images / 16.0).astype(np.float32), bunch.target.astype(np.int64)
