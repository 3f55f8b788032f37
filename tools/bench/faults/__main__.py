"""Measure the cost of faults to a campaign: each kind of fault disturbs campaigns at random moments, many times.

    python -m tools.bench.faults [--json [FILE]] [--trials 220] [--seed 0] [--only FAULT] [--jobs 4]

A runtime that sleeps stands in for measuring, so that the right answer is known. Real sshd, real adb (to an adbd in
Python), the fake that ships for tests, and this machine; what cannot be done here is named with the reason. Counts are
defined in tools/bench/faults/trial.py. Exit code 1 when a bar is missed: everything is survived, at most one batch lost
for a fault, nothing repeated, nothing corrupt, nothing left on the device, clocks as they were.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table

from tools.bench.command import options, run, show
from tools.bench.faults.kinds import KINDS, Kind
from tools.bench.faults.transports import absent, private_mounts
from tools.bench.faults.trial import Trial, run_trial


@dataclass(frozen=True, slots=True)
class Row:
    """Results of all trials of one kind over one transport."""

    fault: str
    transport: str
    injected: int
    survived: int
    lost_batches: int
    most_lost: int
    repeated: int
    corrupt: int
    left: int
    clock: int
    unclear: int

    @classmethod
    def of(cls, fault: str, transport: str, trials: Iterable[Trial]) -> Row:
        done = [t for t in trials if t.injected]
        return cls(
            fault,
            transport,
            len(done),
            sum(t.survived for t in done),
            sum(t.lost_batches for t in done),
            max((t.lost_batches for t in done), default=0),
            sum(t.repeated for t in done),
            sum(t.corrupt for t in done),
            sum(t.left for t in done),
            sum(t.clock for t in done),
            sum(t.unclear for t in done),
        )


def cases(only: str = "") -> tuple[list[tuple[Kind, str]], dict[str, str]]:
    """Return the (kind, transport) pairs that this machine can test, and the reason for each other pair."""
    can, cannot = [], {}
    for kind in KINDS:
        for transport in kind.transports:
            why = absent(transport)
            if kind.root and os.geteuid() != 0:
                why = "needs root, to give the device a small disk"
            if kind.name == "power cut" and transport == "ssh":
                why = why or private_mounts()
            if only and only != kind.name:
                continue
            if why:
                cannot[f"{kind.name}, {transport}"] = why
            else:
                can.append((kind, transport))
    return can, cannot


def try_all(
    pairs: Sequence[tuple[Kind, str]], trials: int, seed: int, jobs: int, told: Callable[[Trial], None]
) -> list[Trial]:
    """Run ``trials`` trials, spread over the pairs, with ``jobs`` in parallel."""
    with tempfile.TemporaryDirectory(prefix="ent-faults-") as folder, ThreadPoolExecutor(jobs) as pool:

        def one(number: int) -> Trial:
            kind, transport = pairs[number % len(pairs)]
            trial = run_trial(kind, transport, seed + number // len(pairs), Path(folder))
            told(trial)
            return trial

        return list(pool.map(one, range(trials)))


def rows(trials: Sequence[Trial]) -> list[Row]:
    """Return one row for each fault and transport, and the totals."""
    keys = dict.fromkeys((t.kind, t.transport) for t in trials)
    found = [Row.of(*key, [t for t in trials if (t.kind, t.transport) == key]) for key in keys]
    return [*found, Row.of("all", "", trials)]


def main(argv: Sequence[str] | None = None) -> int:
    parser = options(__doc__)
    parser.add_argument("--trials", type=int, default=220)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", choices=["", *(kind.name for kind in KINDS)], metavar="FAULT")
    parser.add_argument("--jobs", type=int, default=4, help="trials side by side")
    given = parser.parse_args(argv)
    pairs, cannot = cases(given.only)
    begin, done = time.monotonic(), 0

    def told(trial: Trial) -> None:
        nonlocal done
        done += 1
        if trial.misses or not trial.injected:
            how = "; ".join(trial.why) or f"lost {trial.lost_batches} batches" if trial.injected else "came too late"
            print(f"{trial.kind}, {trial.transport}, seed {trial.seed}: {how}; {trial.errors}", file=sys.stderr)
        elif done % 20 == 0:
            print(f"{done} of {given.trials}, {time.monotonic() - begin:.0f} s", file=sys.stderr)

    logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # it tells of every connection that breaks
    with tempfile.TemporaryDirectory(prefix="ent-locks-") as cache:
        os.environ["XDG_CACHE_HOME"] = cache  # the locks of this machine's own measurements are left alone
        trials = try_all(pairs, given.trials, given.seed, given.jobs, told)
    found, missed = rows(trials), [t for t in trials if t.misses]
    seconds = round(time.monotonic() - begin)
    numbers = {
        "rows": [asdict(row) for row in found],
        "seconds": seconds,
        "absent": cannot,
        "missed": [asdict(t) for t in missed],
    }
    show(numbers, [_table(found), f"{seconds} s"], given.json, cannot)
    return 1 if missed else 0


def _table(found: Sequence[Row]) -> Table:
    names = ("fault", "by", "injected", "survived", "lost batches", "most", "repeated", "corrupt", "left", "clock",
             "unclear")  # fmt: skip
    table = Table(*names[:2], padding=(0, 0))
    for name in names[2:]:
        table.add_column(name, justify="right")
    for row in found:
        if row is found[-1]:
            table.add_section()
        table.add_row(*(str(value) for value in asdict(row).values()))
    return table


if __name__ == "__main__":
    run(main)
