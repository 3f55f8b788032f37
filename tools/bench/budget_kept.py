"""Count how often a search's answer keeps its latency budget when blocks are measured with noise, and the value that
this costs.

    python -m tools.bench.budget_kept --table fbnet_lut_recovered.csv
    python -m tools.bench.budget_kept --table FILE --campaigns 200 --json

Each campaign measures every block of FBNet's space with independent noise; the truth is the published table's column
(for ``raspi4`` the block table behind HELP's Raspberry Pi 4 latencies, of which networks are sums exactly). Values are
additive and exact, so that latency is all that is uncertain; the oracle knows the truth. ``mean``, ``upper`` and
``rss`` are the modes of ``edgenas search --uncertainty``. ``loop`` is --remeasure: solve by ``rss``, measure the
winner's blocks again, pool, solve again, until the winner stays and is known within .75 %, or --rounds are measured.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from edgenas.blocks.spec import BlockSpec
from edgenas.search.graph import Floats, Ints, layered_graph
from edgenas.search.lazy import capacity_values
from edgenas.search.problem import Cost
from edgenas.search.solvers.pareto_dp import ParetoFront, pareto_front
from edgenas.search.space import Choice
from edgenas.search.spaces import space
from edgenas.tables.published import import_table
from edgenas.tables.remeasure import ROUNDS, WITHIN
from tools.bench.command import options, run, show

Z = 1.6448536269514722  #: a normal's upper 95 % bound, in standard deviations
QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)
OVER = 0.01  #: an overrun that counts


class Truth:
    """The space with its true latencies, by number of the block."""

    def __init__(self, path: Path, column: str) -> None:
        self.space = space("fbnet")
        table = import_table(path, "fbnet", column=column).table
        blocks = {edge.block: None for edges in self.space.edges for edge in edges}
        self.number: dict[BlockSpec, int] = {block: number for number, block in enumerate(blocks)}
        self.ms: Floats = np.array([table.ms(block) for block in blocks])
        self.graph = layered_graph(self.space, Cost("ms", table.ms)).with_values(capacity_values(self.space))
        self.places: list[Ints] = [np.array([self.number[e.block] for e in edges]) for edges in self.space.edges]

    @cached_property
    def front(self) -> ParetoFront:
        return pareto_front(self.graph)

    def blocks(self, choice: Choice) -> Ints:
        """Return the numbers of a network's blocks, each as often as it occurs."""
        path = self.graph.path(choice)
        return np.array([place[edge] for place, edge in zip(self.places, path, strict=True)])

    def budgets(self, networks: int = 1000) -> list[float]:
        """Return the budgets at the QUANTILES of the latencies of random networks."""
        rng = random.Random(0)
        costs = [float(self.ms[self.blocks(self.space.sample(rng))].sum()) for _ in range(networks)]
        return [float(np.quantile(costs, quantile)) for quantile in QUANTILES]

    def best(self, ms: Floats, budget: float, fixed: float = 0.0) -> Choice:
        """Return the best network by the latencies ``ms``; the fastest where none keeps the budget."""
        costs = [ms[place] for place in self.places]
        front = pareto_front(self.graph.with_costs(costs), budget - fixed)
        if len(front):
            return front.solution(len(front) - 1).choice
        return pareto_front(self.graph.with_costs(costs)).solution(0).choice

    def by_root(self, ms: Floats, half: Floats, budget: float, near: Choice) -> Choice:
        """Return the best network by the mean plus the root of the sum of squares, with tangents as in
        ``edgenas.search.root_sum_square``.
        """
        for _ in range(8):
            square = float((half[self.blocks(near)] ** 2).sum())
            before, near = near, self.best(ms + half**2 / (2 * math.sqrt(square)), budget, math.sqrt(square) / 2)
            if near == before:
                break
        return near


@dataclass(frozen=True, slots=True)
class Ended:
    """Result of one campaign: overrun as a share of the budget, lost value as a share of the best possible value,
    rounds, blocks.
    """

    over: float
    lost: float
    rounds: int = 0
    blocks: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """Results of all campaigns of a mode, in percent."""

    mode: str
    overruns: float
    overrun_at_all: float
    lost: float
    lost_p95: float
    rounds: float
    blocks: float


def simulate(truth: Truth, seed: int, budget: float, sd: float, most_rounds: int) -> dict[str, Ended]:
    """Simulate one campaign, and return the answer of every mode."""
    rng = np.random.default_rng(seed)

    def measured(numbers: Ints) -> Floats:
        return np.asarray(truth.ms[numbers] * (1 + sd * rng.standard_normal(len(numbers))))

    first = measured(np.arange(len(truth.ms)))
    half = Z * sd * first
    plain = truth.best(first, budget)
    found = {
        "mean": (plain, 0, 0),
        "upper": (truth.best(first + half, budget), 0, 0),
        "rss": (truth.by_root(first, half, budget, plain), 0, 0),
        "loop": _loop(truth, first, budget, sd, most_rounds, measured),
    }
    best = truth.front.best(budget)
    assert best is not None
    return {mode: _ended(truth, budget, best.value, *what) for mode, what in found.items()}


def _loop(
    truth: Truth, first: Floats, budget: float, sd: float, most: int, measured: Callable[[Ints], Floats]
) -> tuple[Choice, int, int]:
    total, count = first.copy(), np.ones(len(first))
    winner: Choice | None = None
    near, rounds, blocks = truth.best(first, budget), 0, 0
    while True:
        mean = total / count
        half = Z * sd * mean / np.sqrt(count)
        near = truth.by_root(mean, half, budget, near)
        within = math.sqrt(float((half[truth.blocks(near)] ** 2).sum())) <= WITHIN * budget
        if (near == winner and within) or rounds == most:
            return near, rounds, blocks
        winner, again = near, np.unique(truth.blocks(near))
        total[again] += measured(again)
        count[again] += 1
        rounds += 1
        blocks += len(again)


def _ended(truth: Truth, budget: float, best: float, choice: Choice, rounds: int, blocks: int) -> Ended:
    solution = truth.graph.solution(truth.graph.path(choice))
    return Ended(solution.cost / budget - 1, 1 - solution.value / best, rounds, blocks)


def summed(mode: str, ended: Sequence[Ended]) -> Row:
    """Return one row of the table."""
    over, lost = (np.array([getattr(one, name) for one in ended]) for name in ("over", "lost"))
    return Row(
        mode,
        100 * float((over > OVER).mean()),
        100 * float((over > 0).mean()),
        100 * float(lost.mean()),
        100 * float(np.quantile(lost, 0.95)),
        float(np.mean([one.rounds for one in ended])),
        float(np.mean([one.blocks for one in ended])),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = options(__doc__)
    parser.add_argument("--table", type=Path, required=True, help="fbnet_lut_recovered.csv")
    parser.add_argument("--column", default="raspi4", help="the device in it")
    parser.add_argument("--campaigns", type=int, default=200)
    parser.add_argument("--noise", type=float, default=0.05, help="standard deviation of a block, as a share")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of the loop at most")
    parser.add_argument("--seed", type=int, default=0, help="of the first campaign")
    given = parser.parse_args(argv)
    truth, begin = Truth(given.table, given.column), time.monotonic()
    budgets = truth.budgets()
    ended: dict[str, list[Ended]] = {}
    seeds = range(given.seed, given.seed + given.campaigns)
    for seed in track(seeds, "campaigns", console=Console(stderr=True)):
        budget = budgets[seed % len(budgets)]
        for mode, one in simulate(truth, seed, budget, given.noise, given.rounds).items():
            ended.setdefault(mode, []).append(one)
    rows = [summed(mode, found) for mode, found in ended.items()]
    seconds = time.monotonic() - begin
    shown = Table(
        title=f"{given.campaigns} campaigns, {given.noise:.0%} noise a block, {given.column}, {seconds:.0f} s"
    )
    for heading in ("mode", "> 1 % over, %", "over at all, %", "value lost, %", "p95", "rounds", "blocks again"):
        shown.add_column(heading, justify="left" if heading == "mode" else "right")
    for row in rows:
        numbers = (row.overruns, row.overrun_at_all, row.lost, row.lost_p95, row.rounds, row.blocks)
        shown.add_row(row.mode, *(f"{number:.2f}" for number in numbers))
    numbers = {"budgets_ms": budgets, "seconds": seconds, "modes": [asdict(row) for row in rows]}
    show(numbers, [shown], given.json)
    return 0


if __name__ == "__main__":
    run(main)
