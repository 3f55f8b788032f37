"""Spaces and networks by name: the text that names a space, a published network, or a network file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.errors import InputError
from edgenas.base.naming import nearest
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.pretrained.published import PUBLISHED
from edgenas.blocks.reference import REFERENCE, reference
from edgenas.blocks.size import ImageSize, SizesLike, as_sizes, size_text

if TYPE_CHECKING:
    from edgenas.search.space import Space

NETWORK_HELP = (
    "NETWORK is a JSON file (a network, or a search: the network that shipped, else its winner), a published network "
    f"({', '.join(REFERENCE)}), one whose weights others published "
    "(timm/tf_mobilenetv3_small_100; docs/pretrained.md lists them), or SPACE/KEY such as "
    "nas_bench_macro/2.2.2.1.2.2.1.0. "
    "SPACE may be one of your own: my_space.py:tiny, or package.module:tiny."
)


def load_network(
    text: str, in_size: SizesLike | None = None, classes: int | None = None, channels: int | None = None
) -> Architecture:
    """Return the network that ``text`` names; InputError names the nearest known name."""
    if not text.endswith(".py") and (text.endswith(".json") or Path(text).is_file()):
        if (in_size, classes, channels) != (None, None, None):
            raise InputError(
                "--in-size, --classes and --channels do not apply to a network read from a file: it has its own"
            )
        from edgenas.runs.search import read_network

        return read_network(Path(text))
    if text.endswith(".py"):
        load_space(text, in_size, classes, channels)  # raises an InputError that lists the spaces in the file
    if text in PUBLISHED:
        return PUBLISHED[text].network(_one_size(text, in_size), classes or 1000, 3 if channels is None else channels)
    place, colon, rest = text.rpartition(":")  # FILE.py:NAME/KEY, where the path of FILE may contain ':' and '/'
    name, slash, key = rest.partition("/")
    if slash:
        chosen = load_space(place + colon + name, in_size, classes, channels)
        return chosen.architecture(chosen.parse(key))
    if text in REFERENCE:
        return reference(text, _one_size(text, in_size), classes or 1000, 3 if channels is None else channels)
    from edgenas.search.spaces import known_spaces

    close = nearest(text, [*known_spaces(), *REFERENCE])
    raise InputError(f"{text!r} names no network{f'; did you mean {close!r}?' if close else '.'} {NETWORK_HELP}")


def _one_size(text: str, in_size: SizesLike | None) -> ImageSize | None:
    """Return the size for the published network ``text``; InputError for several sizes."""
    size = None if in_size is None else as_sizes(in_size)
    if isinstance(size, tuple):
        raise InputError(
            f"{text} is one network and has one size, not {size_text(size)}; give one, or a space: edgenas spaces"
        )
    return size


def load_space(
    name: str, in_size: SizesLike | None = None, classes: int | None = None, channels: int | None = None
) -> Space:
    """Return a space by name, or a space of your own: FILE.py:NAME, PACKAGE.MODULE:NAME; InputError lists names."""
    from edgenas.search.spaces import space

    return space(name, None if in_size is None else as_sizes(in_size), classes, channels)


def size_options(in_size: SizesLike | None, classes: int | None, channels: int | None) -> str:
    """Return the options of a command line that give these sizes to a space, '' for none."""
    size = None if in_size is None else size_text(as_sizes(in_size))
    given = {"in-size": size, "classes": classes, "channels": channels}
    return "".join(f" --{option} {value}" for option, value in given.items() if value is not None)


def space_text(space: Space) -> str:
    """Return the text that names a space on the command line."""
    return space.code.text if space.code else space.name
