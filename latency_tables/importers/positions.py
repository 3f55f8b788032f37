"""Tables that are keyed by position: layer after layer of a space, option after option.

They say nothing of shapes, so a block is found where the space has it. The stem and the last two layers (a 1x1
convolution and the head) are not among their layers; what belongs to no layer is put on the stem.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from edgenas.base.errors import InputError
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.importers.reading import Places, PublishedEntry, PublishedTable, check_ms
from edgenas.latency_tables.value import PublishedValue

Options = Sequence[tuple[str, float]]  #: (key of an option, ms); a key may come again
SKIP = "skip"
AFTER = 2  #: layers of a space behind those of a table


def by_position(layers: Sequence[Options], outside_ms: float, places: Places, *, relative: bool) -> PublishedTable:
    """One entry for each number whose option the space has, and the fixed blocks: ``outside_ms`` on the stem, 0 on the
    others.

    relative   the numbers are differences. What leaving a layer out costs, or its cheapest option where it cannot be
               left out, moves to the stem, and the layer keeps what an option costs above that: sums over whole
               networks stay what they were, no cost is below 0 and a skip costs nothing
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
    return PublishedTable((outside, *entries, *rest), (left_out,) if unknown else ())


def _base(options: Options) -> float:
    """What is paid in this layer whatever is chosen."""
    by_key = dict(options)
    cheapest = min(by_key, key=lambda key: by_key[key])
    base = by_key.get(SKIP, by_key[cheapest])
    if by_key[cheapest] < base:
        raise InputError(f"option {cheapest} costs {base - by_key[cheapest]:g} ms less than leaving its layer out")
    return base


def _check_space(layers: Sequence[Options], places: Places) -> None:
    wanted = len(layers) + 1 + AFTER
    count = 1 + max((layer for layer, _ in places), default=-1)
    if count != wanted:
        raise InputError(
            f"the table has {len(layers)} layers, for a space of {wanted} (a stem before, {AFTER} layers behind), but "
            f"this one has {count}; name the space the table was made for: --space"
        )


def _fixed(count: int, places: Places) -> list[BlockSpec]:
    """Stem, last layer and head; InputError where there is a choice."""
    found = []
    for number in (0, count + 1, count + 2):
        blocks = [block for (layer, _), block in places.items() if layer == number]
        if len(blocks) != 1:
            raise InputError(f"layer {number} of the space has {len(blocks)} options, but the table says nothing of it")
        found += blocks
    return found
