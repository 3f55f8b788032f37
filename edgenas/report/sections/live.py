"""What runs now: a row a journal, with progress, the estimated end and failures."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from edgenas.report.html import h
from edgenas.report.parts import Cell, meter, section, table
from edgenas.watching import Progress


def live_section(found: Sequence[Progress], problem: str = "") -> Element:
    """First on a served page. ``problem`` is why files cannot be shown just now."""
    running = [p for p in found if p.running]
    finding = (
        f"{len(running)} of {len(found)} journals are being written." if found else "Nothing has been written yet."
    )
    note = h("p", problem, class_="problem", role="alert") if problem else None
    if not found:
        return section("now", "Now", finding, note)
    rows: list[list[Cell]] = [
        [p.path.name, p.what, "running" if p.running else "quiet", "+".join(p.devices) or "–", _done(p), _left(p),
         None if p.temperature_c is None else f"{p.temperature_c:.0f}", p.failures, p.unstable, _when(p)]
        for p in found
    ]  # fmt: skip
    columns = ("journal", "what", "state", "device", "done", "left, about", "°C", "failed", "unstable", "last written")
    hint = (
        "Done and left count the least that every block, and every network held out, is measured; blocks that disagree "
        "are measured more often, and are unstable while their medians are not known to 2 %. How many networks a "
        "search will judge, nobody knows before."
    )
    return section("now", "Now", finding, note, table(columns, rows, "What is being measured", left=(0, 1, 2, 3)),
                   h("p", hint, class_="hint"))  # fmt: skip


def _done(progress: Progress) -> Element | str:
    if not progress.total:
        return str(progress.done)
    return h("div", f"{progress.done} of {progress.total}", meter(progress.done / progress.total))


def _when(progress: Progress) -> str:
    return progress.last[:19].replace("T", " ")


def _left(progress: Progress) -> str | None:
    if progress.left_s is None:
        return None
    if progress.total == progress.done:
        return "little" if progress.running else "nothing"
    minutes, seconds = divmod(round(progress.left_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"
