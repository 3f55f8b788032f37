"""``edgenas profile``"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from blocks.errors import InputError, OutcomeError
from blocks.spec import BlockSpec
from edgenas.cli.devices import inventory_option, load_entries
from edgenas.cli.live import live_table
from edgenas.cli.networks import NETWORK_HELP, classes_option, in_size_option, load_network, load_space
from edgenas.cli.terminal import json_option, print_json, print_summary, talk
from edgenas.profiling import Table, fill
from edgenas.workers import runtime_named
from profiler.campaign import Campaign
from profiler.plan import Plan


@click.command("profile", epilog=NETWORK_HELP)
@click.argument("space_or_network", required=False)
@click.option("--block", "texts", multiple=True, help="A block by its text, such as ir-56x24-m72-o40-k5-s2-relu6.")
@in_size_option
@classes_option
@click.option(
    "--device", "names", multiple=True, help="A device of the inventory; repeat for several  [default: local]"
)
@click.option("--pool", "pools", multiple=True, help="All devices with this pool, which share one table's work.")
@inventory_option
@click.option("--runtime", help="litert, onnxruntime, benchmark_model or onnxruntime_perf_test  [default: litert; on "
              "phones benchmark_model]")  # fmt: skip
@click.option("--threads", default=1, show_default=True, help="Threads of the runtime.")
@click.option("--core", "cores", type=int, multiple=True, help="A CPU to pin to; repeat for more threads.")
@click.option("--rounds", default=10, show_default=True, help="Interleaved rounds in each process.")
@click.option("--processes", default=3, show_default=True, help="Fresh processes that measure every block.")
@click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path),
              help="The table [default: DEVICE-RUNTIME.jsonl].")  # fmt: skip
@click.option("--force", is_flag=True, help="Measure also a device that is busy, warm or otherwise not ready.")
@json_option
def command(
    space_or_network: str | None,
    texts: tuple[str, ...],
    in_size: int | None,
    classes: int | None,
    names: tuple[str, ...],
    pools: tuple[str, ...],
    inventory: Path | None,
    runtime: str | None,
    threads: int,
    cores: tuple[int, ...],
    rounds: int,
    processes: int,
    out: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Measure every block of a space (or of one network) on devices, and append what is new to a latency table each.

    Blocks a table holds are not measured again, so that the same command continues after Ctrl-C, a crash or a cable
    that was pulled. Devices work side by side; those of a pool share one table, and what one leaves the others do.

    \b
    Example:
      edgenas profile mobilenet_v3_small --in-size 160 --runtime litert -o table.jsonl
      edgenas profile nas_bench_macro --runtime onnxruntime --threads 2
      edgenas profile mobilenet_v3_small --device pi4 --device pixel --pool pi5
    """
    from edgenas.workers import default_runtime, grouped

    if processes < 1:
        raise InputError(f"--processes {processes} is below 1")
    blocks = _blocks(space_or_network, texts, in_size, classes)
    groups = grouped(load_entries(inventory), names or (() if pools else ("local",)), pools)
    if out is not None and len(groups) > 1:
        raise InputError(f"--out names one table, but {', '.join(groups)} fill one each; leave it out")
    tables = {}
    for label, members in groups.items():
        used = runtime or default_runtime(members[0])
        plan = Plan(rounds=rounds, threads=threads, cores=tuple(cores) or members[0].cores)
        tables[label] = Table(members, runtime_named(used), out or Path(f"{label}-{used}.jsonl"), plan)
    with live_table(list(tables)) as live:
        outcomes = fill(tables, blocks, processes, force, live.update, talk)
    failed = [error for error in outcomes.values() if isinstance(error, Exception)]
    if len(outcomes) == 1 and failed:
        raise failed[0]
    reports = {label: _report(tables[label], outcome, blocks) for label, outcome in outcomes.items()}
    if as_json:
        print_json(next(iter(reports.values())) if len(reports) == 1 else reports)
    else:
        for report in reports.values():
            print_summary({key: value for key, value in report.items() if not isinstance(value, dict | list)})
    missing = sum(int(report.get("missing") or 0) for report in reports.values())
    lost = [label for label, outcome in outcomes.items() if isinstance(outcome, Exception)]
    if lost:
        raise OutcomeError(f"{', '.join(lost)} did not finish; the same command continues with what is missing")
    if missing or any(report["failed"] for report in reports.values()):
        raise OutcomeError(f"{missing} blocks are not measured; the same command tries them again")


def _blocks(
    space_or_network: str | None, texts: tuple[str, ...], in_size: int | None, classes: int | None
) -> list[BlockSpec]:
    from search.spaces import SPACES

    blocks = [BlockSpec.parse(text) for text in texts]
    if space_or_network in SPACES:
        blocks += load_space(space_or_network, in_size, classes).blocks()
    elif space_or_network is not None:
        blocks += load_network(space_or_network, in_size, classes).blocks
    if not blocks:
        raise InputError("nothing to measure: name a space (edgenas spaces lists them), a network, or --block TEXT")
    return blocks


def _report(table: Table, outcome: Campaign | Exception, blocks: list[BlockSpec]) -> dict[str, Any]:
    """What became of one table: plain JSON values."""
    if isinstance(outcome, Exception):
        talk(f"{table.path}: {outcome}")
        return {"table": str(table.path), "error": str(outcome)}
    if outcome.dropped_bytes:
        talk(f"{table.path}: left out a last line of {outcome.dropped_bytes} bytes, cut when its writer was killed")
    for failure in outcome.failures:
        talk(f"failed: {failure.block} in process {failure.process} ({failure.stage}): {failure.message}")
    missing = outcome.table.missing(blocks)
    return {
        "table": str(table.path),
        "blocks": len(outcome.table.blocks),
        "measured_now": outcome.measured,
        "failed": len(outcome.failures),
        "missing": len(missing),
        "seconds": round(outcome.seconds, 1),
        "next": f"edgenas table show {table.path}",
        "devices_lost": dict(outcome.lost),
        "setting": outcome.table.setting.as_dict(),
        "missing_blocks": [str(b) for b in missing],
    }
