"""The section "Predicted against measured": whole networks against raw sums of blocks and against predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np

from edgenas.profiler.verdict import Verdict
from edgenas.report.card import beyond
from edgenas.report.html import h, number
from edgenas.report.parts import Cell, between, colour, cut, figure, legend, numbers, percent, section, table
from edgenas.report.plot import Axis, Plot
from edgenas.report.series import Series


@dataclass(frozen=True, slots=True)
class Compared:
    """Predicted and measured latency of one network in ms, with the 95 % interval of the measurement."""

    series: int
    name: str
    predicted_ms: float
    measured_ms: float
    low_ms: float
    high_ms: float
    statistic: str

    @property
    def error(self) -> float:
        return self.measured_ms / self.predicted_ms - 1


def sums_section(series: Sequence[Series], timed: Sequence[tuple[int, Verdict]]) -> Element | None:
    """Return the section; None if no table was validated and no file has a predicted latency."""
    proved = [s for s in series if s.validation is not None]
    held_out = [c for s in proved for c in _held_out(s)]
    shipped = [
        Compared(s, v.file, v.predicted_ms, v.measured_ms, v.low_ms, v.high_ms, v.statistic)
        for s, v in timed
        if v.predicted_ms is not None and v.predicted_ms > 0
    ]
    if not held_out and not shipped:
        return None
    figures = []
    if held_out:
        figures.append(_additivity(proved))
    statistic = next((c.statistic for c in (*held_out, *shipped)), "median")
    drawn = [c for c in shipped if c.statistic == statistic]  # one statistic in one chart; the table has all
    figures.append(_predicted(proved, held_out, drawn))
    rows: list[list[Cell]] = [
        [
            c.name,
            series[c.series].label if c.series < len(series) else "–",
            c.predicted_ms,
            c.measured_ms,
            between(c.low_ms, c.high_ms),
            f"{100 * c.error:+.1f}",
            c.statistic,
        ]
        for c in (*shipped, *held_out)
    ]
    kept, summary = cut(rows, "networks", "the tables' own files")
    heads = ("network", "table", "predicted, ms", "measured, ms", "95 % interval", "error, %", "statistic")
    shown = table(heads, kept, "Predicted and measured latencies", left=(0, 1, 6))
    return section(
        "sums",
        "Predicted against measured",
        " ".join([*map(_finding, proved), *_beyond(series, shipped)]) or None,
        h("div", figures, class_="pair"),
        legend(proved),
        numbers(summary, shown),
    )


def _finding(series: Series) -> str:
    proof = series.validation
    assert proof is not None
    raw, calibrated = proof.chosen.raw.mape, proof.chosen.calibrated.mape
    return (
        f"{series.label}: over {len(proof.networks)} held-out networks, the mean error of raw sums of blocks is "
        f"{percent(raw)}, that of calibrated sums {percent(calibrated)} (leave-one-out). "
        f"The 95 % prediction interval is {proof.interval_text}."
    )


def _beyond(series: Sequence[Series], shipped: Sequence[Compared]) -> list[str]:
    """Return a sentence for each file that was measured outside its 95 % prediction interval."""
    proofs = [(c, series[c.series].validation) for c in shipped if c.series < len(series)]
    clauses = [beyond(proof, c.name, c.error) for c, proof in proofs if proof is not None]
    return [f"{clause}." for clause in clauses if clause]


def _held_out(series: Series) -> list[Compared]:
    proof = series.validation
    assert proof is not None
    predicted = proof.chosen.left_out_ms if proof.chosen.table_ms is None else proof.chosen.table_ms
    return [
        Compared(series.index, f"held-out network {i}", float(p), float(m), low, high, proof.statistic)
        for i, (p, m, (low, high)) in enumerate(zip(predicted, proof.measured_ms, proof.intervals_ms, strict=True), 1)
        if p > 0
    ]


def _square(values: Sequence[float], x: str, y: str, title: str) -> Plot:
    axis = Axis.around(values)
    plot = Plot(axis, axis, x, y, title, 320)
    plot.line([(axis.low, axis.low), (axis.high, axis.high)], "equal")
    return plot


def _additivity(series: Sequence[Series]) -> Element:
    proofs = [(s, s.validation) for s in series if s.validation is not None]
    values = [float(v) for _, p in proofs for v in (*p.chosen.raw_ms, *p.chosen.beside_ms)]
    plot = _square(values, "sum of blocks, ms", "whole network, ms", "Whole networks against sums of their blocks")
    for s, proof in proofs:
        for a, b in zip(proof.chosen.raw_ms, proof.chosen.beside_ms, strict=True):
            text = f"sum {number(float(a))} ms, whole {number(float(b))} ms, {s.label}"
            plot.mark((float(a), float(b)), colour(s.index), title=text, data_series=s.index)
    return figure(
        "Raw sums: on the line, a network takes exactly as long as its blocks, each measured alone.", plot.element()
    )


def _predicted(proved: Sequence[Series], held_out: Sequence[Compared], shipped: Sequence[Compared]) -> Element:
    both = (*held_out, *shipped)
    values = [v for c in both for v in (c.predicted_ms, c.measured_ms, c.low_ms, c.high_ms)]
    statistic = both[0].statistic if both else "median"
    plot = _square(values, "predicted, ms", f"measured, ms ({statistic})", "Measured latencies against predicted ones")
    axis = plot.x
    if len(proved) == 1 and proved[0].calibrated is not None:
        share = proved[0].calibrated.error_share
        edge = [float(v) for v in (np.geomspace if axis.log else np.linspace)(axis.low, axis.high, 41)]
        upper, lower = ([(v, v * f) for v in edge] for f in (1 + share, 1 - share))
        plot.area([*upper, *reversed(lower)], f"band {colour(proved[0].index)}")
    for c in both:
        whole = c in shipped
        text = (
            f"{c.name}: {number(c.measured_ms)} ms ({between(c.low_ms, c.high_ms)}), predicted {number(c.predicted_ms)}"
        )
        plot.whisker(
            (c.predicted_ms, c.measured_ms), c.low_ms, c.high_ms, colour(c.series), upright=True, data_series=c.series
        )
        plot.mark(
            (c.predicted_ms, c.measured_ms),
            f"{'star ' if whole else ''}{colour(c.series)}",
            "star" if whole else "circle",
            title=text,
            data_series=c.series,
        )
    band = " The band is the 95 % prediction interval." if len(proved) == 1 else ""
    return figure(f"Predicted and measured latency, with 95 % intervals of the measurements.{band}", plot.element())
