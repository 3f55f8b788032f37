"""The networks of a report as blocks, so that each can be drawn, and its latency predicted, on any device."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from edgenas.base.errors import EdgenasError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.spec import BlockSpec
from edgenas.runs.search import SavedSearch

MOST_BLOCKS = 1200  #: different blocks on the page at most: the page holds a row for each


@dataclass
class Catalogue:
    """Numbered networks and blocks, to which the data of the page refers."""

    blocks: list[BlockSpec] = field(default_factory=list)
    networks: list[Architecture] = field(default_factory=list)
    _block: dict[BlockSpec, int] = field(default_factory=dict)
    _network: dict[str, int] = field(default_factory=dict)

    def add(self, key: str, network: Architecture) -> int | None:
        """Add the network ``key`` and return its number; None if its blocks would be more than MOST_BLOCKS."""
        if key not in self._network:
            if len(self._block.keys() | set(network.blocks)) > MOST_BLOCKS and self.networks:
                return None
            self._network[key] = len(self.networks)
            self.networks.append(network)
            for block in network.blocks:
                if block not in self._block:
                    self._block[block] = len(self.blocks)
                    self.blocks.append(block)
        return self._network[key]

    def number(self, block: BlockSpec) -> int:
        return self._block[block]

    def find(self, key: str) -> int | None:
        return self._network.get(key)


def members(search: SavedSearch, keys: Iterable[str]) -> dict[str, Architecture]:
    """Return key -> network for ``keys`` and the answers of a search. If this edgenas does not know the space, only the
    networks whose blocks the file lists."""
    found: dict[str, Architecture] = {}
    for run in (search.answer, search.winner, *search.runs):
        found[run.key] = run.network
    from edgenas.search.spaces.recorded import recorded_space

    try:
        known = recorded_space(search.space, search.code.space, f"the search of {search.space.name}")
    except EdgenasError:
        return found
    for key in dict.fromkeys(keys):
        if key in found:
            continue
        try:
            found[key] = known.architecture(known.parse(key))
        except EdgenasError:
            continue
    return found
