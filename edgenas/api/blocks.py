"""``edgenas.blocks``: the blocks of a space or of one network, with their costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.api.network import Network, network
from edgenas.api.shown import frame, html_table
from edgenas.api.spaces import space
from edgenas.base.counted import counted
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.counts import bytes_moved
from edgenas.blocks.size import SizesLike
from edgenas.blocks.spec import BlockSpec
from edgenas.search.space import Space

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class BlockList:
    """Blocks of a space or network ``name``, in order. Iterating yields ``BlockSpec`` objects."""

    name: str
    blocks: tuple[BlockSpec, ...]

    def __iter__(self) -> Iterator[BlockSpec]:
        return iter(self.blocks)

    def __len__(self) -> int:
        return len(self.blocks)

    def to_json(self) -> list[dict[str, Any]]:
        """Return what ``edgenas blocks --json`` prints."""
        return [
            {
                "block": str(block),
                "output": f"{block.out_size}x{block.c_out}",
                "macs": block.macs,
                "params": block.params,
                "bytes_moved": bytes_moved(block),
            }
            for block in self.blocks
        ]

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame with a row for each block: text, output (pixels x channels), MACs, parameters, bytes."""
        return frame(self.to_json())

    def __repr__(self) -> str:
        return f"<{counted(len(self.blocks), 'block')} of {self.name}>"

    def _repr_html_(self) -> str:
        return html_table(f"{counted(len(self.blocks), 'block')} of {self.name}", self.to_json())


def blocks(
    what: str | Path | Space | Architecture | Network,
    *,
    in_size: SizesLike | None = None,
    classes: int | None = None,
    channels: int | None = None,
) -> BlockList:
    """List every distinct block of a space, or the blocks of one network in order, as ``edgenas blocks`` does.

    what       a space or a network: its name, its file, or the object
    in_size    size of the input in pixels: 160, or '320x240' (width x height) (default: its own)
    classes    number of classes (default: its own)
    channels   number of channels of the input (default: its own)

    InputError where nothing has that name, or where sizes are given beside a file or an object, which has its own.

        edgenas.blocks("mobilenet_v3_small", in_size=160).to_frame()
    """
    from edgenas.search.spaces import is_space

    if isinstance(what, Space) or (isinstance(what, str) and is_space(what)):
        chosen = space(what, in_size, classes, channels)
        return BlockList(chosen.name, chosen.blocks())
    one = network(what, in_size, classes, channels)
    return BlockList(one.name, one.blocks)
