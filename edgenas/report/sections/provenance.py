"""The sections "Provenance" (settings, validations, files with their sha256) and "Failures"."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from edgenas.base.version import installed_version
from edgenas.latency_tables.imported import ImportedTable
from edgenas.latency_tables.records import piece_text
from edgenas.report.html import h
from edgenas.report.parts import MOST_ROWS, Cell, section, table
from edgenas.report.series import Series
from edgenas.runs.gather import RunFiles
from edgenas.runs.search import SavedSearch

#: fields whose names do not explain themselves
NAMES = {
    "memory_mib": "memory, MiB",
    "cold_kib": "data that another model reads before each sample, KiB",
    "cores": "pinned to core",
    "library_sha256": "sha256 of the runtime",
}


def provenance_section(material: RunFiles, series: Sequence[Series]) -> Element:
    """Return the section with all that a reader needs to repeat the measurements of the page."""
    files: list[list[Cell]] = [
        [s.path.name, s.kind, f"{s.size:,}", h("td", h("code", s.sha256), class_="l")] for s in material.sources
    ]
    return section(
        "provenance",
        "Provenance",
        "Settings under which each table was measured, and the files that this page was made from.",
        h("div", [_setting(s) for s in series], class_="cards"),
        h("div", [_search(path.name, search) for path, search in material.searches.items()], class_="cards"),
        table(("file", "holds", "bytes", "sha256"), files, "Files", left=(0, 1, 3)),
        h("p", f"Made by edgenas {installed_version()}.", class_="hint"),
    )


def failures_section(series: Sequence[Series]) -> Element | None:
    """Return the section of failed measurements; None if there are none."""
    rows: list[list[Cell]] = [
        [piece_text(f.piece), s.label, f.process, f.stage, f.message]
        for s in series
        if s.journal
        for f in s.journal.failures
    ]
    if not rows:
        return None
    count = "1 measurement failed and is" if len(rows) == 1 else f"{len(rows):,} measurements failed and are"
    finding = f"{count} not in any figure."
    if len(rows) > MOST_ROWS:
        finding += f" The last {MOST_ROWS} are shown; the tables' own files have all."
        rows = rows[-MOST_ROWS:]
    shown = table(("block", "table", "process", "stage", "message"), rows, "Failures", left=(0, 1, 3, 4))
    return section("failures", "Failures", finding, shown)


def _setting(series: Series) -> Element:
    pairs: list[tuple[str, str]] = []
    if isinstance(series.table, ImportedTable):
        source = series.table.source
        pairs = [
            ("published as", source.format),
            ("file", source.file),
            ("sha256", source.sha256),
            ("measured on", source.device),
            *(("note", note) for note in source.notes),
        ]
    else:
        values = series.table.setting.as_dict()
        pairs = [
            ("cores of the device" if name == "cores" else _named(name), str(value))
            for name, value in values.pop("device").items()
        ]
        values["cores"] = ", ".join(map(str, values["cores"])) or "not pinned"
        pairs += [(_named(name), str(value)) for name, value in values.items()]
    if series.journal is not None:
        pairs += [("measured by", f"edgenas {series.journal.edgenas}"), ("started", series.journal.created)]
    proof = series.validation
    proved = "never validated: raw sums of blocks are shown"
    if proof is not None:
        proved = f"{len(proof.networks)} networks of {proof.held_out.space}, {proof.held_out.created}"
    pairs += [("validation", proved), ("statistic", series.statistic)]
    return h("div", h("h3", series.label), _list(pairs))


def _named(field: str) -> str:
    """Return the name of a field of a setting for readers."""
    return NAMES.get(field, field.replace("_", " "))


def _search(name: str, search: SavedSearch) -> Element:
    runs = list(dict.fromkeys(run.algorithm for run in search.runs))
    pairs = [
        (
            "space",
            f"{search.space.name}, {search.space.in_size or 'default'} px, {search.space.classes or 'default'} classes",
        ),
        ("accuracy", search.accuracy),
        ("algorithms", ", ".join(runs)),
        ("unit", search.unit),
        ("table", search.table or "–"),
        ("statistic", search.statistic or "–"),
        ("seed", "–" if search.seed is None else str(search.seed)),
    ]
    if search.uncertainty:
        pairs.append(("uncertainty", search.uncertainty))
    if search.predicted_blocks:
        pairs.append(("blocks predicted, not measured", ", ".join(search.predicted_blocks)))
    return h("div", h("h3", f"Search, {name}"), _list(pairs))


def _list(pairs: Sequence[tuple[str, str]]) -> Element:
    return h("dl", [h("div", h("dt", name), h("dd", value)) for name, value in pairs])
