"""CIFAR-10 (A. Krizhevsky, 2009), read from one packed file, and written as folders of images for other tools.

The file holds mosaics of 25 x 40 pictures each, WebP or PNG, one after another in ``blob`` between ``offsets``.
"""

from __future__ import annotations

import io
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgenas.training.data import ImageData

SIZE, JUDGED = 65, 1000  #: size in pixels of enlarged images, and number of test images
_ROWS, _COLUMNS, _SIZE = 25, 40, 32


@dataclass(frozen=True, eq=False)
class Cifar10:
    """Images, uint8 (n, 32, 32, 3), and labels of both parts."""

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]
    classes: tuple[str, ...]


def load(path: Path) -> Cifar10:
    from PIL import Image

    with np.load(path, allow_pickle=False) as pack:
        blob, offsets, tiles = pack["blob"].tobytes(), pack["offsets"], int(pack["n_train_tiles"])
        train_labels, test_labels = (pack[name].astype(np.int64) for name in ("y_train", "y_test"))
        classes = tuple(str(name) for name in pack["classes"])
    mosaics = []
    for begin, end in itertools.pairwise(offsets):
        mosaic = np.asarray(Image.open(io.BytesIO(blob[begin:end])).convert("RGB"))
        cells = mosaic.reshape(_ROWS, _SIZE, _COLUMNS, _SIZE, 3).transpose(0, 2, 1, 3, 4)
        mosaics.append(cells.reshape(-1, _SIZE, _SIZE, 3))
    images = np.concatenate(mosaics)
    split = tiles * _ROWS * _COLUMNS
    return Cifar10(images[:split], train_labels, images[split:], test_labels, classes)


def write_folders(data: Cifar10, folder: Path, train: int, test: int) -> Path:
    """Write the first ``train`` and ``test`` images as ``folder/train/CLASS/0.png`` and so on."""
    from PIL import Image

    for part, images, labels in (
        ("train", data.train_images[:train], data.train_labels),
        ("test", data.test_images[:test], data.test_labels),
    ):
        for name in data.classes:
            (folder / part / name).mkdir(parents=True, exist_ok=True)
        for i, image in enumerate(images):
            Image.fromarray(image).save(folder / part / data.classes[labels[i]] / f"{i}.png", compress_level=1)
    return folder


def enlarged(cifar: Path, count: int, mean: tuple[float, ...], deviation: tuple[float, ...]) -> ImageData:
    """Return the first ``count`` training images, and the first JUDGED test images, at SIZE pixels (bilinear)."""
    from PIL import Image

    def at_size(images: Any) -> Any:
        sizes = (SIZE, SIZE)
        return np.stack([np.asarray(Image.fromarray(i).resize(sizes, Image.Resampling.BILINEAR)) for i in images])

    known = load(cifar)
    x, y = at_size(known.train_images[:count]), known.train_labels[:count]
    vx, vy = at_size(known.test_images[:JUDGED]), known.test_labels[:JUDGED]
    return ImageData(f"cifar10-{SIZE}", len(known.classes), x, y, vx, vy, vx, vy, mean, deviation, known.classes)
