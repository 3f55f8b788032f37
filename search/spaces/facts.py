"""Facts of the spaces of edgenas: numbers of networks, blocks, MACs and parameters, at several sizes of images.

They take seconds to compute, so ``facts.json`` holds them; ``python -m tools.space_facts`` writes it, and a test
computes them again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from edgenas.blocks.architecture import Architecture
from edgenas.blocks.counts import bytes_moved, weight_bytes
from edgenas.blocks.size import ImageSize, width
from edgenas.search.extremes import largest, smallest
from edgenas.search.space import Space

FILE = Path(__file__).parent / "facts.json"
SIZES = (96, 128, 160, 192, 224)  #: sizes of images in the file, beside the space's own, pixels


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """Counts of one network: blocks without skips, multiply-accumulates, values that its operations read and write, and
    parameters."""

    blocks: int
    macs: int
    values: int
    params: int

    @staticmethod
    def of(network: Architecture) -> NetworkFacts:
        """Return the counts of ``network``."""
        blocks = [block for block in network.blocks if block.kind != "skip"]
        values = sum(bytes_moved(block, 1) - weight_bytes(block, 1) for block in blocks)
        return NetworkFacts(len(blocks), network.macs, values, network.params)


@dataclass(frozen=True, slots=True)
class SpaceFacts:
    """Facts of one space.

    sizes    size of the images -> the networks with the fewest and the most MACs
    params   parameters of the networks with the fewest and the most of them, at the space's own size
    weights  published weights, 'LAYOUT/MODEL', of members
    """

    in_size: ImageSize
    channels: int
    layers: int
    networks: int
    distinct_blocks: int
    source: str
    params: tuple[int, int]
    weights: tuple[str, ...]
    sizes: dict[int, tuple[NetworkFacts, NetworkFacts]]

    def macs(self) -> tuple[int, int]:
        """Return the fewest and the most MACs of a network at the space's own size."""
        least, most = self.sizes[width(self.in_size)]
        return least.macs, most.macs

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values: an entry of the file."""
        sizes = {str(size): [asdict(each) for each in pair] for size, pair in self.sizes.items()}
        return {**asdict(self), "params": list(self.params), "weights": list(self.weights), "sizes": sizes}


def facts_of(space: Space, at: Iterable[Space] = ()) -> SpaceFacts:
    """Compute the facts of ``space``, with its networks at its own size and those of ``at``: the same space at other
    sizes."""
    from edgenas.search.spaces.published_members import published_members

    sizes = {width(each.in_size): _ends(each) for each in sorted((space, *at), key=lambda each: width(each.in_size))}
    params = [space.architecture(end(space, lambda block: block.params)).params for end in (smallest, largest)]
    return SpaceFacts(
        space.in_size,
        space.c_in,
        len(space.layers),
        space.networks,
        len(space.blocks()),
        space.source,
        (params[0], params[1]),
        tuple(published_members(space)),
        sizes,
    )


def sizes_beside(own: ImageSize) -> tuple[int, ...]:
    """Return the sizes beside a space's own that the file has: those of ImageNet's spaces, up to the own."""
    return tuple(size for size in SIZES if size < width(own)) if width(own) >= SIZES[-1] else ()


@cache
def known_facts() -> dict[str, SpaceFacts]:
    """Return space -> facts, from the file."""
    return {name: _parsed(entry) for name, entry in json.loads(FILE.read_text(encoding="utf-8")).items()}


def _parsed(entry: dict[str, Any]) -> SpaceFacts:
    sizes = {int(size): (NetworkFacts(**least), NetworkFacts(**most)) for size, (least, most) in entry["sizes"].items()}
    low, high = entry["params"]
    return SpaceFacts(**{**entry, "params": (low, high), "weights": tuple(entry["weights"]), "sizes": sizes})


def _ends(space: Space) -> tuple[NetworkFacts, NetworkFacts]:
    least, most = (space.architecture(end(space, lambda block: block.macs)) for end in (smallest, largest))
    return NetworkFacts.of(least), NetworkFacts.of(most)
