"""Importer of ProxylessNAS's latency tables (arXiv 1812.00332, appendix B): ``pixel_trim.yaml`` and similar files.

``Conv`` is the 3x3 stem, ``Conv_1`` the 1x1 convolution before pooling, ``Logits`` all layers after it; ``expand`` is a
ratio; activations are ReLU6. Source of the layout: see ``shapes``.
"""

from __future__ import annotations

from edgenas.base.errors import InputError
from edgenas.blocks.spec import Act, BlockSpec, Kind
from edgenas.latency_tables.importers.reading import Places, PublishedEntry, PublishedTable
from edgenas.latency_tables.importers.shapes import ShapeRow, rows

_KINDS = {
    "Conv": (),
    "Conv_1": (),
    "Logits": (),
    "expanded_conv": ("expand", "kernel", "stride", "idskip"),
}


def read(text: str, places: Places, column: str = "") -> PublishedTable:
    """Return the table in ``text``; it is keyed by block and needs no ``places``."""
    return PublishedTable(tuple(PublishedEntry(row.place, row.block(_block), row.value) for row in rows(text, _KINDS)))


def _block(row: ShapeRow) -> BlockSpec:
    """Return the block of a row; InputError for a wrong output shape."""
    size = row.size()
    c_in, c_out = row.source[-1], row.target[-1]
    if row.kind == "Logits":
        if len(row.target) != 1:
            raise InputError(f"{row.place}: the output of Logits is a number of classes")
        return BlockSpec("head", size, c_in, c_out=c_out)
    if row.kind != "expanded_conv":
        kernel, stride = (3, 2) if row.kind == "Conv" else (1, 1)
        block = BlockSpec("conv", size, c_in, 0, c_out, kernel, stride, act="relu6")
    else:
        block = separable(row, c_in * row.numbers["expand"])
    row.check_output(block.out_size, c_out)
    return block


def separable(row: ShapeRow, c_mid: int, c_se: int = 0, act: Act = "relu6") -> BlockSpec:
    """Return the block of an ``expanded_conv`` row: of kind 'sep' where the expanded width equals the input's, else
    'ir'."""
    n, c_in, c_out = row.numbers, row.source[-1], row.target[-1]
    if n["idskip"] not in (0, 1):
        raise InputError(f"{row.place}: idskip is {n['idskip']}, not 0 or 1")
    kind: Kind = "sep" if c_mid == c_in else "ir"
    wide = 0 if kind == "sep" else c_mid
    return BlockSpec(kind, row.size(), c_in, wide, c_out, n["kernel"], n["stride"], c_se, act, bool(n["idskip"]))
