"""The section "Latency by block": one bar per device and runtime, one segment per block of the winner."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element

from edgenas.blocks.architecture import Architecture
from edgenas.profiler.verdict import Verdict
from edgenas.report.drawing import words
from edgenas.report.html import h, number
from edgenas.report.parts import Cell, figure, heat, numbers, percent, section, swatch, table
from edgenas.report.series import Series
from edgenas.report.states import in_statistic


def winner_section(
    network: Architecture,
    series: Sequence[Series],
    own: int | None = None,
    timed: Sequence[tuple[int | None, Verdict]] = (),
) -> Element | None:
    """Return the section; None if no table holds all blocks. ``own`` is the index of the table that the search used,
    which the sentence is about. ``timed`` are verdicts on files of the network, each with the index of its table."""
    priced = [(s, total) for s in series if (total := s.total_ms(network)) is not None]
    if not priced:
        return None
    longest = max(sum(s.ms(b) or 0.0 for b in network.blocks) for s, _ in priced)
    files = dict(reversed(timed))
    bars = [_bar(s, total, network, longest, files.get(s.index)) for s, total in priced]
    rows: list[list[Cell]] = []
    for i, block in enumerate(network.blocks):
        if block.kind == "skip":
            continue
        cells = [f"{number(s.ms(block))}" for s, _ in priced]
        rows.append([f"{i + 1}. {words(block)}", number(block.macs / 1e6), *cells])
    fixed = [s.fixed_ms for s, _ in priced]
    if any(fixed):
        rows.append(["fixed cost", "", *(number(f) for f in fixed)])
    rows.append(["sum", number(network.macs / 1e6), *(number(total) for _, total in priced)])
    columns = ("block", "M MACs", *(f"{s.label}, ms" for s, _ in priced))
    s, total = next((each for each in priced if each[0].index == own), priced[0])
    slowest = max(network.blocks, key=lambda b: s.ms(b) or 0.0)
    share = (s.ms(slowest) or 0.0) / max(total, 1e-12)
    finding = (
        f"The slowest block of {network.name} under {s.label} is the "
        f"{_ordinal(network.blocks.index(slowest) + 1)}: {words(slowest)}, {percent(share, 0)} of the time."
    )
    return section(
        "winner",
        "Latency by block",
        finding,
        figure(
            f"Time of each block in ms, {_ways(s for s, _ in priced)}: one segment per block, from input to output; a "
            "stronger colour means a longer time.",
            *bars,
            class_="bars",
        ),
        numbers(f"Numbers: {len(network.blocks)} blocks", table(columns, rows, "Blocks of the winner")),
    )


def _bar(series: Series, total: float, network: Architecture, longest: float, file: Verdict | None) -> Element:
    times = [(i, b, series.ms(b) or 0.0) for i, b in enumerate(network.blocks, 1) if b.kind != "skip"]
    top = max((t for _, _, t in times), default=0.0) or 1.0
    area = h(
        "svg",
        class_="bar",
        width="100%",
        height=44,
        role="img",
        aria_label=f"{series.label}: {', '.join(f'block {i} {number(t)} ms' for i, _, t in times)}",
    )
    begin = 0.0
    for i, block, t in times:
        wide = 100 * t / longest
        box = h(
            "rect",
            h("title", f"{i}. {words(block)}: {number(t)} ms"),
            x=f"{begin:.3f}%",
            y=0,
            height=44,
            width=f"{wide:.3f}%",
            class_=f"segment {heat(t / top)}",
        )
        area.append(box)
        if wide > 5:
            area.append(
                h(
                    "text",
                    str(i),
                    x=f"{begin + wide / 2:.3f}%",
                    y=27,
                    text_anchor="middle",
                    class_=f"on {heat(t / top)}",
                )
            )
        begin += wide
    fixed = f", including a fixed cost of {number(series.fixed_ms)} ms" if series.fixed_ms else ""
    doubt = "" if series.validation else ", sum of blocks, not validated"
    took = ""
    if file is not None:
        value, _, _, statistic = in_statistic(file, series.statistic)
        took = f"; {file.file} took {number(value)} ms ({statistic})"
    text = f"{number(total)} ms{fixed}{doubt}{took}"
    name = h("p", swatch(series.index), series.label, h("span", text, class_="sum"))
    return h("div", name, area, data_series=series.index)


def _ways(series: Iterable[Series]) -> str:
    """Return what the times are: of the whole network, or of blocks alone."""
    ways = dict.fromkeys(s.way for s in series)
    return " or ".join(ways)


def _ordinal(n: int) -> str:
    ending = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"
