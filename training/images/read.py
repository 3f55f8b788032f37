"""Reading of listed pictures into ``ImageData``: decoded once, split into parts, and kept in a cache of plain arrays.

A cache entry is a folder of ``.npy`` files, which are mapped into memory, and a ``facts.json``; its name is a digest of
the pictures' names, sizes and times, the requested size and channels, and the seed of the split.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgenas.base.counted import counted
from edgenas.base.errors import InputError
from edgenas.base.json_text import parse_json
from edgenas.base.listener import SILENT, Listener
from edgenas.base.reading import read_bytes
from edgenas.blocks.size import ImageSize, axes
from edgenas.training.data import ImageData
from edgenas.training.images.decode import Decoded, decode_all
from edgenas.training.images.source import PictureSource, check_channels, few
from edgenas.training.images.split import PictureSplit, split

VERSION = 1  #: version of cache entries; 1: first
MOST_BROKEN = 0.05  #: largest share of broken pictures; more of them indicate an error in all

_CHUNK = 1024  #: pictures per copy


def cache_folder() -> Path:
    """Return the folder of the cache of decoded images: edgenas/images in $XDG_CACHE_HOME or ~/.cache."""
    root = os.environ.get("XDG_CACHE_HOME")
    return Path(root) / "edgenas/images" if root else Path.home() / ".cache/edgenas/images"


def read_images(
    source: PictureSource,
    in_size: ImageSize,
    channels: int = 3,
    *,
    cache: Path | None = None,
    workers: int = 2,
    seed: int = 0,
    listener: Listener = SILENT,
) -> tuple[ImageData, tuple[str, ...]]:
    """Return the images as uint8 arrays of ``in_size`` pixels, and notes about them for the user.

    ``seed`` splits sources without parts: it belongs to the data, not to a search. InputError where a part is empty,
    more than 5 % of the pictures are broken, or they cannot have that number of ``channels``.
    """
    check_channels(source, channels)
    wanted = f"{VERSION} {in_size} {channels} {seed} {source.stamp}"
    entry = (cache or cache_folder()) / hashlib.sha256(wanted.encode()).hexdigest()[:24]
    if not (entry / "facts.json").is_file():
        _own_folder(entry.parent)
        with tempfile.TemporaryDirectory(prefix=f".{entry.name}-", dir=entry.parent) as folder:
            partial = Path(folder, "entry")
            partial.mkdir(mode=0o700)
            _fill(partial, source, in_size, channels, seed, decode_all(source, in_size, channels, workers, listener))
            for file in partial.iterdir():
                file.chmod(0o600)
            shutil.rmtree(entry, ignore_errors=True)
            try:
                partial.rename(entry)
            except OSError:
                if not (entry / "facts.json").is_file():  # else another process has written the entry
                    raise
    return _load(entry, source, in_size)


def _own_folder(folder: Path) -> None:
    """Make the cache folder readable for its owner only, since pictures may be private; also a folder that earlier
    versions made readable for others."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    facts = folder.stat()
    if facts.st_mode & 0o077 and facts.st_uid == os.geteuid():
        folder.chmod(0o700)


def _fill(
    entry: Path, source: PictureSource, in_size: ImageSize, channels: int, seed: int, pictures: Iterable[Decoded]
) -> None:
    count = len(source.items)
    all_pixels = np.lib.format.open_memmap(entry / "all.npy", "w+", np.uint8, (count, *axes(in_size), channels))
    digests: list[bytes | None] = [None] * count
    done: Counter[str] = Counter()
    broken: dict[int, str] = {}
    for picture in pictures:
        if picture.pixels is None:
            broken[picture.index] = picture.done[0]
            continue
        all_pixels[picture.index] = picture.pixels
        digests[picture.index] = picture.digest
        done.update(picture.done)
    named = [f"{source.called(i)} ({broken[i]})" for i in sorted(broken)]
    if len(broken) > MOST_BROKEN * count:
        raise InputError(
            f"{source.name}: {len(broken)} of {count} images cannot be read: {few(named, 3)}; replace or delete them"
        )
    sets = split(source, digests, seed)
    facts: dict[str, Any] = {
        "broken": named,
        "done": dict(done.most_common()),
        "twins": sets.twins,
        "parts": {part: len(rows) for part, rows in sets.rows().items()},
        "judged_blindly": sets.unjudged,
    }
    _write_parts(entry, sets, source, all_pixels)
    facts["mean"], facts["deviation"] = _statistics(all_pixels, sets.train)
    del all_pixels
    (entry / "all.npy").unlink()
    (entry / "facts.json").write_text(json.dumps(facts), encoding="utf-8")


def _write_parts(entry: Path, sets: PictureSplit, source: PictureSource, pixels: NDArray[np.uint8]) -> None:
    labels = np.array([label for _, label in source.items], np.int64)
    for part, rows in sets.rows().items():
        stored = np.lib.format.open_memmap(entry / f"{part}.npy", "w+", np.uint8, (len(rows), *pixels.shape[1:]))
        for start in range(0, len(rows), _CHUNK):
            stored[start : start + _CHUNK] = pixels[rows[start : start + _CHUNK]]
        stored.flush()
        np.save(entry / f"{part}_labels.npy", labels[rows], allow_pickle=False)


def _statistics(pixels: NDArray[np.uint8], rows: NDArray[np.int64]) -> tuple[list[float], list[float]]:
    """Return the mean and standard deviation (at least 1) of each channel over the training images (levels 0..255)."""
    total, squares, count = np.zeros(pixels.shape[3]), np.zeros(pixels.shape[3]), 0
    for start in range(0, len(rows), _CHUNK):
        part = pixels[rows[start : start + _CHUNK]].reshape(-1, pixels.shape[3]).astype(np.float64)
        total, squares, count = total + part.sum(0), squares + (part**2).sum(0), count + len(part)
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 1.0))
    return mean.round(3).tolist(), deviation.round(3).tolist()


def _load(entry: Path, source: PictureSource, in_size: ImageSize) -> tuple[ImageData, tuple[str, ...]]:
    try:
        facts = parse_json(read_bytes(entry / "facts.json"))
        parts = [
            np.load(entry / f"{part}{what}.npy", mmap_mode=None if what else "r")
            for part in ("train", "validation", "test")
            for what in ("", "_labels")
        ]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{entry} is damaged ({error}); delete that folder, and the images are read again") from error
    train, train_labels, validation, validation_labels, test, test_labels = parts
    data = ImageData(
        f"{source.name}-{in_size}",
        len(source.class_names),
        train,
        train_labels,
        validation,
        validation_labels,
        test,
        test_labels,
        tuple(facts["mean"]),
        tuple(facts["deviation"]),
        source.class_names,
    )
    return data, (*_notes(facts), *source.notes)


def _notes(facts: dict[str, Any]) -> Iterable[str]:
    parts = facts["parts"]
    yield (
        f"{parts['train']} images to train on, {parts['validation']} to judge candidates, {parts['test']} to judge "
        f"the winner"
    )
    for what, count in facts["done"].items():
        yield f"{counted(count, 'image')} {what}"
    if facts["broken"]:
        yield f"{counted(len(facts['broken']), 'broken image')} left out: {few(facts['broken'])}"
    if facts["twins"]:
        left_out = counted(facts["twins"], "image")
        yield f"{left_out} left out: the same pixels are in a part to judge by, or twice in one to split"
    if facts["judged_blindly"]:
        yield f"no image to judge by of {few(facts['judged_blindly'])}"
