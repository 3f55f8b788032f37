"""``edgenas profile``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgenas.base.errors import InputError, OutcomeError
from edgenas.blocks.spec import BlockSpec
from edgenas.cli import completions
from edgenas.cli.devices import inventory_option, load_entries
from edgenas.cli.live_campaign import live_table
from edgenas.cli.networks import NETWORK_HELP, classes_option, in_size_option, load_network, load_space
from edgenas.cli.profile_for_search import profile_for_search
from edgenas.cli.terminal import json_option, print_json, print_summary, talk
from edgenas.cli.worker_options import score_option

if TYPE_CHECKING:
    from edgenas.profiler.campaign import Campaign
    from edgenas.profiler.fill import TableJob
    from edgenas.profiler.stopping import StoppingRule


@click.command("profile", epilog=NETWORK_HELP)
@click.argument("space_or_network", required=False, shell_complete=completions.spaces_and_networks)
@click.option("--block", "texts", multiple=True, help="A block by its text, such as ir-56x24-m72-o40-k5-s2-relu6.")
@in_size_option
@classes_option
@click.option(
    "--device",
    "names",
    multiple=True,
    shell_complete=completions.devices,
    help="A device of the inventory; repeat for several  [default: local]",
)
@click.option(
    "--pool",
    "pools",
    multiple=True,
    shell_complete=completions.pools,
    help="All devices with this pool, which share one table's work.",
)
@inventory_option
@click.option(
    "--runtime",
    shell_complete=completions.words_or_own(*completions.RUNTIMES),
    help="litert, onnxruntime, benchmark_model, onnxruntime_perf_test, or one of your own: "
    "my_runtime.py:NAME  [default: litert; on phones benchmark_model]",
)
@click.option(
    "--precision",
    type=click.Choice(completions.MEASURED),
    default="fp32",
    show_default=True,
    help="Of the blocks, calibrated on random activations; a table holds one.",
)
@click.option("--threads", default=1, show_default=True, help="Threads of the runtime.")
@click.option("--core", "cores", type=int, multiple=True, help="A CPU to pin to; repeat for more threads.")
@click.option("--rounds", default=10, show_default=True, help="Interleaved rounds in each process.")
@click.option("--processes", default=3, show_default=True, help="Fresh processes that measure every block at least.")
@click.option(
    "--most-processes",
    default=10,
    show_default=True,
    help="Fresh processes that measure a block at most, while it is not known within --within.",
)
@click.option(
    "--within",
    default=2.0,
    show_default=True,
    metavar="PERCENT",
    help="A block is known when half of its 95 % interval is this narrow.",
)
@click.option(
    "--statistic",
    default="median",
    show_default=True,
    shell_complete=completions.words(*completions.STATISTICS[:3]),
    help="The one that is to be known: min, median or p90.",
)
@click.option(
    "--cold-kib",
    default=8192,
    show_default=True,
    help="KiB of weights that another model reads before every run, so that caches are as inside a network; "
    "0 for runs back to back.",
)
@click.option("--chains", is_flag=True, help="Measure each block also inside a chain: see edgenas table validate.")
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The table [default: DEVICE-RUNTIME.jsonl, or DEVICE-RUNTIME-int8.jsonl].",
)
@click.option(
    "--for-search",
    is_flag=True,
    help="Measure only blocks that the best networks of SPACE may contain; predict the others.",
)
@click.option(
    "--budget-ms",
    "budgets_ms",
    type=float,
    multiple=True,
    help="With --for-search: only the best networks at this budget; repeat for several.",
)
@click.option(
    "--accuracy",
    help="With --for-search: who says what blocks are worth, as for edgenas search; without it "
    "size stands in for accuracy: log(1 + capacity) a block, of MACs and parameters.",
)
@score_option
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
    precision: str,
    threads: int,
    cores: tuple[int, ...],
    rounds: int,
    processes: int,
    most_processes: int,
    within: float,
    statistic: str,
    cold_kib: int,
    chains: bool,
    out: Path | None,
    for_search: bool,
    budgets_ms: tuple[float, ...],
    accuracy: str | None,
    score: bool,
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
      edgenas profile mobilenet_v2 --precision int8
      edgenas profile mobilenet_v3_small --device pi4 --device pixel --pool pi5
      edgenas profile tunas_v3 --for-search --budget-ms 20 --budget-ms 40
    """
    from edgenas.profiler.fill import TableJob, fill
    from edgenas.profiler.plan import Plan
    from edgenas.profiler.stopping import StoppingRule
    from edgenas.profiler.workers import default_runtime, file_label, grouped, runtime_named

    enough = StoppingRule(processes, max(most_processes, processes), within / 100, statistic)
    blocks = _blocks(space_or_network, texts, in_size, classes)
    groups = grouped(load_entries(inventory), names or (() if pools else ("local",)), pools)
    if out is not None and len(groups) > 1:
        raise InputError(f"--out names one table, but {', '.join(groups)} fill one each; leave it out")
    tables = {}
    suffix = "" if precision == "fp32" else f"-{precision}"
    for label, members in groups.items():
        used = runtime or default_runtime(members[0])
        pinned = tuple(cores) or members[0].cores
        plan = Plan(rounds=rounds, threads=threads, cores=pinned, cold_kib=cold_kib, precision=precision)
        tables[label] = TableJob(
            members, runtime_named(used), out or Path(f"{label}-{file_label(used)}{suffix}.jsonl"), plan
        )
    if for_search:
        if space_or_network is None or texts:
            raise InputError("--for-search takes a whole space, such as tunas_v3, and no --block")
        space = load_space(space_or_network, in_size, classes)
        profile_for_search(space, tables, enough, chains, budgets_ms, accuracy, score, force, as_json)
        return
    if budgets_ms or accuracy or score:
        raise InputError(
            "--budget-ms, --accuracy and --score say what --for-search is to search for; add it, or leave them out"
        )
    with live_table(list(tables)) as live:
        outcomes = fill(tables, blocks, enough, force, live.update, talk, chains=chains)
    failed = [error for error in outcomes.values() if isinstance(error, Exception)]
    if len(outcomes) == 1 and failed:
        raise failed[0]
    reports = {label: _report(tables[label], outcome, blocks, enough) for label, outcome in outcomes.items()}
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
    from edgenas.search.spaces import is_space

    blocks = [BlockSpec.parse(text) for text in texts]
    if space_or_network is not None and is_space(space_or_network):
        blocks += load_space(space_or_network, in_size, classes).blocks()
    elif space_or_network is not None:
        blocks += load_network(space_or_network, in_size, classes).blocks
    if not blocks:
        raise InputError("nothing to measure: name a space (edgenas spaces lists them), a network, or --block TEXT")
    return blocks


def _report(
    table: TableJob, outcome: Campaign | Exception, blocks: list[BlockSpec], enough: StoppingRule
) -> dict[str, Any]:
    """What became of one table: plain JSON values."""
    from edgenas.latency_tables.records import piece_text
    from edgenas.profiler.stopping import pieces_of

    if isinstance(outcome, Exception):
        talk(f"{table.path}: {outcome}")
        return {"table": str(table.path), "error": str(outcome)}
    if outcome.dropped_bytes:
        talk(f"{table.path}: left out a last line of {outcome.dropped_bytes} bytes, cut when its writer was killed")
    for failure in outcome.failures:
        talk(f"failed: {piece_text(failure.piece)} in process {failure.process} ({failure.stage}): {failure.message}")
    missing = outcome.table.missing(blocks)
    unstable = enough.unstable(outcome.table, pieces_of(blocks, False))
    return {
        "table": str(table.path),
        "blocks": len(outcome.table.blocks),
        "measured_now": outcome.measured,
        "failed": len(outcome.failures),
        "missing": len(missing),
        "unstable": len(unstable),
        "drifted_rounds": sum(void.last - void.first + 1 for void in outcome.table.voids),
        "seconds": round(outcome.seconds, 1),
        "next": f"edgenas table show {table.path}",
        "devices_lost": dict(outcome.lost),
        "setting": outcome.table.setting.as_dict(),
        "missing_blocks": [str(b) for b in missing],
        "unstable_blocks": [piece_text(piece) for piece in unstable],
    }
