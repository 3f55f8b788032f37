"""Importer of Once-for-all's latency tables for its MobileNetV3 space (arXiv 1908.09791).

The format is that of ProxylessNAS with these differences: ``expand`` is the expanded width in channels; ``se`` and
``hs`` are flags for squeeze-and-excitation (a quarter of the expanded width, rounded to a multiple of 8) and for
hard-swish (ReLU otherwise); the head is timed in three parts, ``AvgPool2D``, ``Conv_2`` and ``Logits``, whose sum is
the time of the block.
"""

from __future__ import annotations

from edgenas.base.errors import InputError
from edgenas.blocks.reference import make_divisible
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.importers.heads import HeadParts
from edgenas.latency_tables.importers.proxylessnas import separable
from edgenas.latency_tables.importers.reading import Places, PublishedEntry, PublishedTable
from edgenas.latency_tables.importers.shapes import ShapeRow, rows

_KINDS = {
    "Conv": (),
    "Conv_1": (),
    "AvgPool2D": (),
    "Conv_2": (),
    "Logits": (),
    "expanded_conv": ("expand", "kernel", "stride", "idskip", "se", "hs"),
}


def read(text: str, places: Places, column: str = "") -> PublishedTable:
    """Return the table in ``text``; it is keyed by block and needs no ``places``."""
    entries: list[PublishedEntry] = []
    parts = HeadParts("hswish")
    for row in rows(text, _KINDS):
        if row.kind in ("AvgPool2D", "Conv_2", "Logits"):
            _add_part(parts, row)
        else:
            entries.append(PublishedEntry(row.place, row.block(_block), row.value))
    unused = parts.unused()
    left_out = (f"{unused} parts of heads whose other parts the file lacks",) if unused else ()
    return PublishedTable((*entries, *parts.heads()), left_out)


def _add_part(parts: HeadParts, row: ShapeRow) -> None:
    """Add a row of ``AvgPool2D``, ``Conv_2`` or ``Logits`` to the parts of heads; InputError for a wrong shape."""
    size, c_in = row.size(), row.source[-1]
    if row.kind == "AvgPool2D":
        row.check_output(1, c_in)
        parts.pools[size, c_in] = (row.place, row.value.mean_ms)
        return
    if size != 1 or (row.kind == "Logits") != (len(row.target) == 1):
        raise InputError(
            f"{row.place}: {row.kind} comes after pooling: 1x1xC to {'N' if row.kind == 'Logits' else '1x1xN'}"
        )
    found = {"Conv_2": parts.hidden, "Logits": parts.classifiers}[row.kind]
    found[c_in, row.target[-1]] = (row.place, row.value.mean_ms)


def _block(row: ShapeRow) -> BlockSpec:
    """Return the block of a row; InputError for unknown flags or a wrong output shape."""
    size, c_in, c_out = row.size(), row.source[-1], row.target[-1]
    if row.kind == "expanded_conv":
        flags = row.numbers["se"], row.numbers["hs"]
        if not set(flags) <= {0, 1}:
            raise InputError(f"{row.place}: se and hs are 0 or 1")
        c_mid = row.numbers["expand"]
        block = separable(row, c_mid, make_divisible(c_mid // 4) if flags[0] else 0, "hswish" if flags[1] else "relu")
    else:
        kernel, stride = (3, 2) if row.kind == "Conv" else (1, 1)
        block = BlockSpec("conv", size, c_in, 0, c_out, kernel, stride, act="hswish")
    row.check_output(block.out_size, c_out)
    return block
