"""Result of reading a published table, and its reduction to one number per block.

A table that is keyed by place may hold the same block at several places, with slightly different numbers. An imported
table holds one number per block: their mean, provided that they agree.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from edgenas.base.errors import InputError
from edgenas.base.json_text import parse_line
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.imported import PublishedValue

#: (number of a layer of the space, from 0; key of an option of that layer) -> block
Places = Mapping[tuple[int, str], BlockSpec]

MOST_APART = 0.10  #: largest accepted (maximum - minimum) / mean of the numbers of one block at several places


@dataclass(frozen=True, slots=True)
class PublishedEntry:
    """One number of a published file. ``place`` is its position in the file, for messages."""

    place: str
    block: BlockSpec
    value: PublishedValue


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """Contents of a published file.

    left_out    entries that no block can express or that the space does not have, one text per reason, with a count
    notes       warnings for users of the numbers
    positional  whether the file holds positions of layers alone, and a space gave the blocks
    """

    entries: tuple[PublishedEntry, ...]
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    positional: bool = False


@dataclass(frozen=True, slots=True)
class Disagreement:
    """The block whose numbers differ most: their range as a share of their mean, and the places of both extremes."""

    share: float
    block: str
    places: tuple[str, str]


def merged(entries: Iterable[PublishedEntry]) -> tuple[dict[BlockSpec, PublishedValue], Disagreement | None]:
    """Return one value per block, in order of first appearance, and the largest disagreement among the averaged numbers
    (None where every block has one number). InputError names both places where it exceeds ``MOST_APART``."""
    found: dict[BlockSpec, list[PublishedEntry]] = {}
    for entry in entries:
        found.setdefault(entry.block, []).append(entry)
    if not found:
        raise InputError("it holds no block of a kind that edgenas knows")
    worst: Disagreement | None = None
    values = {}
    for block, group in found.items():
        values[block] = group[0].value if len(group) == 1 else _mean(group)
        if len(group) > 1:
            disagreement = _disagreement(block, group)
            worst = disagreement if worst is None or disagreement.share > worst.share else worst
    if worst is not None and worst.share > MOST_APART:
        first, second = worst.places
        raise InputError(
            f"{worst.block} is {100 * worst.share:.3g} % apart between {first} and {second}: a block has one latency "
            f"wherever it stands, so that at most {100 * MOST_APART:g} % is averaged; is this the right --space?"
        )
    return values, worst


def check_ms(value: float, place: str) -> float:
    """Return ``value``; InputError unless it is a finite number of milliseconds, 0 or more."""
    if not (math.isfinite(value) and 0 <= value < 1e7):
        raise InputError(f"{place}: {value:g} ms is not a latency of 0 or more")
    return value


def json_object(text: str) -> dict[str, Any]:
    """Parse a JSON object without repeated keys, NaN or Infinity; InputError names what is wrong."""
    try:
        return parse_line(text)
    except ValueError as error:
        raise InputError(f"not a JSON object: {error}") from error


def _mean(group: list[PublishedEntry]) -> PublishedValue:
    """Return the mean of a block's numbers, without sd and count."""
    return PublishedValue(math.fsum(e.value.mean_ms for e in group) / len(group))


def _disagreement(block: BlockSpec, group: list[PublishedEntry]) -> Disagreement:
    """Return how far the numbers of one block differ."""
    low, high = (pick(group, key=lambda e: e.value.mean_ms) for pick in (min, max))
    mean = _mean(group).mean_ms
    share = (high.value.mean_ms - low.value.mean_ms) / mean if mean else 0.0
    return Disagreement(share, str(block), (low.place, high.place))
