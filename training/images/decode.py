"""One picture of any kind -> a square of bytes; many of them, in worker processes. Needs Pillow."""

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
from edgenas.base.process import exit_with_parent
from edgenas.blocks.labels import printable

if TYPE_CHECKING:
    from PIL.Image import Image

    from edgenas.training.images.source import PictureSource

_ORIENTATION = 0x0112  #: EXIF's tag; 1 is upright
HEIF = frozenset([".heic", ".heif", ".hif"])  #: suffixes that Pillow reads with pillow-heif only
_AT_ONCE = 64  #: pictures that a worker takes at a time
_WORTH_WORKERS = 512  #: fewer are decoded sooner than a process has started


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture: ``pixels`` (size, size, channels), what was ``done`` to it beside scaling, and a digest of pixels.

    One that is broken has no pixels, and ``done`` says why.
    """

    index: int
    pixels: NDArray[np.uint8] | None
    done: tuple[str, ...]
    digest: bytes = b""


def open_picture(file: Path | bytes) -> Image:
    """The picture in a file, not yet decoded, or in bytes. InputError for a dead link, and for a FIFO or a device,
    which is not opened."""
    try:
        import PIL.Image
    except ImportError as error:
        raise MissingExtraError("pillow", "images", "reading pictures") from error
    reads_heif()
    if isinstance(file, bytes):
        return PIL.Image.open(io.BytesIO(file))
    try:
        mode = file.stat().st_mode
    except FileNotFoundError as error:
        if file.is_symlink():
            raise InputError(f"dead link to {printable(file.readlink())}") from error
        raise
    if not stat.S_ISREG(mode):
        raise InputError("a FIFO, a socket, a folder or a device, not a file")
    return PIL.Image.open(file)


def check_decoders(files: Iterable[Path]) -> None:
    """MissingExtraError for files that no installed package decodes, before any of them is decoded."""
    heif = [file for file in files if file.suffix.lower() in HEIF]
    if heif and not reads_heif():
        raise MissingExtraError("pillow-heif", "heic", f"reading {printable(heif[0])} and {len(heif) - 1} more like it")


@cache
def reads_heif() -> bool:
    """Make Pillow read HEIC, also one that is called .jpg; False where pillow-heif is not installed."""
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True


def squared(image: Image, size: int, channels: int) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """(size, size, channels) and what was done: colours, transparency, turning, enlarging. Any exception means that
    the picture is broken."""
    import PIL.Image
    import PIL.ImageOps

    done = []
    if image.format == "JPEG":
        image.draft(None, (2 * size, 2 * size))  # decodes to 1/2, 1/4 or 1/8, while that is large enough
    image.load()
    if image.getexif().get(_ORIENTATION, 1) in range(2, 9):
        image = PIL.ImageOps.exif_transpose(image)
        done.append("turned as their EXIF says")
    if image.mode.startswith(("I", "F")):
        image = _of_many_levels(image)
        done.append("of more than 256 levels, reduced to 256")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = PIL.Image.alpha_composite(PIL.Image.new("RGBA", image.size, "white"), image)
        done.append("transparent, laid on white")
    elif channels == 3 and image.mode in ("1", "L", "CMYK", "YCbCr", "LAB", "HSV"):
        done.append({"1": "grey", "L": "grey", "CMYK": "CMYK"}.get(image.mode, "of other colours") + ", made RGB")
    elif channels == 1 and image.mode not in ("1", "L"):
        done.append("coloured, made grey")
    image = image.convert("RGB" if channels == 3 else "L")
    if min(image.size) < size:
        done.append(f"smaller than {size} pixels, enlarged")
    if image.size != (size, size):
        image = PIL.ImageOps.fit(image, (size, size), PIL.Image.Resampling.BICUBIC)
    return np.asarray(image, np.uint8).reshape(size, size, channels), tuple(done)


def _of_many_levels(image: Image) -> Image:
    """16 bits a pixel (or 32 that hold 16) -> 8."""
    import PIL.Image

    levels = np.asarray(image)
    if levels.dtype.kind not in "iu" or levels.min() < 0 or levels.max() > 0xFFFF:
        raise ValueError(f"levels {levels.min():g}..{levels.max():g} are not those of 16 bits")
    return PIL.Image.fromarray((levels // 257).astype(np.uint8))


def decode(source: PictureSource, index: int, size: int, channels: int) -> Decoded:
    """One picture, or why there is none."""
    found = decode_picture(lambda: source.picture(index), size, channels)
    if isinstance(found, str):
        return Decoded(index, None, (found,))
    pixels, done = found
    return Decoded(index, pixels, done, hashlib.sha256(pixels.tobytes()).digest()[:16])


def decode_picture(
    opened: Callable[[], Image], size: int, channels: int
) -> tuple[NDArray[np.uint8], tuple[str, ...]] | str:
    """What ``squared`` returns of the picture that is ``opened``; of one that is broken, why."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of metadata that is not used
            with opened() as image:
                return squared(image, size, channels)
    except MissingExtraError:
        raise
    except Exception as error:  # Pillow raises nearly everything on files that are damaged
        return printable(" ".join(str(error).split()) or type(error).__name__)[:120]


def decode_all(
    source: PictureSource, size: int, channels: int, workers: int, progress: Callable[[int, int], None] | None = None
) -> Iterator[Decoded]:
    """Every picture in any order; ``workers`` processes where there are many. OutcomeError when one dies."""
    count = len(source.items)
    if workers and count >= _WORTH_WORKERS:
        pictures = _in_processes(source, size, channels, workers)
    else:
        pictures = (decode(source, i, size, channels) for i in range(count))
    for done, decoded in enumerate(pictures, start=1):
        if progress is not None and (done % _AT_ONCE == 0 or done == count):
            progress(done, count)
        yield decoded


def _in_processes(source: PictureSource, size: int, channels: int, workers: int) -> Iterator[Decoded]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    executor = ProcessPoolExecutor(workers, context, initializer=_start, initargs=(ours, source, size, channels))
    try:
        starts = range(0, len(source.items), _AT_ONCE)
        for future in as_completed([executor.submit(_decode_some, start) for start in starts]):
            yield from future.result()
    except BrokenProcessPool as error:
        raise OutcomeError(
            "a process that decodes pictures died (out of memory, or killed); try fewer workers"
        ) from error
    finally:
        theirs.close()
        executor.shutdown(wait=True, cancel_futures=True)
        ours.close()


#: in a worker process, what it decodes; set once, by ``_start``
_task: list[tuple[PictureSource, int, int]] = []


def _start(alive: Connection, source: PictureSource, size: int, channels: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=exit_with_parent, args=(alive,), daemon=True).start()
    _task.append((source, size, channels))


def _decode_some(start: int) -> list[Decoded]:
    source, size, channels = _task[0]
    return [decode(source, i, size, channels) for i in range(start, min(start + _AT_ONCE, len(source.items)))]
