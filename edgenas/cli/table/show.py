"""The command ``edgenas table show``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgenas.base.counted import counted
from edgenas.cli.table.options import (
    csv_option,
    next_search,
    next_validation,
    parquet_option,
    space_at,
    table_argument,
    write_frame,
)
from edgenas.cli.terminal import json_option, print_json, print_summary, print_table, talk

if TYPE_CHECKING:
    from edgenas.api.table import Table
    from edgenas.latency_tables.store.journal import Journal


@click.command("show")
@table_argument
@csv_option
@parquet_option
@json_option
def command(table: Path, csv: Path | None, parquet: Path | None, as_json: bool) -> None:
    """Print every block of a table: min, median and p90 in ms, the interval of the min, spread between processes; of an
    imported table the published mean. The summary rates how well latency follows the MACs of blocks.

    \b
    Example:
      edgenas table show local-litert.jsonl --csv local-litert.csv
    """
    from edgenas.api.table import open_table

    opened = open_table(table)
    journal = opened.journal
    if journal is not None and journal.dropped_bytes:
        talk(
            f"{table}: the last line ({journal.dropped_bytes} bytes) is incomplete, since its writer was killed; it is "
            "left out"
        )
    write_frame(opened.to_frame(), csv, parquet)
    if as_json:
        print_json(opened.to_json())
    elif journal is None:
        _show_imported(opened)
    else:
        _show_measured(opened, journal)


def _show_measured(opened: Table, journal: Journal) -> None:
    from edgenas.cli.table.validate import summary

    rows, proof = opened.rows(), opened.validation
    s = journal.table.setting
    cores = ",".join(map(str, s.cores)) or "any"
    device = dict(s.device).get("model") or dict(s.device).get("cpu") or "unknown device"
    title = (
        f"{device}: {s.version}, {s.delegate}, {s.precision}, {s.threads} thread(s) on core(s) {cores}, {s.scheduler}, "
        f"{f'after another model read {s.cold_kib} KiB' if s.cold_kib else 'back to back'}"
    )
    print_table(
        ("block", "MMACs", "min ms", "95 % interval", "median ms", "p90 ms", "spread %", "samples", ""),
        [
            (
                r["block"],
                r["macs"] / 1e6,
                r["min_ms"],
                f"{r['min_low_ms']:.4g} .. {r['min_high_ms']:.4g}",
                r["median_ms"],
                r["p90_ms"],
                100 * r["spread"],
                r["samples"],
                "unstable" if r["unstable"] else "",
            )
            for r in rows
        ],
        title,
    )
    validated = {"validated": "never"} if proof is None else summary(proof)
    then = next_validation(opened.path)
    if proof is not None:
        stem = proof.held_out.networks[0][0]
        space = space_at(proof.held_out.space, stem.in_size, stem.c_in)
        then = next_search(space, opened.path, imported=False)
    voids = sum(void.last - void.first + 1 for void in journal.table.voids)
    print_summary(
        {
            "quality": str(opened.quality),
            "unstable": sum(r["unstable"] for r in rows),
            "drifted rounds": voids,
            **validated,
            "next": then,
        },
        f"{counted(len(rows), 'block')}, {'not validated' if proof is None else 'validated'}",
    )


def _show_imported(opened: Table) -> None:
    from edgenas.latency_tables.imported import ImportedTable

    assert isinstance(opened.data, ImportedTable)
    rows, source = opened.rows(), opened.data.source
    networks = len(opened.data.networks)
    known = (
        f"estimates from {counted(networks, 'whole network')}"
        if networks
        else "published means, no samples, no intervals"
    )
    print_table(
        ("block", "MMACs", "mean ms", "sd ms", "runs", *(("90 % interval",) if networks else ())),
        [
            (r["block"], r["macs"] / 1e6, r["mean_ms"], r["sd_ms"], r["count"], *((_ends(r),) if networks else ()))
            for r in rows
        ],
        f"{source.device}, imported from {source.file} ({source.format}): {known}",
    )
    notes = {f"note {i}": note for i, note in enumerate(source.notes, start=1)}
    then = next_search(source.space or "SPACE", opened.path, imported=not networks)
    print_summary(
        {"quality": str(opened.quality), "left out": "; ".join(source.left_out) or None, **notes, "next": then},
        f"{counted(len(rows), 'block')}, imported",
    )


def _ends(row: dict[str, Any]) -> str:
    return "-" if row["low_ms"] is None else f"{row['low_ms']:.4g} .. {row['high_ms']:.4g}"
