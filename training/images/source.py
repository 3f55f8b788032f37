"""The interface of sources of labelled pictures (folders, arrays, Hugging Face datasets), and the check of their
classes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from edgenas.base.counted import counted
from edgenas.base.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

COLOURS = (1, 3)  #: channels that a picture in a file can be converted to: grey and RGB
Part = Literal["", "train", "val", "test"]  #: '' where the source has no parts
PARTS: dict[str, Part] = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val",
                          "test": "test"}  # fmt: skip


class PictureSource(Protocol):
    """A source of labelled pictures, listed and not yet decoded; it must be picklable, for worker processes."""

    @property
    def name(self) -> str: ...

    @property
    def class_names(self) -> tuple[str, ...]: ...

    @property
    def items(self) -> tuple[tuple[Part, int], ...]:
        """Part and class number of every picture."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on files and folders that are not in the list."""
        ...

    @property
    def private(self) -> bool:
        """Return True where some file or folder cannot be read by every user of the machine."""
        ...

    @property
    def stamp(self) -> str:
        """Digest that changes when any picture changes."""
        ...

    @property
    def channels(self) -> tuple[int, ...]:
        """Numbers of channels that its pictures can be converted to."""
        ...

    def picture(self, index: int) -> Image | NDArray[np.uint8]:
        """Return picture ``index``, possibly not yet decoded, or its levels (height, width, channels); any exception
        means that the picture is broken, and its text is the reason."""
        ...

    def called(self, index: int) -> str:
        """Name of picture ``index`` in messages, such as its path in the folder."""
        ...


def check_classes(path: Path, names: tuple[str, ...], items: tuple[tuple[Part, int], ...]) -> None:
    """Raise InputError unless there are at least two classes with distinct names, each with a picture to train on."""
    if len(names) < 2:
        held = f"only the class {names[0]}" if names else "no classes"
        raise InputError(f"{path} has {held}; a network needs two or more")
    repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1] if len(set(names)) < len(names) else []
    if repeated:
        raise InputError(f"{path} names {few(repeated)} more than once; give each class a different name")
    parts = {part for part, _ in items}
    if "train" not in parts and "" not in parts:
        raise InputError(f"{path} has images for {' and '.join(sorted(parts))} only; put those to train on into train")
    trained = {label for part, label in items if part in ("", "train")}
    missing = [name for label, name in enumerate(names) if label not in trained]
    if missing:
        raise InputError(
            f"{path}: {few(missing)} cannot be learned, for there is no image to train on; "
            f"put images into train, or take the class out of the other parts"
        )


def check_channels(source: PictureSource, channels: int) -> None:
    """Raise InputError unless the pictures can be converted to that number of ``channels``."""
    if channels in source.channels:
        return
    if source.channels == COLOURS:
        raise InputError(
            f"{source.name}: images become grey or RGB, 1 or 3 channels, and the network takes {channels}; give "
            f"--channels 1 or 3, or the images as an .npz of arrays of {counted(channels, 'channel')}"
        )
    known = " or ".join(map(str, source.channels))
    raise InputError(
        f"{source.name}: the arrays have {source.channels[-1]} channels, and the network takes {channels}; give "
        f"--channels {known}"
    )


def few(names: list[str], most: int = 5) -> str:
    """Return the first ``most`` names and the number of the others as text, such as 'cat, dog and 3 more'."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
