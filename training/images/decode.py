"""Decoding of pictures to levels 0..255 of one size, in worker processes where there are many. Needs Pillow."""

from __future__ import annotations

import hashlib
import io
import multiprocessing
import signal
import stat
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgenas.base.errors import InputError, MissingExtraError, OutcomeError
from edgenas.base.listener import SILENT, Listener
from edgenas.base.process import exit_with_parent
from edgenas.base.text import escaped
from edgenas.blocks.size import ImageSize, height, width

if TYPE_CHECKING:
    from PIL.Image import Image

    from edgenas.training.images.source import PictureSource

_ORIENTATION = 0x0112  #: EXIF tag of the orientation; 1 is upright
HEIF = frozenset([".heic", ".heif", ".hif"])  #: suffixes of files that Pillow reads only with pillow-heif
_AT_ONCE = 64  #: pictures per task of a worker
_WORTH_WORKERS = 512  #: fewer pictures are decoded faster than a process starts


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded picture: ``pixels`` (height, width, channels), texts of the changes to it other than scaling
    (``done``), and a digest of its pixels.

    For a broken picture ``pixels`` is None, and ``done`` has the reason.
    """

    index: int
    pixels: NDArray[np.uint8] | None
    done: tuple[str, ...]
    digest: bytes = b""


def open_picture(file: Path | bytes) -> Image:
    """Open the picture in a file or in bytes, without decoding it. InputError for a link to a missing file, and for a
    FIFO or a device, which is not opened."""
    try:
        import PIL.Image
    except ImportError as error:
        raise MissingExtraError("pillow", "images", "reading images") from error
    reads_heif()
    if isinstance(file, bytes):
        return PIL.Image.open(io.BytesIO(file))
    try:
        mode = file.stat().st_mode
    except FileNotFoundError as error:
        if file.is_symlink():
            raise InputError(f"dead link to {escaped(file.readlink())}") from error
        raise
    if not stat.S_ISREG(mode):
        raise InputError("a FIFO, a socket, a folder or a device, not a file")
    return PIL.Image.open(file)


def check_decoders(files: Iterable[Path]) -> None:
    """Raise MissingExtraError for files that no installed package can decode; no file is opened."""
    heif = [file for file in files if file.suffix.lower() in HEIF]
    if heif and not reads_heif():
        raise MissingExtraError("pillow-heif", "heic", f"reading {escaped(heif[0])} and {len(heif) - 1} more like it")


@cache
def reads_heif() -> bool:
    """Register HEIC in Pillow, also for files with the suffix .jpg; return False where pillow-heif is not installed."""
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True


def fitted(image: Image, size: ImageSize, channels: int) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return the picture as (height, width, channels) of ``size``, and texts of the changes: colours, transparency,
    rotation, enlargement. Any exception means that the picture is broken."""
    import PIL.Image
    import PIL.ImageOps

    done: list[str] = []
    wide, high = width(size), height(size)
    if image.format == "JPEG":
        image.draft(None, (2 * wide, 2 * high))  # decodes at 1/2, 1/4 or 1/8 of the size, where that is large enough
    image.load()
    if image.getexif().get(_ORIENTATION, 1) in range(2, 9):
        image = PIL.ImageOps.exif_transpose(image)
        done.append("rotated by their EXIF orientation")
    if image.mode.startswith(("I", "F")):
        image = _of_many_levels(image)
        done.append("with more than 256 levels, reduced to 256")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = PIL.Image.alpha_composite(PIL.Image.new("RGBA", image.size, "white"), image)
        done.append("transparent, put on white")
    elif channels == 3 and image.mode in ("1", "L", "CMYK", "YCbCr", "LAB", "HSV"):
        colours = {"1": "grey", "L": "grey", "CMYK": "CMYK"}.get(image.mode, "in other colour spaces")
        done.append(f"{colours}, converted to RGB")
    elif channels == 1 and image.mode not in ("1", "L"):
        done.append("coloured, converted to grey")
    image = image.convert("RGB" if channels == 3 else "L")
    return _scaled(image, size, done).reshape(high, wide, channels), tuple(done)


def fitted_levels(
    levels: NDArray[np.uint8], size: ImageSize, channels: int
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return levels (height, width, channels) as an array of ``size``, each channel scaled alone; four channels are
    those of a picture with transparency where one or three are wanted."""
    import PIL.Image

    if levels.shape[2] != channels:
        return fitted(PIL.Image.fromarray(levels), size, channels)
    done: list[str] = []
    planes = [_scaled(PIL.Image.fromarray(np.ascontiguousarray(levels[..., i])), size, done) for i in range(channels)]
    return np.stack(planes, axis=2), tuple(dict.fromkeys(done))


def _scaled(image: Image, size: ImageSize, done: list[str]) -> NDArray[np.uint8]:
    """Return the picture scaled until it covers ``size``, and cut at the centre; ``done`` gets the text of an
    enlargement."""
    import PIL.Image
    import PIL.ImageOps

    wanted = width(size), height(size)
    if image.width < wanted[0] or image.height < wanted[1]:
        done.append(f"smaller than {size} pixels, enlarged")
    if image.size != wanted:
        image = PIL.ImageOps.fit(image, wanted, PIL.Image.Resampling.BICUBIC)
    return np.asarray(image, np.uint8)


def _of_many_levels(image: Image) -> Image:
    """Convert 16 bits per pixel (or 32 bits with 16-bit values) to 8 bits; ValueError for other levels."""
    import PIL.Image

    levels = np.asarray(image)
    if levels.dtype.kind not in "iu" or levels.min() < 0 or levels.max() > 0xFFFF:
        raise ValueError(f"levels {levels.min():g}..{levels.max():g} are not those of 16 bits")
    return PIL.Image.fromarray((levels // 257).astype(np.uint8))


def decode(source: PictureSource, index: int, size: ImageSize, channels: int) -> Decoded:
    """Decode picture ``index`` of ``source``; a broken picture has the reason instead of pixels."""
    decoded = decode_picture(lambda: source.picture(index), size, channels)
    if isinstance(decoded, str):
        return Decoded(index, None, (decoded,))
    pixels, done = decoded
    return Decoded(index, pixels, done, hashlib.sha256(pixels.tobytes()).digest()[:16])


def decode_picture(
    opened: Callable[[], Image | NDArray[np.uint8]], size: ImageSize, channels: int
) -> tuple[NDArray[np.uint8], tuple[str, ...]] | str:
    """Return ``fitted`` of the picture that ``opened`` returns; for a broken picture, the reason as text."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings about metadata that is not used
            found = opened()
            if isinstance(found, np.ndarray):
                return fitted_levels(found, size, channels)
            with found as image:
                return fitted(image, size, channels)
    except MissingExtraError:
        raise
    except Exception as error:  # Pillow raises many kinds of exceptions for damaged files
        return escaped(" ".join(str(error).split()) or type(error).__name__)[:120]


def decode_all(
    source: PictureSource, size: ImageSize, channels: int, workers: int, listener: Listener = SILENT
) -> Iterator[Decoded]:
    """Yield every decoded picture, in any order; ``workers`` processes decode where there are many. OutcomeError when a
    process dies."""
    count = len(source.items)
    if workers and count >= _WORTH_WORKERS:
        pictures = _in_processes(source, size, channels, workers)
    else:
        pictures = (decode(source, i, size, channels) for i in range(count))
    for done, decoded in enumerate(pictures, start=1):
        if done % _AT_ONCE == 0 or done == count:
            listener.progress(done, count, name="images decoded")
        yield decoded


def _in_processes(source: PictureSource, size: ImageSize, channels: int, workers: int) -> Iterator[Decoded]:
    context = multiprocessing.get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    executor = ProcessPoolExecutor(workers, context, initializer=_start, initargs=(reader, source, size, channels))
    try:
        starts = range(0, len(source.items), _AT_ONCE)
        for future in as_completed([executor.submit(_decode_some, start) for start in starts]):
            yield from future.result()
    except BrokenProcessPool as error:
        raise OutcomeError(
            "a process that decodes images died (out of memory, or killed); try fewer workers"
        ) from error
    finally:
        writer.close()
        executor.shutdown(wait=True, cancel_futures=True)
        reader.close()


#: in a worker process, (source, size, channels); set once, by ``_start``
_task: list[tuple[PictureSource, ImageSize, int]] = []


def _start(alive: Connection, source: PictureSource, size: ImageSize, channels: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=exit_with_parent, args=(alive,), daemon=True).start()
    _task.append((source, size, channels))


def _decode_some(start: int) -> list[Decoded]:
    source, size, channels = _task[0]
    return [decode(source, i, size, channels) for i in range(start, min(start + _AT_ONCE, len(source.items)))]
