"""Lazy profiling: measuring only those blocks of a space that its best networks may contain.

A small sample is measured, the rest predicted with intervals (``edgenas.latency_tables.prediction.predict``). A
search with the lower end of each interval then finds the front that the best luck allows; what it contains is
measured, and so on, until the front is of measured blocks alone. A network off that front is no better even if every
block of it that was only predicted took as little as its interval allows: optimism, as in branch and bound and in
upper-confidence-bound search (Auer et al., Machine Learning 2002). Intervals fail now and then, so the front may miss
by the little that such a block is faster than its interval says.

What a network is worth must be known before its latency is: a judge's additive block values, or ``capacity_values``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgenas.base.errors import InputError, OutcomeError
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.prediction.predict import LEAST_BLOCKS, MeasuredTimes, PredictedTable, predicted
from edgenas.latency_tables.prediction.terms import work_amounts
from edgenas.latency_tables.statistics.estimates import DEFAULT
from edgenas.search.algorithms.mathnas_blocks import block_values
from edgenas.search.cost import macs_cost
from edgenas.search.graph import Floats, Graph, Solution, check_budget, edge_values, layered_graph
from edgenas.search.journal import TrialCache
from edgenas.search.problem import Accuracy, Cost, Problem, Trial
from edgenas.search.solvers.pareto_dp import ParetoFront, pareto_front
from edgenas.search.space import Space, State
from edgenas.search.trials import Trials

SAMPLE_SHARE = 0.02  #: of a space's blocks that are measured first
LEAST_OF_PART = 3  #: blocks measured first of each kind with the same parts
MOST_ROUNDS = 100

#: measures what a table lacks of these blocks; the table as it is then
Measure = Callable[[Sequence[BlockSpec]], MeasuredTimes]


@dataclass(frozen=True, slots=True)
class FrontRound:
    """One look at the front: ``lacking`` of the blocks it touches are to be measured. ``error`` is how far off the
    predictions it stood on are on average, as a share, told by layers left out; None where nothing was predicted."""

    number: int
    networks: int
    measured: int
    lacking: int
    error: float | None


@dataclass(frozen=True, eq=False)
class LazyProfile:
    """How it ended: the front of measured blocks, the table, and the blocks that could not be measured."""

    front: ParetoFront
    table: MeasuredTimes
    rounds: tuple[FrontRound, ...]
    failed: tuple[BlockSpec, ...]

    def at(self, budgets_ms: Sequence[float]) -> list[Solution]:
        """The best network at each budget, or without budgets all of the front."""
        return _networks(self.front, budgets_ms)


def lazily(
    space: Space,
    values: Sequence[Floats],
    measure: Measure,
    *,
    budgets_ms: Sequence[float] = (),
    statistic: str = DEFAULT,
    tell: Callable[[FrontRound], None] = lambda told: None,
) -> LazyProfile:
    """Measure until the front of ``space`` is of measured blocks: the whole front, or its networks at ``budgets_ms``.

    ``values`` are what each edge is worth, an array a layer (``edgenas.search.graph.edge_values``). Blocks that
    cannot be measured are left out of every network; OutcomeError when none is left. The table is all there is to
    remember: started again with what an interrupted run has measured, it goes on. BudgetError where no network fits a
    budget.
    """
    blocks, rounds, failed = space.blocks(), list[FrontRound](), dict[BlockSpec, None]()
    wanted: Sequence[BlockSpec] = sample(blocks)
    table = measure(wanted)
    for _ in range(MOST_ROUNDS):
        known = set(table.blocks)
        failed |= dict.fromkeys(block for block in wanted if block not in known)
        costs, wanted, error = _optimistic(table, [b for b in blocks if b not in failed], statistic)
        if not wanted:
            front = _front(space, values, costs, budgets_ms)
            wanted = touched(space, front, budgets_ms)
            lacking = sum(block not in known for block in wanted)
            rounds.append(FrontRound(len(rounds) + 1, len(front), len(known), lacking, error))
            tell(rounds[-1])
        before, table = table, measure(wanted)
        if all(b in known and before.ms(b, statistic) == table.ms(b, statistic) for b in wanted):
            return LazyProfile(front, table, tuple(rounds), tuple(failed))
    raise OutcomeError(
        f"after {MOST_ROUNDS} rounds the front of {space.name} still touches blocks that are not measured, or whose "
        f"times change; measure them all: edgenas profile {space.name}"
    )


def sample(blocks: Sequence[BlockSpec], share: float = SAMPLE_SHARE) -> tuple[BlockSpec, ...]:
    """Blocks to begin with: of every kind, and of every set of parts (kernel, stride, activation, options) in it,
    spread evenly over MACs."""
    kinds: dict[str, dict[frozenset[str], list[BlockSpec]]] = {}
    for block in blocks:
        kinds.setdefault(block.kind, {}).setdefault(frozenset(work_amounts(block)), []).append(block)
    chosen: dict[BlockSpec, None] = {}
    for parts in kinds.values():
        least = max(LEAST_OF_PART, math.ceil(1.2 * LEAST_BLOCKS / len(parts)))
        for alike in parts.values():
            count = min(len(alike), max(least, math.ceil(share * len(alike))))
            ordered = sorted(alike, key=lambda block: (block.macs, block))
            places = np.linspace(0, len(ordered) - 1, count).round().astype(int)
            chosen |= dict.fromkeys(ordered[place] for place in places)
    return tuple(chosen)


def capacity_values(space: Space) -> list[Floats]:
    """A stand-in for accuracy where there is no judge yet: the sum over blocks of log(1 + c / mean c), c the geometric
    mean of MACs and parameters. It grows with size, ever more slowly, and counts squeeze-and-excitation, which has
    weights but hardly any MACs. It says which networks use their time for capacity, and nothing about accuracy."""
    capacity = {block: math.sqrt(block.macs * block.params) for block in space.blocks()}
    mean = math.exp(sum(map(math.log, capacity.values())) / len(capacity))
    return [np.array([math.log1p(capacity.get(edge.block, 0.0) / mean) for edge in edges]) for edges in space.edges]


def judged_values(
    space: Space, judge: Accuracy, journal: Path, tell: Callable[[Trial], None] = lambda trial: None
) -> list[Floats]:
    """What a judge's networks say each block is worth: MathNAS's single-sample estimate
    (``edgenas.search.algorithms.mathnas_blocks``),
    in accuracy points. ``journal`` keeps every network judged, so that none is judged twice."""
    all_macs = float(sum(block.macs for block in space.blocks()))
    problem = Problem(space, macs_cost(), judge, len(space.layers) * all_macs)  # a budget that leaves nothing out
    with TrialCache(space, judge, journal) as cache:
        values = block_values(problem, Trials(problem, cache, progress=tell))
    return edge_values(space, [[-loss for loss in row] for row in values.loss], [-loss for loss in values.ended])


def touched(space: Space, front: ParetoFront, budgets_ms: Sequence[float]) -> tuple[BlockSpec, ...]:
    """Every block of a network on the front, or of those at the budgets, in order of cost; skips are left out."""
    steps = [{(edge.source, edge.option): edge for edge in edges} for edges in space.edges]
    found: dict[BlockSpec, None] = {}
    for network in _networks(front, budgets_ms):
        state = State(space.c_in, space.in_size)
        for step, option in zip(steps, network.choice, strict=True):
            edge = step[state, option]
            state = edge.target
            if edge.block.kind != "skip":
                found[edge.block] = None
    return tuple(found)


def _networks(front: ParetoFront, budgets_ms: Sequence[float]) -> list[Solution]:
    if budgets_ms:
        return [best for budget in budgets_ms if (best := front.best(budget)) is not None]
    return [front.solution(index) for index in range(len(front))]


def _optimistic(
    table: MeasuredTimes, blocks: Sequence[BlockSpec], statistic: str
) -> tuple[dict[BlockSpec, float], tuple[BlockSpec, ...], float | None]:
    """Milliseconds of each block, as measured or the lower end of its prediction; those that have neither; and the
    mean error of the predictions."""
    known = set(table.blocks)
    costs = {block: table.ms(block, statistic) for block in blocks if block in known}
    lacking = [block for block in blocks if block not in known]
    if not lacking:
        return costs, (), None
    try:
        learned: PredictedTable = predicted(table, statistic)
    except InputError:  # too few blocks of every kind, as in a small space: all are measured
        return costs, tuple(lacking), None
    found = learned.predictions(lacking)
    costs |= {block: estimate.low_ms for block, estimate in found.items()}
    rest = tuple(block for block in lacking if block not in costs)
    return costs, rest, float(np.mean([learned.kinds[block.kind].fit.error for block in found])) if found else None


def _front(
    space: Space, values: Sequence[Floats], costs: dict[BlockSpec, float], budgets_ms: Sequence[float]
) -> ParetoFront:
    """The front by ``costs``, up to the largest budget; blocks without a cost are in no network."""
    graph: Graph = layered_graph(space, Cost("ms", lambda block: costs.get(block, 0.0))).with_values(values)
    keep = [np.array([e.block in costs or e.block.kind == "skip" for e in edges]) for edges in space.edges]
    if not all(mask.all() for mask in keep):
        graph = graph.restricted(keep)
    for budget in budgets_ms or (math.inf,):
        check_budget(graph, space, budget, "ms")
    front = pareto_front(graph, max(budgets_ms) if budgets_ms else None)
    if not len(front):
        raise OutcomeError(f"no network of {space.name} is left without the blocks that cannot be measured")
    return front
