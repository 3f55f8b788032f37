"""Class numbers of pictures: the index of a class name among the names of the network's training.

A training uses the sorted names of the folders. A test uses the network's names, so that a class without pictures
does not shift the others; where the names are not known, there must be one folder for each class.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from edgenas.base.counted import counted
from edgenas.base.errors import InputError
from edgenas.training.images.source import few


def class_numbers(
    where: Path, found: Sequence[str], names: Sequence[str] | None, classes: int
) -> tuple[dict[str, int], tuple[str, ...]]:
    """Return (class name -> number, notes for the user) of the classes ``found`` in the folder ``where``.

    The network has ``classes`` classes with the names ``names``, None where they are not known. InputError for a class
    that the network does not have, and without names, for another number of folders.
    """
    if names is None:
        if len(found) != classes:
            raise InputError(
                f"{where} has {counted(len(found), 'class')} ({few(list(found))}), the network has {classes}, and its "
                f"names are not known; give them in the order of training, one line per class: --labels labels.txt"
            )
        order = sorted(found)
        note = (
            f"{where}: without --labels, classes are numbered in the order of their names, 0 {order[0]} to "
            f"{classes - 1} {order[-1]}"
        )
        return {name: i for i, name in enumerate(order)}, (note,)
    if len(names) != classes:
        raise InputError(f"{len(names)} class names ({few(list(names))}) for a network of {counted(classes, 'class')}")
    number = {name: i for i, name in enumerate(names)}
    times = Counter(names)
    repeated = [name for name in found if times[name] > 1]
    if repeated:
        raise InputError(f"{few(repeated)} of {where} is the name of more than one class; give each class its own name")
    unknown = [name for name in found if name not in number]
    if unknown:
        near = "".join(f" (near: {name})" for name in difflib.get_close_matches(unknown[0], names, 1))
        raise InputError(
            f"{where} has {few(unknown)}, which the network does not have{near}; its classes are "
            f"{few(list(names), 10)}; rename the folder, or move it away"
        )
    return {name: number[name] for name in found}, ()


def missing_note(where: Path, numbers: Collection[int], names: Sequence[str] | None, classes: int) -> tuple[str, ...]:
    """Return a note that names the classes without a picture among the labels ``numbers``; empty where all have one."""
    present = set(numbers)
    missing = [names[i] if names else str(i) for i in range(classes) if i not in present]
    if not missing:
        return ()
    return (f"{where} has no image of {len(missing)} of {classes} classes: {few(missing)}; accuracy is of the others",)


def check_labels(where: Path, labels: Collection[int], classes: int | None) -> None:
    """Raise InputError unless ``labels`` are class numbers: within 0 .. classes - 1, or where the number of classes is
    not known, all of 0 .. k - 1. No memory is allocated in proportion to a label's value."""
    distinct = set(labels)
    if not distinct:
        return
    low, high, count = min(distinct), max(distinct), classes or len(distinct)
    if low >= 0 and high < count:
        return
    if (low, high) == (1, count):
        raise InputError(f"{where}: labels are 1 to {high}, and class numbers begin at 0; store labels - 1")
    if classes is not None:
        raise InputError(
            f"{where}: labels reach from {low} to {high}, and there are {counted(count, 'class')}, 0 .. {count - 1}"
        )
    raise InputError(
        f"{where}: labels are {count} different numbers from {low} to {high}, and class numbers are all of 0 .. "
        f"{count - 1}; ids become numbers by: classes, labels = numpy.unique(labels, return_inverse=True); store both"
    )
