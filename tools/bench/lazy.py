"""Simulate how many measurements lazy profiling saves on tunas_v3 (10,043 edges), and the value that is lost.

    python -m tools.bench.lazy                                   # after python -m tools.bench.prediction
    python -m tools.bench.lazy --table runs/bench-prediction/onnxruntime.jsonl --seeds 5 --json

Measuring all 7,426 blocks takes an hour and more, so the full table is simulated: blocks that --table holds take what
was measured here, the others what a model fitted to those predicts; then each block is off by --deviation of its own
(lognormal), which nothing about the block tells, and each measurement adds up to some --noise. The front of the full
table is the judge. ``gap`` is the value that the front found lazily lacks at equal budget, as a share of the range of
values, over 20 budgets from the smallest to the largest of the full front. Values are the stand-in of
``edgenas profile --for-search`` and, as an accuracy that differs from block to block, the same times a random factor
within 0.5 .. 1.5 for each option of a layer.
"""

from __future__ import annotations

import os

os.environ.setdefault(
    "OPENBLAS_NUM_THREADS", "1"
)  # small matrices: threads would wait for each other on a busy machine

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.table import Table

from edgenas.base.listener import Listener
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.prediction.predict import predicted
from edgenas.search.graph import Floats, layered_graph
from edgenas.search.lazy import capacity_values, lazily, touched
from edgenas.search.problem import Cost
from edgenas.search.solvers.pareto_dp import pareto_front
from edgenas.search.space import Space
from edgenas.search.spaces import space
from tools.bench.command import options, run, show
from tools.bench.prediction_table import Times, times

BUDGETS = 20
HEADINGS = ("values", "seed", "rounds", "measured", "of", "saved %", "front touches", "max gap %", "mean gap %", "s")


@dataclass(frozen=True, slots=True)
class Row:
    """Result of one simulated profile. ``needed`` are the blocks on the front of the full table."""

    values: str
    seed: int
    rounds: int
    measured: int
    blocks: int
    needed: int
    max_gap: float
    mean_gap: float
    seconds: float

    @property
    def saved(self) -> float:
        return 1 - self.measured / self.blocks


def full_table(model: Times, blocks: Sequence[BlockSpec], deviation: float, noise: float, seed: int) -> Times:
    """Return the simulated times of all blocks; ``model`` holds their times before the random deviations of single
    blocks.
    """
    rng = np.random.default_rng(seed)
    off = np.exp(deviation * rng.normal(size=len(blocks)) + noise * np.abs(rng.normal(size=len(blocks))))
    return Times({block: model.ms(block) * float(share) for block, share in zip(blocks, off, strict=True)})


def modelled(path: Path, blocks: Sequence[BlockSpec]) -> Times:
    """Return the measured times of a table, and predictions for all other ``blocks``."""
    known = times(path)
    learned = predicted(known)
    learned.predictions(blocks)
    return Times({block: learned.ms(block) for block in blocks})


def differing(values: Sequence[Floats], chosen: Space, seed: int) -> list[Floats]:
    """Return ``values`` times a random factor for each option of a layer."""
    rng = np.random.default_rng(seed)
    factors = [rng.uniform(0.5, 1.5, len(layer.options)) for layer in chosen.layers]
    return [
        value * np.array([factor[edge.option] for edge in edges])
        for value, factor, edges in zip(values, factors, chosen.edges, strict=True)
    ]


def simulated(name: str, chosen: Space, values: Sequence[Floats], full: Times, seed: int) -> Row:
    """Compare one lazy profile with the full table."""
    begin, held = time.monotonic(), dict[BlockSpec, float]()

    def measure(blocks: Sequence[BlockSpec]) -> Times:
        held.update((block, full.ms(block)) for block in blocks)
        return Times(dict(held))

    class Printed(Listener):
        def message(self, text: str) -> None:
            print(f"{name}, seed {seed}, {time.monotonic() - begin:.0f} s: {text}", file=sys.stderr)

    ended = lazily(chosen, values, measure, listener=Printed())
    found = ended.front
    seconds = time.monotonic() - begin
    cost = Cost("ms", lambda block: 0.0 if block.kind == "skip" else full.ms(block))
    best = pareto_front(layered_graph(chosen, cost).with_values(values))
    span = float(best.values[-1] - best.values[0])
    gaps = []
    for budget in np.geomspace(found.costs[0], best.costs[-1], BUDGETS):
        ours, theirs = found.best(float(budget)), best.best(float(budget))
        assert ours is not None and theirs is not None
        gaps.append((theirs.value - ours.value) / span)
    needed = len(touched(chosen, best, ()))
    counts = (len(ended.rounds), len(held), len(full.blocks), needed)
    return Row(name, seed, *counts, max(gaps), float(np.mean(gaps)), seconds)


def main(argv: Sequence[str] | None = None) -> int:
    parser = options(__doc__)
    parser.add_argument("--table", type=Path, default=Path("runs/bench-prediction/litert.jsonl"), metavar="FILE")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--deviation", type=float, default=0.05)
    parser.add_argument("--noise", type=float, default=0.01)
    given = parser.parse_args(argv)
    if not given.table.exists():
        parser.error(f"{given.table} is not there; measure it: python -m tools.bench.prediction")
    chosen = space("tunas_v3")
    model = modelled(given.table, chosen.blocks())
    rows = []
    for seed in range(given.seeds):
        full = full_table(model, chosen.blocks(), given.deviation, given.noise, seed)
        capacity = capacity_values(chosen)
        for name, values in (("capacity", capacity), ("differing", differing(capacity, chosen, seed))):
            rows.append(simulated(name, chosen, values, full, seed))
    table = Table(*HEADINGS, title=f"tunas_v3 on times like those of {given.table.name}")
    for row in rows:
        gaps = (f"{100 * row.max_gap:.3f}", f"{100 * row.mean_gap:.3f}")
        cells = (row.values, row.seed, row.rounds, row.measured, row.blocks, f"{100 * row.saved:.1f}", row.needed)
        table.add_row(*map(str, cells), *gaps, f"{row.seconds:.0f}")
    show([{**asdict(row), "saved": row.saved} for row in rows], [table], given.json)
    return 0


if __name__ == "__main__":
    run(main)
