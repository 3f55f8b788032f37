"""The command ``edgenas profile``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edgenas.api.named import NETWORK_HELP
from edgenas.base.counted import counted
from edgenas.base.errors import InputError
from edgenas.blocks.size import ImageSize
from edgenas.cli import completions
from edgenas.cli.budget_type import BUDGET_MS
from edgenas.cli.delegate_options import delegate_options, only_delegated_option, refuse_only_delegated
from edgenas.cli.devices import force_option, inventory_option
from edgenas.cli.grouped import PROFILE, grouped
from edgenas.cli.networks import channels_option, classes_option, in_size_option
from edgenas.cli.paths import UserPath
from edgenas.cli.terminal import json_option, print_json, print_summary
from edgenas.cli.terminal_listener import TERMINAL
from edgenas.cli.worker_options import score_option


@click.command("profile", cls=grouped(PROFILE), epilog=NETWORK_HELP)
@click.argument("space_or_network", required=False, shell_complete=completions.spaces_and_networks)
@click.option("--block", "texts", multiple=True, help="Block to measure, such as ir-56x24-m72-o40-k5-s2-relu6.")
@in_size_option
@classes_option
@channels_option
@click.option(
    "--device",
    "names",
    multiple=True,
    shell_complete=completions.devices,
    help="Device of the inventory; repeat for several  [default: local]",
)
@click.option(
    "--pool",
    "pools",
    multiple=True,
    shell_complete=completions.pools,
    help="Pool of the inventory: its devices share the work of one table; repeat for several.",
)
@inventory_option
@click.option(
    "--runtime",
    shell_complete=completions.words_or_own(*completions.RUNTIMES),
    help="Runtime: litert, onnxruntime, benchmark_model, onnxruntime_perf_test, or one of your own: "
    "my_runtime.py:NAME  [default: litert; on phones benchmark_model]",
)
@click.option(
    "--precision",
    type=click.Choice(completions.MEASURED),
    default="fp32",
    show_default=True,
    help="Precision of the blocks; int8 is calibrated on random activations. A table holds one precision.",
)
@click.option("--threads", default=1, show_default=True, help="Threads of the runtime.")
@delegate_options
@only_delegated_option
@click.option("--core", "cores", type=int, multiple=True, help="CPU to pin a thread to; repeat for more threads.")
@click.option("--rounds", default=10, show_default=True, help="Interleaved rounds in each process.")
@click.option(
    "--processes",
    default=3,
    show_default=True,
    help="Minimum number of processes that measure each block, each started anew.",
)
@click.option(
    "--most-processes",
    default=10,
    show_default=True,
    help="Maximum number of processes that measure a block, as long as its interval is wider than --within.",
)
@click.option(
    "--within",
    default=2.0,
    show_default=True,
    metavar="PERCENT",
    help="Half-width of a block's 95 % interval to reach, in percent of its latency.",
)
@click.option(
    "--statistic",
    default="median",
    show_default=True,
    shell_complete=completions.words(*completions.STATISTICS[:3]),
    help="Statistic whose interval --within limits: min, median or p90.",
)
@click.option(
    "--cold-kib",
    default=8192,
    show_default=True,
    help="KiB of weights that another model reads before every run, so that caches are as they are "
    "inside a network; 0 for runs back to back.",
)
@click.option(
    "--chains", is_flag=True, help="Also measure each block inside a chain of blocks; see edgenas table validate."
)
@click.option(
    "-o",
    "--out",
    type=UserPath(dir_okay=False, path_type=Path),
    help="Latency table to write  [default: DEVICE-RUNTIME[-DELEGATE][-int8].jsonl]",
)
@click.option(
    "--for-search",
    is_flag=True,
    help="Measure only the blocks that the best networks of SPACE may contain, and predict the others.",
)
@click.option(
    "--budget-ms",
    "budgets_ms",
    type=BUDGET_MS,
    multiple=True,
    help="Latency budget in ms, with --for-search: the blocks of the best networks inside it are measured; "
    "repeat for several.",
)
@click.option(
    "--accuracy",
    help="Judge of the blocks, with --for-search, as for edgenas search. Without it, larger blocks are assumed to be "
    "more accurate: log(1 + capacity) for each block, from its MACs and parameters.",
)
@score_option
@click.option(
    "--from",
    "old",
    type=UserPath(dir_okay=False, path_type=Path),
    shell_complete=completions.tables,
    help="Table of another device, runtime or number of threads: only --blocks blocks are measured, and all others are "
    "predicted from it.",
)
@click.option(
    "--blocks",
    "count",
    type=click.IntRange(min=1),
    help="Number of blocks to measure, with --from: those that say most about the networks of SPACE  [default: 20]",
)
@click.option(
    "--networks",
    type=click.IntRange(min=0),
    help="Networks that are timed whole to validate the table, with --from, at least 8; 0 for none  [default: 12]",
)
@click.option(
    "--whole",
    type=click.IntRange(min=1),
    metavar="N",
    help="Time N whole networks of SPACE instead of blocks, and fit the times of blocks to them; for runtimes in which "
    "a block alone means little. The fit starts from --from, where it is given.",
)
@force_option
@json_option
def command(
    space_or_network: str | None,
    texts: tuple[str, ...],
    in_size: ImageSize | None,
    classes: int | None,
    channels: int | None,
    names: tuple[str, ...],
    pools: tuple[str, ...],
    inventory: Path | None,
    runtime: str | None,
    precision: str,
    threads: int,
    delegate: str | None,
    partial: bool,
    software: bool,
    only_delegated: bool,
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
    old: Path | None,
    count: int | None,
    networks: int | None,
    whole: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """Measure every block of a space (or of one network) on devices, and append new blocks to the latency table of each
    device.

    Blocks that a table holds are not measured again, so the same command continues after Ctrl-C, a crash or a pulled
    cable. Devices work in parallel; those of a pool share one table, and the others take over when one stops.

    \b
    Example:
      edgenas profile mobilenet_v3_small --in-size 160 --runtime litert \\
        -o table.jsonl
      edgenas profile nas_bench_macro --runtime onnxruntime --threads 2
      edgenas profile mobilenet_v2 --precision int8
      edgenas profile mobilenet_v2 --device pi5 --delegate gpu
      edgenas profile mobilenet_v3_small --device pi4 --device pixel --pool pi5
      edgenas profile tunas_v3 --for-search --budget-ms 20 --budget-ms 40
      edgenas profile mobilenet_v3_small --device pi5 \\
        --from pi4-litert.jsonl --blocks 20
      edgenas profile mobilenet_v3_small --runtime onnxruntime --whole 40
    """
    from edgenas.api.fit_table import profile_whole
    from edgenas.api.profile import profile
    from edgenas.api.profile_for_search import profile_for_search
    from edgenas.api.transfer import transfer

    measured: dict[str, Any] = {
        "in_size": in_size,
        "classes": classes,
        "channels": channels,
        "device": names,
        "pool": pools,
        "inventory": inventory,
        "runtime": runtime,
        "precision": precision,
        "threads": threads,
        "delegate": delegate,
        "partial": partial,
        "software": software,
        "cores": cores,
        "rounds": rounds,
        "processes": processes,
        "most_processes": most_processes,
        "within": within,
        "statistic": statistic,
        "cold_kib": cold_kib,
        "chains": chains,
        "out": out,
        "force": force,
        "listener": TERMINAL,
    }
    refuse_only_delegated(only_delegated and (whole is not None or old is not None or for_search))
    if whole is not None:
        if space_or_network is None or texts or for_search or budgets_ms or accuracy or score or chains or pools:
            raise InputError(
                "--whole takes a whole space, such as mobilenet_v3_small, and none of --block, --for-search, "
                "--budget-ms, --accuracy, --score, --chains and --pool"
            )
        if count is not None or networks is not None:
            raise InputError("--blocks and --networks belong to --from without --whole: leave them out")
        del measured["chains"], measured["pool"]
        made = profile_whole(space_or_network, networks=whole, old=old, **measured)
        if as_json:
            print_json(made.to_json())
        else:
            print_summary(made.summary(), repr(made)[1:-1])
        made.check()
        return
    if old is None and (count is not None or networks is not None):
        raise InputError("--blocks and --networks belong to --from: add --from TABLE, or leave them out")
    if old is not None:
        if space_or_network is None or texts or for_search or budgets_ms or accuracy or score:
            raise InputError(
                "--from takes a whole space, such as mobilenet_v3_small, and none of --block, --for-search, "
                "--budget-ms, --accuracy and --score"
            )
        measured |= {} if count is None else {"blocks": count}
        measured |= {} if networks is None else {"networks": networks}
        found = transfer(space_or_network, old, **measured)
        if as_json:
            print_json(found.to_json())
        else:
            print_summary(found.summary(), repr(found)[1:-1].removeprefix("Transfer "))
        found.check()
        return
    if for_search:
        if space_or_network is None or texts:
            raise InputError("--for-search takes a whole space, such as tunas_v3, and no --block")
        front = profile_for_search(space_or_network, budget_ms=budgets_ms, accuracy=accuracy, score=score, **measured)
        if as_json:
            print_json(front.to_json())
        else:
            print_summary(front.summary(), repr(front)[1:-1].removeprefix("Profiled "))
        front.check()
        return
    if budgets_ms or accuracy or score:
        raise InputError(
            "--budget-ms, --accuracy and --score belong to --for-search: add --for-search, or leave them out"
        )
    done = profile(space_or_network, blocks=texts, only_delegated=only_delegated, **measured)
    if as_json:
        print_json(done.to_json())
    else:
        for report in done.reports.values():
            shown = {key: value for key, value in report.items() if not isinstance(value, dict | list)}
            held = (
                f"{counted(report['blocks'], 'block')}, {report['missing']} missing"
                if "blocks" in report
                else "nothing new"
            )
            print_summary(shown, f"{report['table']} holds {held}")
    done.check()
