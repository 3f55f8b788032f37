"""The section "Status" of a served page: progress, estimated end and failures of each journal, and its devices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from xml.etree.ElementTree import Element

from edgenas.base.counted import counted
from edgenas.report.html import h, number
from edgenas.report.parts import Cell, meter, section, table
from edgenas.search.scale import accuracy_heading, accuracy_number
from edgenas.watch.progress import JournalProgress

STATES = {"running": "running", "finished": "finished", "stopped": "stopped", "not known": "–"}


def live_section(found: Sequence[JournalProgress], problem: str = "", now: datetime | None = None) -> Element:
    """Return the first section of a served page. ``problem`` is the reason why files cannot be read now, or ''."""
    note = h("p", problem, class_="problem", role="alert") if problem else None
    if not found:
        return section("now", "Status", "Nothing has been written yet.", note)
    at = now or datetime.now().astimezone()
    rows: list[list[Cell]] = [
        [
            p.path.name,
            _state(p),
            p.what,
            "+".join(s.device for s in p.devices) or "–",
            _blocks(p),
            _done(p),
            _left(p, at),
            p.failures,
            p.unstable,
            _when(p.last),
        ]
        for p in found
    ]
    tables = [p for p in found if p.total is not None]
    if len(tables) > 1:
        rows.append(_sum(tables, at))
    columns = ("journal", "state", "work", "devices", "blocks", "done", "estimated end", "failed", "unstable",
               "last written")  # fmt: skip
    hint = (
        "Blocks and done count the minimum number of measurements of each block and each held-out network. Blocks "
        "whose measurements disagree are measured more often; they are unstable until their medians are known to 2 %. "
        "The number of networks that a search will judge is not known in advance. A journal that no process writes and "
        "that is not finished was stopped: run the same command again to continue it."
    )
    made = table(columns, rows, "Progress of each journal", left=(0, 1, 2, 3))
    return section(
        "now", "Status", _finding(found), note, made, _devices(found), _best(found), h("p", hint, class_="hint")
    )


def _finding(found: Sequence[JournalProgress]) -> str:
    counts = {state: sum(p.state == state for p in found) for state in ("running", "stopped", "finished")}
    states = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    failures = sum(p.failures for p in found)
    return f"{counted(len(found), 'journal')}: {states or 'state not known'}." + (
        f" {counted(failures, 'block')} failed." if failures else ""
    )


def _sum(tables: Sequence[JournalProgress], now: datetime) -> list[Cell]:
    done, total = sum(p.done for p in tables), sum(p.total or 0 for p in tables)
    ends = [p.ends for p in tables if p.ends is not None]
    blocks = f"{sum(p.blocks_done for p in tables):,} of {sum(p.blocks for p in tables):,}"
    devices = {s.device for p in tables for s in p.devices}
    return [
        h("th", h("strong", "all tables"), scope="row", class_="l"),
        "",
        "",
        counted(len(devices), "device"),
        blocks,
        _metered(done, total),
        _clock(max(ends), now) if ends else "–",
        sum(p.failures for p in tables),
        sum(p.unstable for p in tables),
        "",
    ]


def _devices(found: Sequence[JournalProgress]) -> Element | None:
    """Table with one row per device and journal; None with fewer than two."""
    rows: list[list[Cell]] = [
        [
            s.device,
            p.path.name,
            f"{s.done:,}",
            None if s.temperature_c is None else f"{s.temperature_c:.0f}",
            _when(s.last),
        ]
        for p in found
        for s in p.devices
    ]
    if len(rows) < 2:
        return None
    return table(("device", "journal", "measured", "temperature, °C", "last written"), rows, "Devices", left=(0, 1))


def _best(found: Sequence[JournalProgress]) -> Element | None:
    rows: list[list[Cell]] = [
        [
            p.path.name,
            number(b.budget_ms),
            b.network or "none fits yet",
            accuracy_number(b.accuracy, b.score) if b.network else None,
            number(b.cost_ms) if b.network else None,
        ]
        for p in found
        for b in p.best
    ]
    if not rows:
        return None
    accuracy = accuracy_heading(any(b.score for p in found for b in p.best), ",")
    columns = ("search", "budget, ms", "best network so far", accuracy, "predicted, ms")
    return table(columns, rows, "Best network so far within each budget", left=(0, 2))


def _state(progress: JournalProgress) -> Element:
    return h("td", h("span", STATES[progress.state], class_=f"state {progress.state.replace(' ', '-')}"), class_="l")


def _blocks(progress: JournalProgress) -> str:
    return f"{progress.blocks_done:,} of {progress.blocks:,}" if progress.blocks else "–"


def _done(progress: JournalProgress) -> Element | str:
    return _metered(progress.done, progress.total) if progress.total else f"{progress.done:,}"


def _metered(done: int, total: int) -> Element:
    return h("div", f"{done:,} of {total:,}", meter(done / total if total else 0.0))


def _when(text: str) -> str:
    try:
        return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return text[:19]


def _left(progress: JournalProgress, now: datetime) -> str | None:
    if progress.ends is None:
        return None
    if progress.total == progress.done:
        return "any moment"
    return _clock(progress.ends, now)


def _clock(ends: datetime, now: datetime) -> str:
    """Time as text: '13:45, in 12 min'; with the day if it is not today."""
    seconds = (ends - now).total_seconds()
    if seconds <= 0:
        return "any moment"
    hours, minutes = divmod(round(seconds / 60), 60)
    left = f"{hours} h {minutes:02} min" if hours else f"{minutes} min" if minutes else f"{seconds:.0f} s"
    return f"{ends:%H:%M}, in {left}" if ends.date() == now.date() else f"{ends:%a %d %b %H:%M}, in {left}"
