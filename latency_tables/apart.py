"""How the networks of a table differ from those that it is asked for: size of images, width, number of classes."""

from __future__ import annotations

from collections.abc import Sequence

from edgenas.blocks.spec import BlockSpec


def difference(has: Sequence[BlockSpec], wanted: Sequence[BlockSpec], space: str) -> str:
    """Return the first property in which all networks of the blocks that a table ``has`` differ from those of the
    blocks ``wanted``, as the beginning of an error; '' where they share their first convolutions and their classes, or
    where the table has neither.

    ``space`` is the name of the wanted networks.
    """
    ours, asked = _stems(has, wanted), _stems(wanted, wanted)
    sizes = sorted({b.in_size for b in ours}), sorted({b.in_size for b in asked})
    other = [size for size in sizes[1] if size not in sizes[0]]
    if ours and other:
        return f"this table is of images of {_pixels(sizes[0])}; you asked for {space} at {_pixels(other)}"
    widths = sorted({b.c_out for b in ours}), sorted({b.c_out for b in asked})
    if ours and not set(widths[0]) & set(widths[1]):
        return (
            f"this table is of networks of another width: {_listed(widths[0])} channels after the first convolution; "
            f"those of {space} have {_listed(widths[1])}"
        )
    classes = [sorted({b.c_out for b in blocks if b.kind == "head"}) for blocks in (has, wanted)]
    if all(classes) and not set(classes[0]) & set(classes[1]):
        return f"this table is of {_listed(classes[0])} classes; you asked for {space} with {_listed(classes[1])}"
    return ""


def in_size_option(wanted: Sequence[BlockSpec], space: str) -> str:
    """Return the option of the size of the wanted networks, for the next command; '' where the name of their space has
    several."""
    sizes = {str(b.in_size) for b in _stems(wanted, wanted)}
    return f" --in-size {sizes.pop()}" if len(sizes) == 1 and "in_size=" not in space else ""


def _stems(blocks: Sequence[BlockSpec], wanted: Sequence[BlockSpec]) -> list[BlockSpec]:
    """Return the first convolutions of networks: those with as few input channels as any wanted block has."""
    channels = min((b.c_in for b in wanted if b.kind == "conv"), default=0)
    return [b for b in blocks if b.kind == "conv" and b.c_in == channels]


def _pixels(sizes: Sequence[object]) -> str:
    return f"{_listed(sizes)} px"


def _listed(values: Sequence[object]) -> str:
    return " and ".join(filter(None, (", ".join(map(str, values[:-1])), str(values[-1]))))
