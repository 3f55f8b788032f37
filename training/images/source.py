"""Labelled pictures: the interface that folders, arrays and Hugging Face datasets share, and what each must hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from edgenas.base.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

Part = Literal["", "train", "val", "test"]  #: '' where the source has no parts
PARTS: dict[str, Part] = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val",
                          "test": "test"}  # fmt: skip


class PictureSource(Protocol):
    """Labelled pictures, listed and not yet decoded. It travels to worker processes."""

    @property
    def name(self) -> str: ...

    @property
    def class_names(self) -> tuple[str, ...]: ...

    @property
    def items(self) -> tuple[tuple[Part, int], ...]:
        """Part and class of every picture."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out of the list."""
        ...

    @property
    def private(self) -> bool:
        """True where any of it cannot be read by every user of the machine."""
        ...

    @property
    def stamp(self) -> str:
        """Changes when any picture does."""
        ...

    def picture(self, index: int) -> Image:
        """One picture, perhaps not yet decoded; any exception says that it is broken, and how."""
        ...

    def called(self, index: int) -> str:
        """What a person calls it."""
        ...


def check_classes(path: Path, names: tuple[str, ...], items: tuple[tuple[Part, int], ...]) -> None:
    """InputError unless there are two classes, each with a picture to train on, and parts that can be used."""
    if len(names) < 2:
        raise InputError(f"{path} has {len(names)} classes: {', '.join(names) or 'none'}; two or more are told apart")
    double = [name for name in dict.fromkeys(names) if names.count(name) > 1] if len(set(names)) < len(names) else []
    if double:
        raise InputError(f"{path} names {few(double)} more than once; give each class a name of its own")
    parts = {part for part, _ in items}
    if "train" not in parts and "" not in parts:
        raise InputError(
            f"{path} has pictures for {' and '.join(sorted(parts))} only; put those to train on into train"
        )
    seen = {label for part, label in items if part in ("", "train")}
    alone = [name for label, name in enumerate(names) if label not in seen]
    if alone:
        raise InputError(
            f"{path}: {few(alone)} cannot be learned, for there is nothing to train on; "
            f"put pictures into train, or take the class out of the other parts"
        )


def few(names: list[str], most: int = 5) -> str:
    """'cat, dog and 3 more'."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
