"""Measure how well sums of blocks predict whole networks on this machine, compared with methods that a user could apply
without edgenas.

    python -m tools.bench.additivity [--json [FILE]] [--space NAME] [--in-size N ...] [--runtime NAME ...]
        [--networks 24] [--keep FOLDER]

For each space, image size and runtime: a table of all blocks as ``edgenas profile`` measures it; then networks from the
fastest of the space to the slowest with all their blocks, alone and in chains, interleaved in fresh pinned processes as
``edgenas table validate`` does it. All errors are those of networks left out of every fit.

The first table compares methods on the same networks and the same measured times:

    MACs, parameters           a straight line through the other networks (``tools/bench/network_baselines.py``)
    per-operator regression    in the manner of nn-Meter, fitted to the blocks of the table
    careless means             sums of blocks by one process without warm-up, one model after another, mean of 10 runs
    edgenas                    sums of the blocks of the table

"calibrated" is the calibration of edgenas on the other networks, given to all three kinds of sums. The second table has
the sums of blocks that were measured beside the networks: by statistic, and alone or in chains.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import network_random_weights
from edgenas.devices.transports.local import LocalDevice
from edgenas.latency_tables.records import HeldOut, Piece
from edgenas.latency_tables.store.journal import read_journal
from edgenas.latency_tables.validation import validation
from edgenas.profiler.additivity import NetworksGoal
from edgenas.profiler.campaign import ANY, profile, pursue
from edgenas.profiler.device_session import Worker, station
from edgenas.profiler.export import WRITERS
from edgenas.profiler.measure import measure_models
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes import RUNTIMES
from edgenas.profiler.runtimes.base import Runtime
from edgenas.search.spaces import space as find_space
from edgenas.tables.validate import PROCESSES, stratified
from tools.bench.command import options, run, show
from tools.bench.network_baselines import compared

SIZES = {"mobilenet_v3_small": (96, 160), "nas_bench_macro": (32, 64)}
NAIVE = Plan(rounds=1, samples=10, min_sample_us=0, warmup_runs=1, warmup_ms=0, warmup_limit_ms=1, scheduler="normal")


def case(name: str, size: int, runtime: str, networks: int, processes: int, path: Path) -> dict[str, Any]:
    """Measure and compare all methods on one space, image size and runtime."""
    space = find_space(name, size)
    worker = Worker(LocalDevice(), sys.executable)
    how = RUNTIMES[runtime]
    blocks = profile(worker.device, how, space.blocks(), path, writer=WRITERS[how.format], program=worker.program).table
    choices = stratified(space, lambda block: blocks.ms(block, "median"), networks, seed=0)
    pieces = tuple(space.architecture(choice).blocks for choice in choices)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    held_out = HeldOut(f"v{created}", name, created, processes, pieces)
    careless = measured_carelessly(worker, how, pieces)
    pursue([worker], how, NetworksGoal(held_out, True), path, writer=WRITERS[how.format])
    table = read_journal(path).table
    chosen = validation(table, held_out)
    return {
        "space": name,
        "in_size": size,
        "runtime": runtime,
        "networks": len(chosen.networks),
        "range": float(chosen.measured_ms.max() / chosen.measured_ms.min()),
        "statistic": chosen.statistic,
        "methods": {method: found.as_dict() for method, found in compared(table, chosen, careless).items()},
        "by_statistic": {name: validation(table, held_out, name).as_dict() for name in ("min", "median")},
    }


def measured_carelessly(worker: Worker, how: Runtime, networks: Sequence[Piece]) -> dict[BlockSpec, float]:
    """Return the ms of every block of ``networks`` from a simple measurement, without the precautions of edgenas."""
    blocks = list(dict.fromkeys(block for network in networks for block in network if block.kind != "skip"))
    names = {f"m{number}": block for number, block in enumerate(blocks)}
    models = {name: WRITERS[how.format]((b,), network_random_weights((b,), 0)) for name, b in names.items()}
    with station(worker, how, NAIVE, ANY) as held:
        batch = measure_models(worker.device, how, models, held.plan, program=worker.program)
    return {names[name]: float(np.mean(r.samples_ns)) / r.loops / 1e6 for name, r in batch.results.items()}


def table_of_methods(rows: Sequence[dict[str, Any]]) -> Table:
    """Return a table with one line for each method and row: mean absolute error, share within 5 %, rank correlation."""
    table = Table(
        "networks",
        "method",
        "error %",
        "within 5 %",
        "Spearman",
        title="latency of networks that no fit has seen, by what one can know beforehand",
    )
    for row in rows:
        for method, found in row["methods"].items():
            table.add_row(
                f"{row['space']} {row['in_size']}, {row['runtime']}",
                method,
                f"{100 * found['mape']:.2f}",
                f"{100 * found['within_5']:.0f}",
                "-" if found["spearman"][0] is None else f"{found['spearman'][0]:.4f}",
            )
        table.add_section()
    return table


def table_of_statistics(rows: Sequence[dict[str, Any]]) -> Table:
    """Return a table with one line for each statistic and way to estimate a block, compared with the networks; * marks
    the choice of edgenas.
    """
    table = Table(
        "space",
        "runtime",
        "statistic",
        "block",
        "raw %",
        "calibrated %",
        "within 5 %",
        "Spearman",
        "noise %",
        "range",
        "seconds",
        title="sums of blocks measured beside the networks; range: slowest over fastest network; * chosen by edgenas",
    )
    for row in rows:
        for statistic, found in row["by_statistic"].items():
            for sums in found["sums"]:
                used = "*" if (statistic, sums["way"]) == (row["statistic"], found["way"]) else ""
                mine = sums["calibrated"]
                table.add_row(
                    f"{row['space']} {row['in_size']}",
                    row["runtime"],
                    statistic,
                    sums["way"] + used,
                    f"{100 * sums['raw']['mape']:.2f}",
                    f"{100 * mine['mape']:.2f}",
                    f"{100 * mine['within_5']:.0f}",
                    f"{mine['spearman'][0]:.4f}",
                    f"{100 * found['noise']:.2f}",
                    f"{row['range']:.1f}",
                    f"{row['seconds']:.0f}",
                )
    return table


def main(argv: Sequence[str] | None = None) -> int:
    parser = options(__doc__)
    parser.add_argument("--space", action="append", choices=sorted(SIZES), help="which space  [default: all]")
    parser.add_argument("--in-size", type=int, action="append", help="pixels  [default: two a space]")
    parser.add_argument("--runtime", action="append", help="which runtime  [default: litert and onnxruntime]")
    parser.add_argument("--networks", type=int, default=24)
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--keep", type=Path, help="folder that keeps the measured tables")
    given = parser.parse_args(argv)
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in given.space or SIZES:
            for size in given.in_size or SIZES[name]:
                for runtime in given.runtime or ("litert", "onnxruntime"):
                    path = (given.keep or Path(scratch)) / f"{name}-{size}-{runtime}.jsonl"
                    begin = time.monotonic()
                    row = case(name, size, runtime, given.networks, given.processes, path)
                    rows.append({**row, "seconds": time.monotonic() - begin})
                    print(f"{name} {size} {runtime}: {rows[-1]['seconds']:.0f} s", file=sys.stderr)
    show(rows, [table_of_methods(rows), table_of_statistics(rows)], given.json)
    return 0


if __name__ == "__main__":
    run(main)
