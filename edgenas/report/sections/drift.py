"""The section "Drift and temperature": relative time of each round, temperature, clock and load over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

import numpy as np

from edgenas.latency_tables.records import Measurement, Piece, time_of
from edgenas.latency_tables.statistics.estimates import Times
from edgenas.latency_tables.table import LatencyTable, void_rounds
from edgenas.report.html import h
from edgenas.report.parts import Cell, colour, cut, figure, numbers, percent, section, table
from edgenas.report.plot import Axis, Plot, strip
from edgenas.report.sampling import evenly, sampled
from edgenas.report.series import Series

MOST_PROCESSES, MOST_CORNERS = 60, 400  #: processes drawn per table, and corners per line, at most
#: facts that change while a device is measured -> their labels
FACTS = {"temperature_c": "temperature, °C", "clock_mhz": "clock, MHz", "load_1min": "load, 1 min"}


@dataclass
class Process:
    """One fresh process. ``begin`` and ``end`` in minutes since the campaign began; ``off`` is the deviation of each
    round from the usual time, as a share; ``void`` are the indices of the rounds that drifted."""

    batch: str
    device: str
    begin: float
    end: float
    off: list[float]
    void: frozenset[int]
    facts: list[tuple[float, Mapping[str, str | int | float]]] = field(default_factory=list)

    def minute(self, round_: int) -> float:
        return self.begin + (self.end - self.begin) * (round_ + 0.5) / max(1, len(self.off))


def drift_section(series: Sequence[Series]) -> Element | None:
    """Return the section; None if no table records when it was measured."""
    found = [(s, s.table, processes(s.table)) for s in series if isinstance(s.table, LatencyTable)]
    figures = [_figures(s, campaign) for s, _, campaign in found if campaign]
    if not figures:
        return None
    sentences = []
    rows: list[list[Cell]] = []
    for s, measured, campaign in found:
        rounds = sum(len(p.void) for p in campaign)
        total = sum(len(p.off) for p in campaign)
        sentences.append(
            f"{s.label}: {rounds} of {total} rounds drifted{_left_out(measured)}."
            if rounds
            else f"{s.label}: no drift in {total} rounds."
        )
        for p in campaign:
            facts = p.facts[-1][1] if p.facts else {}
            middle = float(np.median(p.off)) if p.off else 0.0
            rows.append(
                [
                    p.batch[:12],
                    s.label,
                    f"{p.begin:.1f}",
                    len(p.off),
                    f"{100 * middle:+.1f}",
                    len(p.void),
                    *(_fact(facts.get(name)) for name in FACTS),
                ]
            )
    columns = ("process", "table", "start, min", "rounds", "deviation, %", "drifted rounds", *FACTS.values())
    kept, summary = cut(rows, "processes", "the tables' own files")
    shown = table(columns, kept, "Processes of each campaign", left=(0, 1))
    return section("drift", "Drift and temperature", " ".join(sentences), figures, numbers(summary, shown))


def _left_out(measured: LatencyTable) -> str:
    """Return the clause that drifted rounds are excluded, and for how many blocks and networks they are not."""
    only = len(measured.drifted)
    return (
        f" and are excluded, except for {only} blocks or networks that have no other rounds"
        if only
        else " and are excluded"
    )


def processes(measured: LatencyTable) -> list[Process]:
    """Return every process in order of time. The deviation of a round is the mean, over the pieces (blocks or networks)
    measured in it, of the logarithm of the fastest sample minus the median of that logarithm over all rounds."""
    groups: dict[str, list[Measurement]] = {}
    for m in measured.measurements:
        if m.batch and time_of(m.before) is not None:
            groups.setdefault(m.batch, []).append(m)
    logs: dict[Piece, list[Times]] = {}
    minima: dict[tuple[str, Piece], Times] = {}
    for batch, group in groups.items():
        for m in group:
            minima[batch, m.piece] = np.log(m.minima_ms())
            logs.setdefault(m.piece, []).append(minima[batch, m.piece])
    usual = {piece: float(np.median(np.concatenate(values))) for piece, values in logs.items()}
    spoiled = void_rounds(measured.voids)
    begins = [t for g in groups.values() if (t := time_of(g[0].before)) is not None]
    if not begins:
        return []
    first = min(begins)
    made = []
    for batch, group in groups.items():
        rounds = min(len(minima[batch, m.piece]) for m in group)
        shares = np.array([minima[batch, m.piece][:rounds] - usual[m.piece] for m in group])
        off = [float(share) for share in np.expm1(shares.mean(axis=0))]
        begin = time_of(group[0].before) or first
        end = max(time_of(group[0].after) or begin, begin)
        facts = [((begin - first) / 60, group[0].before), ((end - first) / 60, group[0].after)]
        made.append(
            Process(
                batch,
                group[0].device,
                (begin - first) / 60,
                (end - first) / 60,
                off,
                frozenset(r for r in spoiled.get(batch, ()) if r < rounds),
                facts,
            )
        )
    return sorted(made, key=lambda p: p.begin)


def _figures(series: Series, campaign: Sequence[Process]) -> Element:
    last = max(p.end for p in campaign) or 1.0
    x = Axis(0.0, last * 1.01 + 1e-9)
    offs = [100 * o for p in campaign for o in p.off]
    plot = Plot(
        x,
        Axis.around([*offs, -2.0, 2.0]),
        "minutes since the campaign began",
        "deviation from the usual time, %",
        f"Relative time of each round under {series.label}",
        180,
    )
    plot.line([(x.low, 0.0), (x.high, 0.0)], "equal")
    drawn = sampled(campaign, MOST_PROCESSES, lambda p: max(map(abs, p.off), default=0.0), lambda p: bool(p.void))
    for p in drawn:
        plot.line([(p.minute(i), 100 * o) for i, o in enumerate(p.off)], f"faint {colour(series.index)}", series.index)
        for i, o in enumerate(p.off):
            void = i in p.void
            plot.mark(
                (p.minute(i), 100 * o),
                f"small {'void' if void else colour(series.index)}",
                "cross" if void else "circle",
                data_series=series.index,
                title=f"round {i + 1} of process {p.batch[:8]}: {percent(o)}",
            )
    strips = [_strip(series, campaign, x, name, label) for name, label in FACTS.items()]
    none = h("p", "The device reports no temperature.", class_="hint") if strips[0] is None else None
    few = f" {len(drawn)} of {len(campaign):,} processes are drawn." if len(drawn) < len(campaign) else ""
    return figure(
        f"{series.label}: each point is a round; crosses are rounds that drifted.{few}", plot.element(), strips, none
    )


def _strip(series: Series, campaign: Sequence[Process], x: Axis, name: str, label: str) -> Element | None:
    """Chart of one fact over time; None if the device does not report it."""
    points = [
        (minute, float(v))
        for p in campaign
        for minute, facts in p.facts
        if isinstance(v := facts.get(name), int | float)
    ]
    title, index = f"{label} under {series.label}", series.index
    return strip(evenly(points, MOST_CORNERS), x, label, title, colour(index), index)


def _fact(value: str | int | float | None) -> str | None:
    return None if value is None else f"{value:.6g}" if isinstance(value, int | float) else value
