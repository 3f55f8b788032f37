"""The section "Latency of every block": all tables side by side, coloured by latency."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.etree.ElementTree import Element

from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.table import LatencyTable
from edgenas.report.html import h, number
from edgenas.report.parts import MOST_ROWS, Cell, between, heat, section, swatch, table
from edgenas.report.series import Series, known_blocks

MOST_CELLS = 800  #: cells in the page at most; the CSV file of a table has all


def blocks_section(series: Sequence[Series]) -> Element | None:
    """Return the section; None if no table has blocks."""
    blocks = known_blocks(series)
    if not blocks:
        return None
    shown = blocks[: max(100, min(MOST_ROWS, MOST_CELLS // len(series)))]
    times = {(s.index, b): ms for s in series for b in shown if (ms := s.alone_ms(b)) is not None}
    logs = [math.log(ms) for ms in times.values() if ms > 0]
    low, high = (min(logs), max(logs)) if logs else (0.0, 0.0)
    unstable = sum(_unstable(s, b) for s in series for b in shown)

    def cell(s: Series, block: BlockSpec) -> Element:
        ms = times.get((s.index, block))
        if ms is None:
            return h("td", "–", class_="none")
        share = (math.log(ms) - low) / (high - low) if high > low and ms > 0 else 0.0
        flag = (
            h("abbr", "∼", title="median uncertain by more than 2 %: too few processes, or they disagree")
            if _unstable(s, block)
            else None
        )
        return h("td", flag, number(ms), h("small", _interval(s, block)), class_=heat(share), data_series=s.index)

    def line(block: BlockSpec) -> list[Cell]:
        name = h("th", h("code", str(block)), scope="row", class_="l")
        return [name, number(block.macs / 1e6), *(cell(s, block) for s in series)]

    rows = [line(block) for block in shown]
    made = table(
        ("block", "M MACs", *(s.label for s in series)), rows, "Latency of every block alone in every table, ms"
    )
    for head, s in zip(made.iterfind(".//thead/tr/th[@scope='col']"), [None, None, *series], strict=True):
        if s is not None:
            head.set("data-series", str(s.index))
            head.insert(0, swatch(s.index))
            head[0].tail, head.text = head.text, None
    made.set("class", "scroll heat")
    left = len(blocks) - len(shown)
    statistics = " or ".join(dict.fromkeys(s.statistic for s in series))
    finding = (
        f"{len(blocks):,} blocks, the slowest first. Time of each block alone in ms, {statistics} of the runs, with "
        "its 95 % interval. Inside a network its time differs: see the time of the whole, calibrated, above."
    )
    if unstable:
        finding += f" The medians of {unstable} cells, marked ∼, are uncertain by more than 2 %."
    if left:
        files = " and ".join(s.path.name for s in series)
        finding += (
            f" {left:,} faster blocks are not shown; all are in {files}. As CSV: edgenas table show TABLE --csv FILE."
        )
    return section("blocks", "Latency of every block alone", finding, made)


def _interval(series: Series, block: BlockSpec) -> str | None:
    if not isinstance(series.table, LatencyTable):
        return None
    return between(*series.table.interval(block, series.statistic))


def _unstable(series: Series, block: BlockSpec) -> bool:
    """Return whether a block is unstable by the rule of its table: all rounds drifted, or the interval is too wide."""
    from edgenas.latency_tables.statistics import estimates

    table = series.table
    if not isinstance(table, LatencyTable) or (block,) not in table:
        return False
    return (block,) in table.drifted or not estimates.settled(table.processes(block), "median")
