"""Reading of published tables that are keyed by position: layer by layer of a space, option by option.

Such tables hold no shapes: the block of an entry is the one that the space has at that position. The stem and the last
two layers (a 1x1 convolution and the head) are not among the layers of the table; time that belongs to no layer is
added to the stem.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from edgenas.base.errors import InputError
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.imported import PublishedValue
from edgenas.latency_tables.importers.reading import Places, PublishedEntry, PublishedTable, check_ms

Options = Sequence[tuple[str, float]]  #: (key of an option, ms); a key may be repeated
SKIP = "skip"
AFTER = 2  #: number of layers of a space behind those of a table


def by_position(layers: Sequence[Options], outside_ms: float, places: Places, *, relative: bool) -> PublishedTable:
    """Return one entry for each number whose option the space has, and entries for the fixed blocks: ``outside_ms`` for
    the stem, 0 ms for the others.

    relative   the numbers are differences. The cost of the skip of a layer (of its cheapest option where it has no
               skip) moves to the stem; the layer keeps the cost of each option above that. Sums over whole networks
               do not change, no cost is below 0, and a skip costs 0 ms
    """
    _check_space(layers, places)
    entries: list[PublishedEntry] = []
    unknown: Counter[str] = Counter()
    moved = [outside_ms]
    for number, options in enumerate(layers):
        known = {key: block for (layer, key), block in places.items() if layer == number + 1}
        if known.keys().isdisjoint(key for key, _ in options):
            raise InputError(
                f"layer {number} has the options {', '.join(dict(options))}, of which the space has none (it has "
                f"{', '.join(known)}); name the space the table was made for: --space"
            )
        base = _base(options) if relative else 0.0
        moved.append(base)
        for key, ms in options:
            place = f"layer {number}, {key}"
            if key not in known:
                unknown[key] += 1
            elif known[key].kind != "skip":
                entries.append(PublishedEntry(place, known[key], PublishedValue(check_ms(ms - base, place))))
            elif ms != base:
                raise InputError(f"{place}: it costs {ms:g} ms, but leaving a layer out costs nothing")
    stem, *fixed = _fixed(len(layers), places)
    outside = PublishedEntry(
        "what belongs to no layer", stem, PublishedValue(check_ms(math.fsum(moved), "what belongs to no layer"))
    )
    rest = [PublishedEntry("behind the last layer", block, PublishedValue(0.0)) for block in fixed]
    left_out = f"{unknown.total()} numbers of options that the space does not have: {', '.join(unknown)}"
    return PublishedTable((outside, *entries, *rest), (left_out,) if unknown else (), positional=True)


def _base(options: Options) -> float:
    """Return the cost that every option of a layer has in common, ms: the skip's, or that of the cheapest option where
    there is no skip. InputError where an option costs less than the skip."""
    by_key = dict(options)
    cheapest = min(by_key, key=lambda key: by_key[key])
    base = by_key.get(SKIP, by_key[cheapest])
    if by_key[cheapest] < base:
        raise InputError(f"option {cheapest} costs {base - by_key[cheapest]:g} ms less than leaving its layer out")
    return base


def _check_space(layers: Sequence[Options], places: Places) -> None:
    """Raise InputError unless the space has as many layers as the table, one stem and AFTER layers."""
    wanted = len(layers) + 1 + AFTER
    count = 1 + max((layer for layer, _ in places), default=-1)
    if count != wanted:
        raise InputError(
            f"the table has {len(layers)} layers, for a space of {wanted} (a stem before, {AFTER} layers behind), but "
            f"this one has {count}; name the space the table was made for: --space"
        )


def _fixed(count: int, places: Places) -> list[BlockSpec]:
    """Return the blocks of stem, last layer and head; InputError where one of them has several options."""
    found = []
    for number in (0, count + 1, count + 2):
        blocks = [block for (layer, _), block in places.items() if layer == number]
        if len(blocks) != 1:
            raise InputError(f"layer {number} of the space has {len(blocks)} options, but the table does not cover it")
        found += blocks
    return found
