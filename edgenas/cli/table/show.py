"""``edgenas table show``"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edgenas.cli.table.options import (
    csv_option,
    next_search,
    next_validation,
    parquet_option,
    table_argument,
    write_frame,
)
from edgenas.cli.terminal import json_option, print_json, print_summary, print_table, talk


@click.command("show")
@table_argument
@csv_option
@parquet_option
@json_option
def command(table: Path, csv: Path | None, parquet: Path | None, as_json: bool) -> None:
    """Every block: min, median and 90th percentile in ms, the interval of the min, spread between processes; of an
    imported table the published mean. And whether latency follows what a block computes.

    \b
    Example:
      edgenas table show local-litert.jsonl --csv local-litert.csv
    """
    from edgenas.latency_tables.store.open import is_imported

    show = _show_imported if is_imported(table) else _show_measured
    show(table, csv, parquet, as_json)


def _show_measured(path: Path, csv: Path | None, parquet: Path | None, as_json: bool) -> None:
    from edgenas.cli.table.validate import summary
    from edgenas.latency_tables.quality import growth
    from edgenas.latency_tables.statistics.estimates import DEFAULT
    from edgenas.latency_tables.store.journal import read_journal
    from edgenas.latency_tables.validation import latest

    journal = read_journal(path)
    if journal.dropped_bytes:
        talk(f"{path}: a last line that was cut when its writer was killed ({journal.dropped_bytes} bytes) is left out")
    frame = journal.table.to_frame()
    write_frame(frame, csv, parquet)
    rows = _rows(frame, "min_ms")
    proof = latest(journal.table)
    found = growth(journal.table, DEFAULT if proof is None else proof.statistic)
    if as_json:
        head = {
            "kind": "measured",
            "validation": None if proof is None else proof.as_dict(),
            "setting": journal.table.setting.as_dict(),
            "created": journal.created,
        }
        print_json({**head, "quality": found.as_dict(), "blocks": rows})
        return
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
    told = {"validated": "never"} if proof is None else summary(proof)
    then = next_validation(path)
    if proof is not None:
        size = proof.held_out.networks[0][0].in_size
        then = next_search(f"{proof.held_out.space} --in-size {size}", path, imported=False)
    voids = sum(void.last - void.first + 1 for void in journal.table.voids)
    print_summary(
        {
            "quality": str(found),
            "unstable": sum(r["unstable"] for r in rows),
            "drifted rounds": voids,
            **told,
            "next": then,
        }
    )


def _show_imported(path: Path, csv: Path | None, parquet: Path | None, as_json: bool) -> None:
    from edgenas.latency_tables.imported import STATISTIC, read_imported
    from edgenas.latency_tables.quality import growth

    table = read_imported(path)
    frame = table.to_frame()
    write_frame(frame, csv, parquet)
    rows = _rows(frame, "mean_ms")
    found = growth(table, STATISTIC)
    source = table.source
    if as_json:
        head = {"kind": "imported", "source": source.as_dict(), "created": table.created}
        print_json({**head, "quality": found.as_dict(), "blocks": rows})
        return
    print_table(
        ("block", "MMACs", "mean ms", "sd ms", "runs"),
        [(r["block"], r["macs"] / 1e6, r["mean_ms"], r["sd_ms"], r["count"]) for r in rows],
        f"{source.device}, imported from {source.file} ({source.format}): published means, no samples, no intervals",
    )
    notes = {f"note {i}": note for i, note in enumerate(source.notes, start=1)}
    then = next_search(source.space or "SPACE", path, imported=True)
    print_summary({"quality": str(found), "left out": "; ".join(source.left_out) or None, **notes, "next": then})


def _rows(frame: Any, by: str) -> list[dict[str, Any]]:
    """A dictionary a block, slowest first; what is missing is None."""
    ordered = frame.sort_values(by, ascending=False, kind="stable").astype(object)
    return [dict(row) for row in ordered.where(ordered.notna(), None).to_dict("records")]
