"""Size of an image or a feature map: a whole number for a square, a ``Rectangle`` for every other shape.

Sizes are written as cameras and PIL write them, WIDTHxHEIGHT; arrays have the height first, as NumPy and torch do::

    >>> size = parse_size('320x240')
    >>> size, str(size), axes(size), pixels(size), strided(size, 2)
    (Rectangle(width=320, height=240), '320x240', (240, 320), 76800, Rectangle(width=160, height=120))
    >>> parse_size('224x224')
    224
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import total_ordering
from typing import Annotated, Any

from edgenas.base.errors import InputError
from edgenas.base.forms import Parsed

MOST = 99_999  #: most pixels of one side

_TEXT = re.compile(r"([1-9][0-9]{0,4})(?:x([1-9][0-9]{0,4}))?")


@total_ordering
@dataclass(frozen=True, slots=True)
class Rectangle:
    """Width and height in pixels of an image that is not square; ``image_size`` makes sizes of both kinds.

    Sizes are ordered by their number of pixels, then by their width. InputError for a square, which is one number, and
    for a side outside 1..99999.
    """

    width: int
    height: int

    def __post_init__(self) -> None:
        for side in (self.width, self.height):
            if type(side) is not int or not 1 <= side <= MOST:
                raise InputError(f"size {self.width!r}x{self.height!r}: a side is a whole number within 1..{MOST}")
        if self.width == self.height:
            raise InputError(f"size {self}: a square is one number: {self.width}")

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, int | Rectangle):
            return NotImplemented
        return (pixels(self), self.width) < (pixels(other), width(other))


ImageSize = int | Rectangle
SizeLike = ImageSize | str  #: what ``as_size`` takes: also a text, '224' or 'WIDTHxHEIGHT'
SizesLike = SizeLike | Sequence[ImageSize | str]  #: what ``as_sizes`` takes: also several sizes to choose from


def image_size(width: int, height: int) -> ImageSize:
    """Return the size of ``width`` x ``height`` pixels: one number where they are equal."""
    return width if width == height else Rectangle(width, height)


def width(size: ImageSize) -> int:
    """Return the width in pixels."""
    return size.width if isinstance(size, Rectangle) else size


def height(size: ImageSize) -> int:
    """Return the height in pixels."""
    return size.height if isinstance(size, Rectangle) else size


def axes(size: ImageSize) -> tuple[int, int]:
    """Return (height, width), in the order of an array's axes."""
    return (size.height, size.width) if isinstance(size, Rectangle) else (size, size)


def of_axes(shape: tuple[int, ...]) -> ImageSize:
    """Return the size of an array whose first two axes are height and width: the inverse of ``axes``."""
    return image_size(int(shape[1]), int(shape[0]))


def pixels(size: ImageSize) -> int:
    """Return the number of pixels."""
    return size.width * size.height if isinstance(size, Rectangle) else size * size


def strided(size: ImageSize, stride: int) -> ImageSize:
    """Return the size of the output of an operation with ``stride`` and a padding of kernel // 2: each side divided by
    the stride and rounded up."""
    if isinstance(size, Rectangle):
        return image_size(-(-size.width // stride), -(-size.height // stride))
    return -(-size // stride)


def both_sides(size: ImageSize) -> str:
    """Return 'WIDTHxHEIGHT', also for a square."""
    return f"{width(size)}x{height(size)}"


def parse_size(text: str) -> ImageSize:
    """Return the size of a text: '224' or 'WIDTHxHEIGHT'; InputError for any other text."""
    found = _TEXT.fullmatch(text)
    if found is None:
        raise InputError(
            f"size {text[:40]!r} is neither a number of pixels, such as 224, nor WIDTHxHEIGHT, such as 320x240"
        )
    return image_size(int(found[1]), int(found[2] or found[1]))


def as_size(value: SizeLike | Any) -> ImageSize:
    """Return the size of a number, of a text as ``parse_size`` reads it, or of a ``Rectangle``; InputError for any
    other value, and for a number outside 1..99999."""
    if isinstance(value, Rectangle):
        return value
    if isinstance(value, str):
        return parse_size(value)
    if type(value) is not int or not 1 <= value <= MOST:
        raise InputError(
            f"size {value!r:.40} is neither a whole number within 1..{MOST} nor a text such as '320x240' (width x"
            " height)"
        )
    return value


def as_sizes(value: SizesLike | Any) -> ImageSize | tuple[ImageSize, ...]:
    """Return one size as ``as_size`` does, or a tuple of several: of a sequence, or of a text with commas such as
    '128,160,192'."""
    if isinstance(value, str) and "," in value:
        value = value.split(",")
    if isinstance(value, list | tuple):
        return tuple(as_size(each) for each in value)
    return as_size(value)


def size_text(size: ImageSize | tuple[ImageSize, ...]) -> str:
    """Return the text of a size, or of several with commas between them: the inverse of ``as_sizes``."""
    return ",".join(map(str, size)) if isinstance(size, tuple) else str(size)


def size_json(size: ImageSize) -> int | str:
    """Return the size as a value of JSON: a number for a square, else the text 'WIDTHxHEIGHT'."""
    return str(size) if isinstance(size, Rectangle) else size


def _size_or_none(value: Any) -> ImageSize | None:
    return None if value is None else as_size(value)


#: type of a field of a record that holds a size in its JSON form, or none
OptionalSize = Annotated[ImageSize | None, Parsed(_size_or_none)]
