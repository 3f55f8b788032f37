"""The section "Under sustained load": median and p90 of a file in each minute, temperature and clock of the device."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from edgenas.profiler.sustained_load import MinuteReading, SustainedLoad
from edgenas.report.html import h, number
from edgenas.report.parts import Cell, beside, colour, cut, figure, numbers, percent, section, swatch, table
from edgenas.report.plot import Axis, Plot, strip
from edgenas.report.sampling import evenly
from edgenas.runs.layout import SUSTAINED

MOST_MINUTES = 240  #: minutes drawn per run, at most
FACTS = {"temperature_c": "temperature, °C", "clock_mhz": "clock, MHz"}


def sustained_section(runs: Sequence[SustainedLoad]) -> Element | None:
    """Return the section, one chart per run; None if there is no run."""
    if not runs:
        return None
    rows: list[list[Cell]] = [
        [
            run.file,
            run.device,
            m.minute,
            m.median_ms,
            m.p90_ms,
            _fact(m.temperature_c),
            _fact(m.clock_mhz),
            ", ".join(m.throttled) or "–",
        ]
        for run in runs
        for m in run.minutes
    ]
    kept, summary = cut(rows, "minutes", SUSTAINED)
    columns = ("file", "device", "minute", "median, ms", "p90, ms", *FACTS.values(), "throttled by")
    shown = table(columns, kept, "Minute by minute", left=(0, 1, 7))
    return section(
        "sustained",
        "Under sustained load",
        " ".join(map(_finding, runs)),
        h("div", [_figure(i, run) for i, run in enumerate(runs)], class_="small-multiples"),
        numbers(summary, shown),
    )


def _finding(run: SustainedLoad) -> str:
    first, last = run.minutes[0], run.minutes[-1]
    if run.slower is None:
        sentence = f"{run.file} ran for {len(run.minutes)} {'minute' if len(run.minutes) == 1 else 'minutes'}"
    else:
        low, high = run.slower.low - 1, run.slower.high - 1
        interval = f"({percent(low)} … {percent(high)})".replace("-", "−")
        way = "longer" if run.slower.ratio > 1 else "less time"
        sentence = (
            f"After {len(run.minutes)} minutes {run.file} takes {percent(abs(run.slower.ratio - 1))} {way} {interval}"
        )
        if low <= 0 <= high:
            sentence = f"{run.file} held its speed for {len(run.minutes)} minutes {interval}"
    if first is not last and first.temperature_c is not None and last.temperature_c is not None:
        sentence += f", at {last.temperature_c:.0f} °C instead of {first.temperature_c:.0f}"
    if run.budget_ms is not None and run.within_budget is not None:
        state = "inside" if run.within_budget else "outside"
        sentence += f"; its worst minute, {run.worst_minute}, is {state} {number(run.budget_ms)} ms"
    return f"{sentence}."


def _figure(place: int, run: SustainedLoad) -> Element:
    index = beside(place)
    name = f"{run.file} on {run.device}" if run.device else run.file
    drawn = evenly(run.minutes, MOST_MINUTES)
    x = Axis(run.minutes[0].minute - 0.5, run.minutes[-1].minute + 0.5)
    values = [v for m in run.minutes for v in (m.median_ms, m.p90_ms)]
    near = run.budget_ms is not None and min(values) / 2 < run.budget_ms < 2 * max(values)
    limits = [run.budget_ms] if near and run.budget_ms is not None else []
    plot = Plot(
        x,
        Axis.around([0.98 * min(values), *values, *limits], log=False),
        "minute",
        "ms",
        f"Median and p90 of {name} by minute",
        180,
        x_ticks=[t for t in x.ticks() if t == int(t)],
    )
    for budget in limits:
        plot.line([(x.low, budget), (x.high, budget)], "equal")
    plot.line([(m.minute, m.p90_ms) for m in drawn], f"p90 {colour(index)}")
    plot.line([(m.minute, m.median_ms) for m in drawn], colour(index))
    for m in drawn:
        plot.mark(
            (m.minute, m.median_ms),
            f"small {colour(index)}",
            title=f"minute {m.minute}: {number(m.median_ms)} ms, p90 {number(m.p90_ms)} ms",
        )
    key = h(
        "ul",
        h("li", swatch(index, "circle"), "median"),
        h("li", swatch(index, "bar", "faint"), "p90"),
        h("li", swatch(index, "bar", "plain"), f"budget {number(run.budget_ms)} ms") if limits else None,
        class_="legend",
    )
    strips = [_strip(index, name, drawn, x, fact, label) for fact, label in FACTS.items()]
    return figure(name, key, plot.element(), strips)


def _strip(index: int, name: str, minutes: Sequence[MinuteReading], x: Axis, fact: str, label: str) -> Element | None:
    """Chart of one fact by minute; None if the device does not report it."""
    points = [(m.minute, float(v)) for m in minutes if (v := getattr(m, fact)) is not None]
    return strip(points, x, label, f"{label}, {name}", colour(index))


def _fact(value: float | None) -> str | None:
    return None if value is None else f"{value:.4g}"
