"""Drawing of a network as a table: one row per block, with a shape as wide as its channels, coloured by its latency."""

from __future__ import annotations

import math
from xml.etree.ElementTree import Element

from edgenas.blocks.architecture import Architecture
from edgenas.blocks.size import height, width
from edgenas.blocks.spec import BlockSpec
from edgenas.report.html import h, number
from edgenas.report.networks import Catalogue
from edgenas.report.parts import heat
from edgenas.report.series import Series

_WIDTH, _HEIGHT = 110, 24
_KINDS = {"conv": "conv", "sep": "separable", "ir": "inverted residual", "head": "head", "skip": "skip"}


def words(block: BlockSpec) -> str:
    """Describe a block in words: 'inverted residual 5×5, ×6, stride 2, SE'."""
    parts = [
        f"{_KINDS[block.kind]} {block.kernel}×{block.kernel}"
        if block.kind in ("conv", "sep", "ir")
        else _KINDS[block.kind]
    ]
    if block.kind == "ir" and block.c_mid != block.c_in:
        parts[0] += f", ×{block.c_mid / block.c_in:.2g}"
    if block.stride > 1:
        parts.append(f"stride {block.stride}")
    if block.same:
        parts.append("SAME")
    if block.c_se:
        parts.append("SE")
    return ", ".join(parts)


def short(block: BlockSpec) -> tuple[str, str]:
    """Describe a block in two short lines: 'IR 5×5' and '×6, stride 2'."""
    first, *rest = words(block).replace("inverted residual", "IR").split(", ")
    return first, ", ".join(rest)


def row(block: BlockSpec, widest: int) -> Element:
    """Return the row of a block with all that does not depend on the network: description, shape, output size."""
    return h(
        "tr",
        h("th", short(block)[0], h("small", short(block)[1]), scope="row", class_="l"),
        h("td", _box(block, widest), class_="box"),
        h("td", "" if block.kind == "skip" else f"{width(block.out_size)}×{height(block.out_size)}×{block.c_out}"),
        h("td", class_="ms"),
        h("td", class_="share"),
    )


def _box(block: BlockSpec, widest: int) -> Element | None:
    """Shape with the input, middle and output channels as its widths; logarithmic, since channels range from a few to a
    thousand."""
    if block.kind == "skip":
        line = h("line", x1=_WIDTH / 2, x2=_WIDTH / 2, y1=0, y2=_HEIGHT, class_="skip")
        return h("svg", line, viewbox=f"0 0 {_WIDTH} {_HEIGHT}", width=_WIDTH, height=_HEIGHT, aria_hidden="true")
    widths = [_wide(block.c_in, widest), _wide(block.c_mid or block.c_in, widest), _wide(block.c_out, widest)]
    levels = [1, _HEIGHT / 2, _HEIGHT - 1]
    middle = _WIDTH / 2
    right = [f"{middle + w / 2:.1f},{y:g}" for w, y in zip(widths, levels, strict=True)]
    left = [f"{middle - w / 2:.1f},{y:g}" for w, y in zip(widths, levels, strict=True)]
    shape = h("path", d="M" + "L".join([*right, *reversed(left)]) + "Z", class_="block")
    return h("svg", shape, viewbox=f"0 0 {_WIDTH} {_HEIGHT}", width=_WIDTH, height=_HEIGHT, aria_hidden="true")


def _wide(channels: int, widest: int) -> float:
    return 8 + (_WIDTH - 10) * math.log1p(channels) / math.log1p(max(widest, 2))


def widest(catalogue: Catalogue) -> int:
    """Return the largest number of channels in any block."""
    return max((max(b.c_in, b.c_mid, b.c_out) for b in catalogue.blocks), default=1)


def picture(network: Architecture, series: Series | None, most_channels: int) -> Element:
    """Return the table of a network with the latencies of its blocks in one series."""
    times = [series.ms(block) if series else None for block in network.blocks]
    total = sum(t for t in times if t) + (series.fixed_ms if series else 0.0)
    top = max((t for t in times if t), default=0.0)
    rows = []
    for block, t in zip(network.blocks, times, strict=True):
        made = row(block, most_channels)
        made.set("class", heat(t / top) if t and top else "h0")
        made[3].text = "" if block.kind == "skip" else number(t)
        made[4].text = f"{100 * t / total:.0f} %" if t and total else ""
        rows.append(made)
    names = {"block": "l", "channels": "box", "output": None, "ms": None, "share": None}
    head = h("tr", [h("th", name, scope="col", class_=side) for name, side in names.items()])
    return h(
        "table",
        h("caption", f"Blocks of {network.name}", class_="unseen"),
        h("thead", head),
        h("tbody", rows, id="network-rows"),
        class_="network",
    )


def templates(catalogue: Catalogue) -> Element:
    """Return one row for each block of any network; the script of the page assembles networks from these."""
    most = widest(catalogue)
    return h("template", h("table", h("tbody", [row(block, most) for block in catalogue.blocks])), id="rows")
