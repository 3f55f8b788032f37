"""The networks a report speaks of: every judged one as blocks, so that it can be drawn and priced on any device."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from edgenas.base.errors import EdgenasError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.spec import BlockSpec
from edgenas.runs.search import SavedSearch

MOST_BLOCKS = 1200  #: that the page can draw: a row each travels with it


@dataclass
class Catalogue:
    """Networks and blocks by number: what the page's data refers to."""

    blocks: list[BlockSpec] = field(default_factory=list)
    networks: list[Architecture] = field(default_factory=list)
    _block: dict[BlockSpec, int] = field(default_factory=dict)
    _network: dict[str, int] = field(default_factory=dict)

    def add(self, key: str, network: Architecture) -> int | None:
        """The number of the network that is called ``key``; None where the page has blocks enough without its own."""
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
    """Key -> network, of ``keys`` and of a search's answers. Where this edgenas does not know the space, only the
    networks that the file spells out."""
    found: dict[str, Architecture] = {}
    for run in (search.answer, search.winner, *search.runs):
        found[run.key] = run.network
    from edgenas.search.spaces import recorded_space

    try:
        where = f"the search of {search.space.name}"
        known = recorded_space(search.space.name, search.space.in_size, search.space.classes, search.code.space, where)
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
