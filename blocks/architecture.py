"""Architecture: a network as a chain of blocks whose shapes fit, from the input image to the classes.

Stem and head are ordinary blocks, so the latency of a network is the sum over all its ``blocks``, with no other term.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any

from edgenas.base.errors import InputError
from edgenas.base.forms import Parsed
from edgenas.blocks.size import ImageSize
from edgenas.blocks.spec import BlockSpec


@dataclass(frozen=True, slots=True)
class Architecture:
    """A named chain of blocks; InputError where a block's output shape is not the input shape of the next block.

    ``together`` has the number of blocks in each layer of a search space, where layers hold several blocks that are
    chosen together; empty for one block in each. It is no part of the network's value or of its JSON form.
    """

    name: str
    blocks: tuple[BlockSpec, ...]
    together: tuple[int, ...] = field(default=(), compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.blocks:
            raise InputError(f"network {self.name!r} has no blocks")
        for i, (left, right) in enumerate(zip(self.blocks, self.blocks[1:], strict=False)):
            if left.kind == "head":
                raise InputError(
                    f"network {self.name!r}: block {i} {left} is a head, which ends a network, but {right} follows"
                )
            if (left.out_size, left.c_out) != (right.in_size, right.c_in):
                raise InputError(
                    f"network {self.name!r}: block {i} {left} gives {left.out_size}x{left.c_out}, "
                    f"but block {i + 1} {right} takes {right.in_size}x{right.c_in}"
                )

    @property
    def parts(self) -> Iterator[tuple[BlockSpec, ...]]:
        """The blocks of each layer of the network's search space."""
        start = 0
        for count in self.together or (1,) * len(self.blocks):
            yield self.blocks[start : start + count]
            start += count

    @property
    def in_size(self) -> ImageSize:
        """Size of the input image in pixels."""
        return self.blocks[0].in_size

    @property
    def c_in(self) -> int:
        """Channels of the input image."""
        return self.blocks[0].c_in

    @property
    def c_out(self) -> int:
        """Channels of the output: the number of classes where the last block is a head."""
        return self.blocks[-1].c_out

    @property
    def macs(self) -> int:
        """Multiply-accumulates (MACs) for one image."""
        return sum(b.macs for b in self.blocks)

    @property
    def params(self) -> int:
        """Number of trainable parameters, batch norm not folded."""
        return sum(b.params for b in self.blocks)

    def to_json(self) -> dict[str, Any]:
        """Return ``{"name": ..., "blocks": [text, ...]}``, plain values for json.dump."""
        return {"name": self.name, "blocks": [str(b) for b in self.blocks]}

    @classmethod
    def from_json(cls, data: Any) -> Architecture:
        """Return the network that ``to_json`` wrote; InputError names the missing field or the wrong type."""
        if (
            not isinstance(data, dict)
            or not isinstance(data.get("name"), str)
            or not isinstance(data.get("blocks"), list)
        ):
            raise InputError('a network in JSON reads {"name": "...", "blocks": ["conv-224x3-o16-k3-s2-hswish", ...]}')
        texts = data["blocks"]
        for text in texts:
            if not isinstance(text, str):
                raise InputError(f"network {data['name']!r}: block {text!r} is not a text")
        return cls(data["name"], tuple(BlockSpec.parse(text) for text in texts))


#: type of a field of a record that holds a network in its JSON form
NetworkField = Annotated[Architecture, Parsed(Architecture.from_json)]
