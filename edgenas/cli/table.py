"""``edgenas table show`` and ``edgenas table check``"""

from __future__ import annotations

from pathlib import Path

import click

from blocks.errors import OutcomeError
from edgenas.cli.networks import classes_option, in_size_option, load_space
from edgenas.cli.terminal import json_option, print_json, print_summary, print_table, talk

table_argument = click.argument("table", type=click.Path(dir_okay=False, path_type=Path))


@click.group("table")
def command() -> None:
    """Show a latency table, or check what it lacks.

    \b
    Example:
      edgenas table show local-litert.jsonl
      edgenas table check local-litert.jsonl --space mobilenet_v3_small
    """


@command.command("show")
@table_argument
@click.option("--csv", type=click.Path(dir_okay=False, path_type=Path), help="Also write the table as CSV.")
@json_option
def show(table: Path, csv: Path | None, as_json: bool) -> None:
    """Every block measured: min, median and 90th percentile in ms, the interval of the min, spread between processes.

    \b
    Example:
      edgenas table show local-litert.jsonl --csv local-litert.csv
    """
    from latency_tables.journal import read_journal

    journal = read_journal(table)
    if journal.dropped_bytes:
        talk(
            f"{table}: a last line that was cut when its writer was killed ({journal.dropped_bytes} bytes) is left out"
        )
    frame = journal.table.to_frame().sort_values("min_ms", ascending=False)
    if csv is not None:
        journal.table.to_csv(csv)
        talk(f"written: {csv}")
    rows = frame.to_dict("records")
    if as_json:
        print_json({"setting": journal.table.setting.as_dict(), "created": journal.created, "blocks": rows})
        return
    s = journal.table.setting
    cores = ",".join(map(str, s.cores)) or "any"
    device = dict(s.device).get("model") or dict(s.device).get("cpu") or "unknown device"
    title = (
        f"{device}: {s.version}, {s.delegate}, {s.precision}, {s.threads} thread(s) on core(s) {cores}, {s.scheduler}"
    )
    print_table(
        ("block", "MMACs", "min ms", "95 % interval", "median ms", "p90 ms", "spread %", "samples"),
        [
            (r["block"], r["macs"] / 1e6, r["min_ms"], f"{r['min_low_ms']:.4g} .. {r['min_high_ms']:.4g}",
             r["median_ms"], r["p90_ms"], 100 * r["spread"], r["samples"])
            for r in rows
        ],
        title,
    )  # fmt: skip


@command.command("check")
@table_argument
@click.option("--space", "name", required=True, help="The space whose blocks the table should hold.")
@in_size_option
@classes_option
@json_option
def check(table: Path, name: str, in_size: int | None, classes: int | None, as_json: bool) -> None:
    """Which blocks of a space a table lacks; exit code 1 when it lacks any.

    \b
    Example:
      edgenas table check local-litert.jsonl --space nas_bench_macro
    """
    from latency_tables.journal import read_journal

    journal = read_journal(table)
    blocks = load_space(name, in_size, classes).blocks()
    missing = journal.table.missing(blocks)
    if as_json:
        print_json({"space": name, "blocks": len(blocks), "missing": [str(b) for b in missing]})
    else:
        print_summary({"table": str(table), "space": name, "blocks": len(blocks), "missing": len(missing)})
        for block in missing:
            click.echo(f"  {block}")
    if missing:
        sizes = "".join(f" --{key} {v}" for key, v in (("in-size", in_size), ("classes", classes)) if v is not None)
        runtime = journal.table.setting.runtime
        raise OutcomeError(
            f"{len(missing)} of {len(blocks)} blocks of {name} are not measured; type: "
            f"edgenas profile {name}{sizes} --runtime {runtime} -o {table}"
        )
