"""The section "Devices and runtimes": device, chip, runtime, precision, blocks and validation of each table."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from edgenas.latency_tables.imported import ImportedTable
from edgenas.report.html import h
from edgenas.report.parts import Cell, section, swatch, table
from edgenas.report.series import Series


def tables_section(series: Sequence[Series]) -> Element | None:
    """Return the section; None without a table."""
    if not series:
        return None
    proved = sum(s.validation is not None for s in series)
    finding = "One row per device, runtime and precision. " + (
        "None was validated: the error of sums of blocks is not known."
        if not proved
        else f"{proved} of {len(series)} were validated on whole networks."
        if proved < len(series)
        else "Each was validated on whole networks."
        if len(series) > 1
        else "It was validated on whole networks."
    )
    columns = ("device", "chip", "runtime", "precision", "threads", "blocks", "statistic", "95 % prediction interval")
    rows = [_row(s) for s in series]
    made = table(columns, rows, "Latency tables", left=(0, 1, 2, 3, 6))
    for line, s in zip(made.iterfind(".//tbody/tr"), series, strict=True):
        line.set("data-series", str(s.index))
    return section("tables", "Devices and runtimes", finding, made)


def _row(series: Series) -> list[Cell]:
    proof = series.validation
    held = "not validated" if proof is None else f"{proof.interval_text}, {len(proof.networks)} networks"
    if isinstance(series.table, ImportedTable):
        source = series.table.source
        return [
            _named(series, source.device or "unknown"),
            "–",
            source.format,
            "–",
            None,
            len(series.table.blocks),
            series.statistic,
            "published, not measured by edgenas",
        ]
    setting = series.table.setting
    facts = dict(setting.device)
    chip = facts.get("soc") or facts.get("cpu") or facts.get("model") or "–"
    runtime = f"{setting.version.replace('_', ' ')}, {setting.delegate}"
    return [
        _named(series, "+".join(series.devices) or "unknown"),
        str(chip),
        runtime,
        setting.precision,
        setting.threads,
        len(series.table.blocks),
        series.statistic,
        held,
    ]


def _named(series: Series, name: str) -> Element:
    return h("th", swatch(series.index), " ", name, scope="row", class_="l named")
