"""Digests of networks: equal chains of blocks have equal digests, whatever their keys."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from edgenas.blocks.architecture import Architecture
from edgenas.blocks.spec import BlockSpec
from edgenas.search.space import Space, State

_Node = dict[str, tuple[str, "_Node"]]


def network_digest(architecture: Architecture) -> str:
    """Return the digest of a network's blocks, 32 hexadecimal digits: equal chains of blocks have equal digests. Skips
    are left out, since they compute nothing."""
    return _digest(map(_line, architecture.blocks))


class SpaceDigests:
    """The digests of networks of one space by key, the same as those of ``network_digest``, for journals with many
    networks: a network takes one look-up per part of its key, and no block is made."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._start, self._first = self._nodes()

    def __call__(self, key: str) -> str:
        """Return the digest of the network ``key``; InputError where the text is not a key of the space."""
        node, lines = self._first, [self._start]
        try:
            for part in key.split(".") if key else ():
                line, node = node[part]
                lines.append(line)
        except KeyError:
            node = {"": ("", {})}
        return _digest(lines) if not node else network_digest(self._space.architecture(self._space.parse(key)))

    def _nodes(self) -> tuple[str, _Node]:
        """Return the text of the layers before the first choice, and the node of that choice: part of the key -> (text
        of the layers up to the next choice, the node of that choice); empty after the last."""
        after: dict[State, tuple[str, _Node]] = {}
        for layer, edges in zip(reversed(self._space.layers), reversed(self._space.edges), strict=True):
            here: dict[State, tuple[str, _Node]] = {}
            for edge in edges:
                text, node = after.get(edge.target, ("", {}))
                text = "".join(map(_line, edge.blocks)) + text
                if len(layer.options) == 1:
                    here[edge.source] = text, node
                else:
                    here.setdefault(edge.source, ("", {}))[1][str(edge.option)] = text, node
            after = here
        return after[self._space.start]


def _line(block: BlockSpec) -> str:
    return "" if block.kind == "skip" else f"{block}\n"


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("".join(lines).removesuffix("\n").encode()).hexdigest()[:32]
