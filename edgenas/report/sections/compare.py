"""The section "Side by side": one column for each run, or for each device that timed a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from edgenas.profiler.verdict import Verdict
from edgenas.report.html import h, number
from edgenas.report.parts import Cell, ms, section, table
from edgenas.report.states import WORDS, budget_state
from edgenas.report.verdict_line import place
from edgenas.runs.gather import RunFiles
from edgenas.runs.layout import SEARCH
from edgenas.runs.run import RunRecord
from edgenas.runs.search import SavedSearch
from edgenas.search.scale import accuracy_text

MOST_COLUMNS = 6  #: compared runs at most


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One column: a run with its search, or a timed file alone; fields are None where they are not known."""

    name: str
    verdict: Verdict | None
    run: RunRecord | None = None
    search: SavedSearch | None = None


def compare_section(material: RunFiles, timed: Sequence[Verdict]) -> Element | None:
    """Return the section; None with fewer than two columns."""
    columns = compared(material, timed)[:MOST_COLUMNS]
    if len(columns) < 2:
        return None
    rows: list[list[Cell]] = [
        ["verdict", *(_state(c.verdict) for c in columns)],
        ["budget", *(_of(c.verdict, lambda v: f"{number(v.budget_ms)} ms" if v.budget_ms else "–") for c in columns)],
        ["measured", *(_of(c.verdict, lambda v: f"{ms(v.measured_ms, v.low_ms, v.high_ms)}, {v.statistic}")
                       for c in columns)],
        ["median", *(_of(c.verdict, lambda v: f"{number(v.median_ms)} ms") for c in columns)],
        ["predicted", *(_of(c.verdict, lambda v: "–" if v.predicted_ms is None else f"{number(v.predicted_ms)} ms")
                        for c in columns)],
        ["file", *(_of(c.verdict, lambda v: v.file) for c in columns)],
        ["device", *(_of(c.verdict, place) for c in columns)],
        ["runtime", *(_of(c.verdict, lambda v: v.runtime if v.setting is None else v.setting.version)
                      for c in columns)],
    ]  # fmt: skip
    if any(c.run is not None for c in columns):
        rows += [
            ["accuracy, trained in full", *(_accuracy(c) for c in columns)],
            ["accuracy, judged by the search", *(_judged(c) for c in columns)],
            ["network", *("–" if c.run is None else c.run.winner for c in columns)],
            ["M MACs", *(_size(c, 1e6, "macs") for c in columns)],
            ["k parameters", *(_size(c, 1e3, "params") for c in columns)],
            ["networks judged", *("–" if c.search is None else _count(c.search) for c in columns)],
        ]
    kept = [row for row in rows if any(cell != "–" for cell in row[1:])]
    heads = ("", *(c.name for c in columns))
    made = table(heads, kept, "Side by side", left=tuple(range(len(heads))))
    return section("compare", "Side by side", _finding(columns), made)


def compared(material: RunFiles, timed: Sequence[Verdict]) -> list[ComparedRun]:
    """Return one column for each run; with fewer than two runs, one for each device of a file that several timed."""
    if len(material.runs) > 1:
        paths = [path.parent for path in material.run_paths]
        return [
            ComparedRun(name, run.shipped, run, material.searches.get(path / SEARCH))
            for name, path, run in zip(run_names(material), paths, material.runs, strict=True)
        ]
    devices: dict[str, dict[str, Verdict]] = {}
    for verdict in timed:
        devices.setdefault(verdict.file, {}).setdefault(verdict.device, verdict)
    several = next((found for found in devices.values() if len(found) > 1), {})
    return [ComparedRun(name, verdict) for name, verdict in several.items()]


def run_names(material: RunFiles) -> list[str]:
    """Return the name of each run: the shortest ends of the paths of their folders that differ."""
    paths = [path.parent for path in material.run_paths]
    for parts in range(1, max((len(path.parts) for path in paths), default=0) + 1):
        names = ["/".join(path.parts[-parts:]) for path in paths]
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in paths]


def _finding(columns: Sequence[ComparedRun]) -> str:
    known = [(c.name, c.verdict.measured_ms) for c in columns if c.verdict is not None]
    if len(known) < 2:
        return f"{len(columns)} runs, one column each."
    (fast, low), (slow, high) = min(known, key=lambda k: k[1]), max(known, key=lambda k: k[1])
    if low == high:
        return f"All {len(known)} take the same time."
    return f"{fast} is the fastest with {number(low)} ms; {slow} takes {number(high / low)} times as long."


def _of(verdict: Verdict | None, text: Callable[[Verdict], str]) -> str:
    return "–" if verdict is None else text(verdict)


def _state(verdict: Verdict | None) -> Cell:
    state = "" if verdict is None else budget_state(verdict)
    return h("td", h("strong", WORDS[state]) if state else WORDS[state], class_=f"l {state}".strip())


def _accuracy(column: ComparedRun) -> str:
    accuracy = None if column.run is None else column.run.accuracy
    return "–" if accuracy is None else f"{accuracy:.1f} %"


def _judged(column: ComparedRun) -> str:
    search = column.search
    return "–" if search is None else accuracy_text(search.answer.accuracy, search.score, 1)


def _size(column: ComparedRun, unit: float, name: str) -> str:
    if column.search is None:
        return "–"
    return number(getattr(column.search.answer.network, name) / unit)


def _count(search: SavedSearch) -> str:
    return f"{len({trial.key for trial in search.trials}):,}"
