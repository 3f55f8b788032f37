"""The section "As they arrive" of a served page: the last measurements of running tables, and the last judged
networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from pathlib import Path
from xml.etree.ElementTree import Element

from edgenas.latency_tables.records import Measurement, piece_text, time_of
from edgenas.latency_tables.store.journal import Journal
from edgenas.report.html import h, number
from edgenas.report.parts import Cell, section, table
from edgenas.search.scale import accuracy_heading, accuracy_number
from edgenas.search.trial_file import TrialJournal

MOST = 12  #: rows of each table, the newest first


def arrivals_section(journals: Mapping[Path, Journal], trials: Sequence[TrialJournal]) -> Element | None:
    """Return the section; None where nothing was measured or judged yet."""
    measured = [(path.name, m) for path, journal in journals.items() for m in journal.table.measurements]
    parts = [_measured(measured) if measured else None, *(_judged(t) for t in trials if t.judged)]
    if not any(part is not None for part in parts):
        return None
    judged = sum(len(t.judged) for t in trials)
    finding = f"{len(measured):,} measurements and {judged:,} judged networks so far; the newest first."
    return section("arrivals", "As they arrive", finding, [part for part in parts if part is not None])


def _measured(measured: Sequence[tuple[str, Measurement]]) -> Element:
    """Table of the last measurements; those without a time, of old tables, come last."""
    newest = sorted(measured, key=lambda each: time_of(each[1].after) or 0.0)[-MOST:][::-1]
    rows: list[list[Cell]] = [
        [
            h("th", h("code", _piece(m)), scope="row", class_="l"),
            number(float(m.minima_ms().min())),
            m.samples,
            m.process + 1,
            m.device or "–",
            name,
            _clock(m),
        ]
        for name, m in newest
    ]
    columns = ("block or network", "fastest, ms", "samples", "process", "device", "table", "measured at")
    return table(columns, rows, "Last measurements", left=(0, 4, 5))


def _piece(measurement: Measurement) -> str:
    if measurement.purpose == "validation" and len(measurement.piece) > 2:
        return f"a held-out network of {len(measurement.piece)} blocks"
    return piece_text(measurement.piece)


def _clock(measurement: Measurement) -> str:
    at = time_of(measurement.after)
    return "–" if at is None else f"{datetime.fromtimestamp(at).astimezone():%H:%M:%S}"


def _judged(trials: TrialJournal) -> Element:
    """Table of the last judged networks, with the best accuracy until each."""
    best = list(accumulate((accuracy for _, accuracy in trials.judged), max))
    numbered = list(enumerate(trials.judged))[-MOST:][::-1]
    rows: list[list[Cell]] = [
        [
            h("th", str(i + 1), scope="row"),
            key,
            accuracy_number(accuracy, trials.score),
            accuracy_number(best[i], trials.score),
        ]
        for i, (key, accuracy) in numbered
    ]
    columns = ("number", "network", accuracy_heading(trials.score, ","), "best so far")
    return table(columns, rows, f"Last judged networks of {trials.space.name}", left=(1,))
