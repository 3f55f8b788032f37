"""The section "Files on the device": measured latency of each file, its 95 % interval and its budget verdict."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from edgenas.latency_tables.table import LatencyTable
from edgenas.profiler.verdict import Verdict
from edgenas.report.html import h, number
from edgenas.report.parts import Cell, between, section, table
from edgenas.report.series import Series
from edgenas.report.states import WORDS, budget_state


def verified_section(timed: Sequence[tuple[int | None, Verdict]], series: Sequence[Series]) -> Element | None:
    """Return the section; None if ``timed`` is empty. ``timed`` holds each verdict with the index of the table of its
    device and runtime, None if there is no such table."""
    if not timed:
        return None
    rows: list[list[Cell]] = []
    for index, v in timed:
        state = budget_state(v)
        precision = _precision(v, None if index is None else series[index])
        rows.append(
            [
                [v.file, h("small", precision)],
                h("td", v.device, h("small", v.runtime), class_="l"),
                h("td", number(v.measured_ms), h("small", f"{between(v.low_ms, v.high_ms)}, {v.statistic}")),
                f"{number(v.median_ms)} / {number(v.p90_ms)}",
                number(v.predicted_ms),
                number(v.budget_ms),
                h("td", h("strong", WORDS[state]) if state else WORDS[state], class_=f"l {state}".strip()),
            ]
        )
    columns = ["file", "device", "measured, ms, 95 % interval", "median / p90, ms", "predicted, ms", "budget, ms"]
    columns.append("verdict")
    if any(v.peak_kib is not None for _, v in timed):
        columns.append("peak memory, MiB")
        for row, (_, v) in zip(rows, timed, strict=True):
            row.append(None if v.peak_kib is None else number(v.peak_kib / 1024))
    partly = [v for _, v in timed if budget_state(v) == "partly"]
    with_budget = [v for _, v in timed if v.budget_ms is not None]
    inside = sum(v.within_budget is True for v in with_budget)
    finding = f"{len(timed)} {'file was' if len(timed) == 1 else 'files were'} timed on a device."
    if with_budget:
        finding += (
            f" {inside} of {len(with_budget)} with a budget are inside it: the upper end of the interval is compared."
        )
    finding += "".join(
        f" {v.file} on {v.device} is inside by the {v.statistic} of its runs and not by their median of "
        f"{number(v.median_ms)} ms: other work or heat slowed the device down."
        for v in partly
    )
    return section(
        "verified",
        "Files on the device",
        finding,
        table(columns, rows, "Files that were timed", left=(0, 1, 6)),
    )


def _precision(verdict: Verdict, series: Series | None) -> str:
    """Precision in the verdict's own setting; else that of the table it is compared with; else '–'."""
    if verdict.setting is not None:
        return verdict.setting.precision
    if series is not None and isinstance(series.table, LatencyTable):
        return series.table.setting.precision
    return "–"
