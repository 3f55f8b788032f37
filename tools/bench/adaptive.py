"""Figures of menus of networks on this machine: switches, memory, policies, a real load, packing, files and judges.

    python -m tools.bench.adaptive [--quick] [--seconds 36] [--json FILE]

A menu of OFA-MobileNetV3's space (224 pixels, about 30 MB the largest), with random weights in one set of shared ones,
is timed, packed, and run under a load of higher priority, policies interleaved frame by frame. The drawn traces use
the front of NAS-Bench-Macro (its JSON: --nas-bench-macro), scaled to 20 ms. A supernet of small digits compares files
with their judge. Other work on the machine makes the rows of times and of the real load worse.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from edgenas.adaptive.replay import ORACLE, ReplayedDevice
from edgenas.adaptive.traces import DRAWN, drawn
from edgenas.search.menu import choose_menu
from tools.bench.adaptive_load import real_load
from tools.bench.adaptive_menu import big_menu, files_and_judge, pack_share, switch_memory, switches
from tools.bench.command import Bar, bars_table, options, run, show

MACRO = Path("../shared/data/nas_bench_macro/nas-bench-macro_cifar10.json")
SEEDS, LARGEST_MS, SLOWDOWN = 6, 20.0, 3.0


def macro_front(path: Path) -> tuple[list[float], list[float]]:
    """Return ms (MACs scaled so that the largest network takes LARGEST_MS) and accuracy of the exact front."""
    rows = sorted((row["flops"], sum(row["test_acc"]) / 3) for row in json.loads(path.read_text()).values())
    front: list[tuple[float, float]] = []
    for macs, accuracy in rows:
        if not front or accuracy > front[-1][1]:
            front.append((macs, accuracy))
    return [macs / front[-1][0] * LARGEST_MS for macs, _ in front], [accuracy for _, accuracy in front]


def simulated(path: Path, seeds: int) -> tuple[dict[str, Any], list[Bar], list[Table]]:
    """Return the figures of the policies on the drawn traces."""
    ms, accuracies = macro_front(path)
    budget = ms[-1] * 1.06
    eight = choose_menu(ms, accuracies, budget, 8, SLOWDOWN)
    members = choose_menu(ms, accuracies, budget, 10, SLOWDOWN).members
    device = ReplayedDevice([ms[i] for i in members], [accuracies[i] for i in members], budget)
    found: dict[str, dict[str, list[tuple[float, float, int]]]] = {}
    for name in DRAWN:
        for seed in range(seeds):
            for each in device.compare({}, *drawn(name, seed), seed):
                of = found.setdefault(name, {}).setdefault(each.policy, [])
                of.append((each.late, each.accuracy, each.switches))
    table = Table("trace", "policy", "over budget %", "accuracy %", "switches", title=f"drawn traces, {seeds} seeds")
    bars = [Bar("menu of 8 against the whole front, points", eight.loss, 0.2)]
    means: dict[str, Any] = {"losses": eight.losses}
    for name, policies in found.items():
        mean = {policy: np.mean(rows, 0) for policy, rows in policies.items()}
        means[name] = {policy: [float(value) for value in row] for policy, row in mean.items()}
        for policy, (late, accuracy, changes) in mean.items():
            table.add_row(name, policy, f"{late:.2f}", f"{accuracy:.2f}", f"{changes:.0f}")
        own, theirs = mean["this menu"], mean["as in MathNAS"]
        bars.append(Bar(f"{name}: frames over budget, %", float(own[0]), 2.5))
        bars.append(Bar(f"{name}: as in MathNAS minus ours, %", float(theirs[0] - own[0]), 0.0, at_least=True))
        bars.append(Bar(f"{name}: points below the oracle", float(mean[ORACLE][1] - own[1]), 0.2))
    return means, bars, [table]


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; exit code 1 where one is missed."""
    parser = options(__doc__)
    parser.add_argument("--nas-bench-macro", type=Path, default=MACRO, help="JSON of NAS-Bench-Macro")
    parser.add_argument("--seconds", type=float, default=36.0, help="duration of each real load")
    parser.add_argument("--nets", type=int, default=8, help="networks of the menu of OFA-MobileNetV3's space")
    parser.add_argument("--quick", action="store_true", help="a smaller menu, two seeds and 6 seconds: not the figures")
    args = parser.parse_args(argv)
    nets, seconds, seeds = (4, 6.0, 2) if args.quick else (args.nets, args.seconds, SEEDS)
    numbers: dict[str, Any] = {}
    bars: list[Bar] = []
    tables: list[Table] = []
    absent: dict[str, str] = {}
    if args.nas_bench_macro.is_file():
        numbers["simulated"], more, shown = simulated(args.nas_bench_macro, seeds)
        bars += more
        tables += shown
    else:
        absent["drawn traces"] = f"there is no {args.nas_bench_macro}: name it with --nas-bench-macro"
    with tempfile.TemporaryDirectory() as folder:
        menu = big_menu(Path(folder), nets, in_size=96 if args.quick else 224)
        jobs: dict[str, Callable[[], tuple[dict[str, Any], list[Bar]]]] = {
            "switches": lambda: switches(menu),
            "memory": lambda: switch_memory(menu),
            "pack": lambda: pack_share(menu),
            "file and judge": lambda: files_and_judge(Path(folder)),
        }
        for name, job in jobs.items():
            began = time.monotonic()
            numbers[name], more = job()
            numbers[name]["seconds"] = round(time.monotonic() - began, 1)
            bars += more
        numbers["real load"], more, table = real_load(menu.folder, seconds, repeats=1 if args.quick else 3)
        bars += more
        tables.append(table)
    numbers["bars"] = [bar.as_dict() for bar in bars]
    numbers["load average"] = statistics.fmean(map(float, Path("/proc/loadavg").read_text().split()[:2]))
    show(numbers, [*tables, bars_table(bars)], args.json, absent)
    return 0 if all(bar.met for bar in bars) else 1


if __name__ == "__main__":
    run(main)
