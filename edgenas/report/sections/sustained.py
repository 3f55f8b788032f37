"""A file under load for minutes: its median and p90 in each, and how warm the device grew."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from edgenas.report.files import MinuteData
from edgenas.report.html import h, number
from edgenas.report.parts import Cell, colour, cut, figure, numbers, percent, section, swatch, table
from edgenas.report.plot import Axis, Plot, ends
from edgenas.report.sampling import evenly

MOST_MINUTES = 240  #: drawn of a run
FACTS = {"celsius": "temperature, °C", "mhz": "clock, MHz"}


def sustained_section(minutes: Sequence[MinuteData]) -> Element | None:
    """A chart a file and device; None where nothing ran for minutes."""
    if not minutes:
        return None
    groups: dict[tuple[str, str], list[MinuteData]] = {}
    for minute in minutes:
        groups.setdefault((minute.file, minute.device), []).append(minute)
    runs = {name: sorted(group, key=lambda m: m.minute) for name, group in groups.items()}
    figures = [_figure(i, f"{file} on {device}" if device else file, run)
               for i, ((file, device), run) in enumerate(runs.items())]  # fmt: skip
    rows: list[list[Cell]] = [
        [m.file, m.device, number(m.minute), m.median_ms, m.p90_ms, m.celsius, m.mhz]
        for run in runs.values() for m in run
    ]  # fmt: skip
    kept, summary = cut(rows, "minutes", "sustained.jsonl")
    shown = table(("file", "device", "minute", "median, ms", "p90, ms", *FACTS.values()), kept,
                  "Minute by minute", left=(0, 1))  # fmt: skip
    told = " ".join(_finding(file, run) for (file, _), run in runs.items())
    return section("sustained", "Under sustained load", told, h("div", figures, class_="small-multiples"),
                   numbers(summary, shown))  # fmt: skip


def _finding(file: str, run: Sequence[MinuteData]) -> str:
    first, last = run[0], run[-1]
    change = last.median_ms / first.median_ms - 1
    if len(run) < 2 or abs(change) < 0.01:
        told = f"{file} held its speed for {len(run)} minutes" if len(run) > 1 else f"{file} ran for one minute"
    else:
        told = f"After {len(run)} minutes {file} takes {percent(abs(change), 0)} {'longer' if change > 0 else 'less'}"
    if first.celsius is not None and last.celsius is not None:
        told += f", at {last.celsius:.0f} °C instead of {first.celsius:.0f}" if len(run) > 1 else ""
    return f"{told}."


def _figure(index: int, name: str, run: Sequence[MinuteData]) -> Element:
    drawn = evenly(run, MOST_MINUTES)
    x = Axis(min(m.minute for m in run) - 0.5, max(m.minute for m in run) + 0.5)
    values = [v for m in run for v in (m.median_ms, m.p90_ms)]
    ticks = [t for t in x.ticks() if t == int(t)]
    plot = Plot(x, Axis.around([0.98 * min(values), *values], log=False), "minute", "ms",
                f"Median and p90 of {name} by minute", 180, x_ticks=ticks)  # fmt: skip
    plot.line([(m.minute, m.p90_ms) for m in drawn], f"faint {colour(index)}")
    plot.line([(m.minute, m.median_ms) for m in drawn], colour(index))
    for m in drawn:
        plot.mark((m.minute, m.median_ms), colour(index),
                  title=f"minute {m.minute:g}: {number(m.median_ms)} ms, p90 {number(m.p90_ms)} ms")  # fmt: skip
    strips = [_strip(index, name, drawn, x, fact, label) for fact, label in FACTS.items()]
    key = h(
        "ul", h("li", swatch(index, "circle"), "median"), h("li", swatch(index, "bar", "faint"), "p90"), class_="legend"
    )
    return figure(name, plot.element(), strips, key)


def _strip(index: int, name: str, run: Sequence[MinuteData], x: Axis, fact: str, label: str) -> Element | None:
    points = [(m.minute, float(v)) for m in run if (v := getattr(m, fact)) is not None]
    if not points:
        return None
    values = [v for _, v in points]
    plot = Plot(x, Axis.around(values, log=False, margin=0.15), "", label, f"{label}, {name}", 48, x_ticks=(),
                y_ticks=ends(values))  # fmt: skip
    plot.line(points, colour(index))
    return plot.element()
