"""Do sums of blocks predict whole networks here? Beside what careless measuring would have said, in the same run.

    python -m tools.bench.additivity [--json] [--space NAME] [--in-size N ...] [--runtime NAME ...] [--networks 24]
        [--keep FOLDER]

For each space, resolution and runtime: every block in one process, by which networks are held out, stratified over
latency from the fastest of the space to the slowest; then those networks and all their blocks, alone and in
chains, interleaved in fresh pinned processes as ``edgenas table validate`` does it. 'naive' is one process without
warm-up, one model after another, the mean of 10 runs. Calibrated errors are those of networks left out of the fit.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from edgenas.blocks.weights import network_random_weights
from edgenas.devices.transports.local import LocalDevice
from edgenas.latency_tables.records import HeldOut, Piece
from edgenas.latency_tables.statistics.agreement import agreement
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
from edgenas.profiler.stopping import StoppingRule, pieces_of
from edgenas.search.spaces import space as find_space
from edgenas.tables.validate import PROCESSES, stratified

SIZES = {"mobilenet_v3_small": (96, 160), "nas_bench_macro": (32, 64)}
NAIVE = Plan(rounds=1, samples=10, min_sample_us=0, warmup_runs=1, warmup_ms=0, warmup_limit_ms=1, scheduler="normal")


def case(name: str, size: int, runtime: str, networks: int, processes: int, path: Path) -> dict[str, Any]:
    """One row: the validation and the naive procedure."""
    space = find_space(name, size)
    worker = Worker(LocalDevice(), sys.executable)
    how = RUNTIMES[runtime]
    once = StoppingRule.exactly(1)  # to know which networks are fast and which are slow
    blocks = profile(
        worker.device, how, space.blocks(), path, writer=WRITERS[how.format], program=worker.program, enough=once
    ).table
    choices = stratified(space, lambda block: blocks.ms(block, "median"), networks, seed=0)
    pieces = tuple(space.architecture(choice).blocks for choice in choices)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    held_out = HeldOut(f"v{created}", name, created, processes, pieces)
    naive = measured_naively(worker, how, pieces)
    pursue([worker], how, NetworksGoal(held_out, True), path, writer=WRITERS[how.format])
    table = read_journal(path).table
    chosen = validation(table, held_out)
    by_statistic = {name: validation(table, held_out, name).as_dict() for name in ("min", "median")}
    told = {"space": name, "in_size": size, "runtime": runtime, "networks": len(chosen.networks), "naive": naive}
    told["range"] = float(chosen.measured_ms.max() / chosen.measured_ms.min())
    return {**told, "statistic": chosen.statistic, "by_statistic": by_statistic}


def measured_naively(worker: Worker, how: Runtime, networks: Sequence[Piece]) -> dict[str, Any]:
    """Agreement of sums with wholes, both measured without care."""
    pieces = list(dict.fromkeys([*networks, *(p for network in networks for p in pieces_of(network, False))]))
    names = {f"m{number}": piece for number, piece in enumerate(pieces)}
    models = {name: WRITERS[how.format](p, network_random_weights(p, 0)) for name, p in names.items()}
    with station(worker, how, NAIVE, ANY) as held:
        batch = measure_models(worker.device, how, models, held.plan, program=worker.program)
    ms = {names[name]: float(np.mean(r.samples_ns)) / r.loops / 1e6 for name, r in batch.results.items()}
    sums = np.array([sum(ms[(b,)] for b in network if b.kind != "skip") for network in networks])
    return agreement(sums, np.array([ms[network] for network in networks])).as_dict()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", action="append", choices=sorted(SIZES), help="which space  [default: all]")
    parser.add_argument("--in-size", type=int, action="append", help="pixels  [default: two a space]")
    parser.add_argument("--runtime", action="append", help="which runtime  [default: litert and onnxruntime]")
    parser.add_argument("--networks", type=int, default=24)
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--keep", type=Path, help="folder that keeps the measured tables")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    given = parser.parse_args()
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
    if given.json:
        print(json.dumps(rows, indent=1))
        return
    table = Table(
        "space",
        "runtime",
        "naive %",
        "naive rho",
        "statistic",
        "block",
        "raw %",
        "calibrated %",
        "within 5 %",
        "Spearman",
        "noise %",
        "range",
        "seconds",
        title="mean absolute error of sums of blocks against whole networks; range: slowest over fastest",
    )
    for row in rows:
        for statistic, found in row["by_statistic"].items():
            for sums in found["sums"]:
                used = "*" if (statistic, sums["way"]) == (row["statistic"], found["way"]) else ""
                mine = sums["calibrated"]
                table.add_row(
                    f"{row['space']} {row['in_size']}",
                    row["runtime"],
                    f"{100 * row['naive']['mape']:.1f}",
                    f"{row['naive']['spearman'][0]:.3f}",
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
    Console(width=160).print(table)
    print("* what the device's own report chooses")


if __name__ == "__main__":
    main()
