"""Split of pictures into training, validation (judges candidates) and test (judges the winner); no picture is in two
parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgenas.base.errors import InputError
from edgenas.training.images.source import Part, PictureSource

HELD_OUT = 0.1  #: share of every class for validation, and for test, where the source has no such part

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PictureSplit:
    """Rows of the source for each part; ``twins`` is the number of duplicate pictures that were left out, ``unjudged``
    the classes without a picture in validation and test."""

    train: Rows
    validation: Rows
    test: Rows
    twins: int
    unjudged: list[str]

    def rows(self) -> dict[str, Rows]:
        return {"train": self.train, "validation": self.validation, "test": self.test}


def split(source: PictureSource, digests: Sequence[bytes | None], seed: int) -> PictureSplit:
    """Split the pictures of ``source`` into three parts: its own parts, and missing ones drawn by ``seed`` per class.

    Without parts, all three are drawn from all pictures; a missing test part is half of val, a missing validation part
    a tenth of train. Pictures without a digest are broken. InputError where a class or a part is empty.
    """
    present: set[Part] = {part for part, _ in source.items}
    kept, twins = _without_twins(source, digests, present)
    by_part: dict[Part, list[int]] = {part: [i for i in kept if source.items[i][0] == part] for part in present}
    rng = np.random.default_rng(seed)

    def take(rows: list[int], *shares: float) -> list[list[int]]:
        return _by_class(source, rows, shares, rng)

    whole = by_part.get("", by_part.get("train", []))
    if "val" in present and "test" in present:
        train, validation, test = whole, by_part["val"], by_part["test"]
    elif "val" in present:
        test, validation = take(by_part["val"], 0.5)
        train = whole
    elif "test" in present:
        validation, train = take(whole, HELD_OUT)
        test = by_part["test"]
    else:
        validation, test, train = take(whole, HELD_OUT, HELD_OUT)
    labels = [label for _, label in source.items]
    lost = sorted(set(labels) - {labels[i] for i in train})
    if lost:
        raise InputError(f"{source.name}: no image of {source.class_names[lost[0]]} is left to train on; add some")
    for name, rows in (("judge candidates", validation), ("judge the winner", test)):
        if not rows:
            raise InputError(f"{source.name}: no image is left to {name}; add some")
    judged = {labels[i] for i in (*validation, *test)}
    unjudged = [name for label, name in enumerate(source.class_names) if label not in judged]
    ordered = [np.array(sorted(rows), np.int64) for rows in (train, validation, test)]
    return PictureSplit(ordered[0], ordered[1], ordered[2], twins, unjudged)


def _without_twins(source: PictureSource, digests: Sequence[bytes | None], present: set[Part]) -> tuple[list[int], int]:
    """Return (rows of pictures that are neither broken nor duplicates, number of duplicates).

    A duplicate has the same pixels as a picture of another part, where the order test, val, train decides which one
    stays; or of the same part, where that part will be split.
    """
    will_be_split: set[Part] = set()
    if not {"val", "test"} <= present:
        will_be_split = {"val"} if "val" in present else {"", "train"}
    seen: dict[bytes, Part] = {}
    kept, twins = [], 0
    order: tuple[Part, ...] = ("test", "val", "train", "")
    for part in order:
        for i, (where, _) in enumerate(source.items):
            digest = digests[i]
            if where != part or digest is None:
                continue
            if digest in seen and (seen[digest] != where or where in will_be_split):
                twins += 1
            else:
                seen[digest] = where
                kept.append(i)
    return kept, twins


def _by_class(
    source: PictureSource, rows: list[int], shares: Sequence[float], rng: np.random.Generator
) -> list[list[int]]:
    """Return the rows of each share and, last, the rest. Of each class at least one row is in the rest; each share gets
    at least one row, while there are others."""
    groups: dict[int, list[int]] = {}
    for row in sorted(rows):
        groups.setdefault(source.items[row][1], []).append(row)
    taken: list[list[int]] = [[] for _ in (*shares, 0)]
    for label in sorted(groups):
        order = rng.permutation(groups[label]).tolist()
        for part, share in zip(taken, shares, strict=False):
            count = min(max(1, round(share * len(groups[label]))), len(order) - 1)
            part += order[:count]
            order = order[count:]
        taken[-1] += order
    return taken
