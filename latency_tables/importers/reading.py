"""What a reader of a published table gives back, and how it becomes one number a block.

A published table may hold the same block at several places with slightly different numbers, since it was keyed by place
there. Here a block has one: their mean, as long as they agree.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from edgenas.base.errors import InputError
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.store.jsonl import parse_line
from edgenas.latency_tables.value import PublishedValue

#: (layer of a space from 0, key of an option there) -> the block it is
Places = Mapping[tuple[int, str], BlockSpec]

MOST_APART = 0.10  #: numbers of one block at several places, largest less smallest over their mean


@dataclass(frozen=True, slots=True)
class PublishedEntry:
    """One number of the file. ``place`` is where it stood, for messages."""

    place: str
    block: BlockSpec
    value: PublishedValue


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """Everything a file says.

    left_out   what it holds that no block can express, or that the space does not have, each with a count
    notes      what a user of the numbers must know
    """

    entries: tuple[PublishedEntry, ...]
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Disagreement:
    """The block whose numbers differ most: by which share of their mean, and where they stood."""

    share: float
    block: str
    places: tuple[str, str]


def merged(entries: Iterable[PublishedEntry]) -> tuple[dict[BlockSpec, PublishedValue], Disagreement | None]:
    """One value a block, in order of first appearance, and the largest deviation among those averaged (None: every
    block stood once). InputError names both places where it exceeds ``MOST_APART``."""
    found: dict[BlockSpec, list[PublishedEntry]] = {}
    for entry in entries:
        found.setdefault(entry.block, []).append(entry)
    if not found:
        raise InputError("it holds no block that is known here")
    worst: Disagreement | None = None
    values = {}
    for block, group in found.items():
        values[block] = group[0].value if len(group) == 1 else _mean(group)
        if len(group) > 1:
            apart = _apart(block, group)
            worst = apart if worst is None or apart.share > worst.share else worst
    if worst is not None and worst.share > MOST_APART:
        first, second = worst.places
        raise InputError(
            f"{worst.block} is {100 * worst.share:.3g} % apart between {first} and {second}: a block has one latency "
            f"wherever it stands, so that at most {100 * MOST_APART:g} % is averaged; is this the right --space?"
        )
    return values, worst


def check_ms(value: float, place: str) -> float:
    """``value``; InputError unless it is a finite number of milliseconds, 0 or more."""
    if not (math.isfinite(value) and 0 <= value < 1e7):
        raise InputError(f"{place}: {value:g} ms is not a latency of 0 or more")
    return value


def json_object(text: str) -> dict[str, Any]:
    """A JSON object without repeated keys, NaN or Infinity; InputError says what it is instead."""
    try:
        return parse_line(text)
    except ValueError as error:
        raise InputError(f"not a JSON object: {error}") from error


def _mean(group: list[PublishedEntry]) -> PublishedValue:
    return PublishedValue(math.fsum(e.value.mean_ms for e in group) / len(group))


def _apart(block: BlockSpec, group: list[PublishedEntry]) -> Disagreement:
    low, high = (pick(group, key=lambda e: e.value.mean_ms) for pick in (min, max))
    mean = _mean(group).mean_ms
    share = (high.value.mean_ms - low.value.mean_ms) / mean if mean else 0.0
    return Disagreement(share, str(block), (low.place, high.place))
