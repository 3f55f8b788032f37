"""Measure how often a table's intervals contain the true time, and how often drift is found, on simulated campaigns.

    python -m tools.bench.coverage
    python -m tools.bench.coverage --campaigns 500 --json coverage.json

Intervals: the truth is the median of the statistic over all campaigns of the same design: so many processes, or fresh
ones until the interval is within 2 %, at most 10 (``stop``). Half-widths are means; of ``stop``, of what settled.
Drift: a third each of steps, excursions and ramps of 3 % at random places, in as many campaigns as have none; 3 to 200
batches, .3 to 1 % between processes, every noise level in turn. Of the rounds that were off the usual level by more
than half the drift, ``recall`` is the share marked; ``precision`` the share of marked rounds off by more than .5 %.
Defaults take about six minutes on one core. Exit code 1 where a row of intervals covers less than 93 %.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import track
from rich.table import Table

from edgenas.latency_tables.statistics import estimates
from edgenas.latency_tables.statistics.drift import SlowStretch, drifted
from tools.bench.command import Bar, bars_table, options, run, show
from tools.bench.noise import KINDS, LEVELS, ROUNDS, Level, campaigns, drift, sentinels

DESIGNS = ("3", "5", "10", "stop")
MOST = 10
DRIFT = 0.03
LEAST_COVERAGE = 0.93  #: of every row of intervals
SIZES = (3, 5, 10, 30, 100, 200)


def main(argv: Sequence[str] | None = None) -> int:
    parser = options(__doc__)
    parser.add_argument("--campaigns", type=int, default=2000, help="a row of intervals; half as many without drift")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(argv)
    if arguments.campaigns < 12:
        parser.error("needs 12 campaigns")
    pairs = [(level, name) for level in LEVELS for name in estimates.STATISTICS]
    console = Console(stderr=True)
    intervals = [
        row
        for level, name in track(pairs, "intervals", console=console, transient=True)
        for row in covered(level, name, arguments.campaigns, arguments.seed)
    ]
    each = max(arguments.campaigns // 2 // len(SIZES), 1)
    drifts = [
        found(batches, each, arguments.seed) for batches in track(SIZES, "drift", console=console, transient=True)
    ]
    drifts.append(together(drifts))
    lowest = min(intervals, key=lambda row: float(row["coverage"]))
    where = f"{lowest['level']}, {lowest['statistic']}, {lowest['processes']} processes"
    bars = [Bar(f"lowest coverage of a 95 % interval ({where})", lowest["coverage"], LEAST_COVERAGE, True)]
    numbers = {
        "campaigns": arguments.campaigns,
        "intervals": intervals,
        "drift": drifts,
        "bars": [bar.as_dict() for bar in bars],
    }
    titled = {f"95 % intervals, {arguments.campaigns} campaigns a row": intervals, f"drift of {DRIFT:.0%}": drifts}
    show(numbers, [*(table_of(title, rows) for title, rows in titled.items()), bars_table(bars)], arguments.json)
    return 0 if all(bar.met for bar in bars) else 1


def covered(level: Level, statistic: str, count: int, seed: int) -> list[dict[str, Any]]:
    """Return one row for each design."""
    times = campaigns(level, np.random.default_rng(seed), count, MOST)
    lows, highs, middles = (np.full((count, MOST + 1), np.nan) for _ in range(3))
    ended, done = np.full(count, MOST), np.zeros(count, dtype=bool)
    spent_s, asked = 0.0, 0
    for i, campaign in enumerate(times):
        processes = [list(rounds) for rounds in campaign]
        for k in range(estimates.LEAST_PROCESSES, MOST + 1):
            if done[i] and str(k) not in DESIGNS:
                continue
            begun = time.process_time()
            lows[i, k], highs[i, k] = estimates.interval(processes[:k], statistic)
            spent_s, asked = spent_s + time.process_time() - begun, asked + 1
            middles[i, k] = estimates.estimate(processes[:k], statistic)
            if not done[i] and estimates.settled(processes[:k], statistic):
                done[i], ended[i] = True, k
    rows = []
    for design in DESIGNS:
        at = np.arange(count), ended if design == "stop" else np.full(count, int(design))
        low, high, middle = lows[at], highs[at], middles[at]
        truth, counted = np.median(middle), done if design == "stop" else np.ones(count, dtype=bool)
        half = ((high - low) / 2 / middle)[counted]
        rows.append(
            {
                "level": level.name,
                "statistic": statistic,
                "processes": design,
                "coverage": float(((low <= truth) & (truth <= high)).mean()),
                "half_width_pct": float(100 * half.mean()) if len(half) else None,
                "settled": float(done.mean()) if design == "stop" else None,
                "mean_processes": float(at[1].mean()),
                "ms_an_interval": 1e3 * spent_s / asked,
            }
        )
    return rows


def found(batches: int, count: int, seed: int) -> dict[str, Any]:
    """Return one row: results of ``count`` campaigns without drift and ``count`` with drift."""
    rng = np.random.default_rng([seed, batches])
    alarms, seen, spent_s = 0, 0, 0.0
    precision, recall = [], []
    for i in range(count):
        level, process = LEVELS[i % len(LEVELS)], rng.uniform(0.003, 0.01)
        shift = drift(KINDS[i // len(LEVELS) % len(KINDS)], rng, batches, DRIFT)
        begun = time.process_time()
        alarms += bool(drifted(sentinels(level, rng, batches, process)))
        stretches = drifted(sentinels(level, rng, batches, process, shift))
        spent_s += time.process_time() - begun
        seen += bool(stretches)
        marked, off = marks(stretches, batches), np.abs(shift - usual(shift))
        if marked.any():
            precision.append(float((off[marked] > 0.005).mean()))
        if (off > DRIFT / 2).any():
            recall.append(float(marked[off > DRIFT / 2].mean()))
    return {
        "batches": str(batches),
        "campaigns": count,
        "found": seen / count,
        "false_alarms": alarms / count,
        "precision": float(np.mean(precision)) if precision else None,
        "recall": float(np.mean(recall)) if recall else None,
        "ms_a_campaign": 1e3 * spent_s / count / 2,
    }


def marks(stretches: Sequence[SlowStretch], batches: int) -> NDArray[np.bool_]:
    """Return whether each round of the campaign is in one of ``stretches``."""
    marked = np.zeros((batches, ROUNDS), dtype=bool)
    for stretch in stretches:
        assert isinstance(stretch.batch, int)
        marked[stretch.batch, stretch.first : stretch.last + 1] = True
    return marked.ravel()


def usual(shift: NDArray[np.float64]) -> float:
    """Return the shift of most rounds; of equals, the fastest."""
    values, counts = np.unique(shift, return_counts=True)
    return float(values[counts.argmax()])


def together(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the mean of rows that have equal numbers of campaigns."""
    means = {
        name: float(np.mean([row[name] for row in rows if row[name] is not None]))
        for name in ("found", "false_alarms", "precision", "recall", "ms_a_campaign")
    }
    return {"batches": "all", "campaigns": sum(row["campaigns"] for row in rows), **means}


def table_of(title: str, rows: Sequence[dict[str, Any]]) -> Table:
    """Return rows with equal columns as a table."""
    names = (name.replace("_", " ") for name in rows[0])
    table = Table(*names, title=title, box=SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
    for row in rows:
        cells = row.values()
        table.add_row(*("-" if v is None else f"{v:.3f}" if isinstance(v, float) else str(v) for v in cells))
    return table


if __name__ == "__main__":
    run(main)
