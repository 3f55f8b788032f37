"""Lazy profiling: measure only those blocks of a space that its best networks may contain.

A small sample of blocks is measured, and the others are predicted with intervals
(``edgenas.latency_tables.prediction.predict``). A search with the lower end of each interval gives an optimistic front;
the predicted blocks on it are measured, and the search is repeated until the front has only measured blocks. A network
that is not on that front is no better, even if each of its predicted blocks has the lower end of its interval as its
latency: optimism, as in branch and bound and in upper-confidence-bound search (Auer et al., Machine Learning 2002).
Some intervals do not contain the true latency, so the front may be off by the difference between such a block's latency
and the lower end of its interval.

The values of networks must be known before their latencies: a judge's additive block values, or ``capacity_values``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.listener import SILENT, Listener
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.prediction.predict import LEAST_BLOCKS, MeasuredTimes, PredictedTable, predicted
from edgenas.latency_tables.prediction.terms import work_amounts
from edgenas.latency_tables.statistics.estimates import DEFAULT
from edgenas.search.algorithms.mathnas_blocks import block_values
from edgenas.search.cost import macs_cost
from edgenas.search.feasible import largest
from edgenas.search.graph import Floats, Graph, Solution, check_smallest, edge_sums, edge_values, layered_graph
from edgenas.search.journal import TrialCache
from edgenas.search.problem import Accuracy, Cost, Problem
from edgenas.search.solvers.pareto_dp import ParetoFront, pareto_front
from edgenas.search.space import Space
from edgenas.search.trials import Trials

SAMPLE_SHARE = 0.02  #: share of a space's blocks that are measured first
LEAST_OF_PART = 3  #: fewest blocks measured first, for each kind of block with the same parts
MOST_ROUNDS = 100

#: blocks -> the table after the blocks that it did not have are measured
Measure = Callable[[Sequence[BlockSpec]], MeasuredTimes]


@dataclass(frozen=True, slots=True)
class FrontRound:
    """One round: the front has ``networks`` networks, and ``lacking`` of their blocks are not measured yet.

    ``measured`` is the number of blocks measured before the round. ``error`` is the mean error of the predictions used,
    as a share, by cross-validation over layers; None where nothing was predicted.
    """

    number: int
    networks: int
    measured: int
    lacking: int
    error: float | None

    def __str__(self) -> str:
        off = "" if self.error is None else f"; predictions of blocks are off by {self.error:.1%}"
        return (
            f"round {self.number}: {self.measured} blocks measured, the front of {self.networks} networks touches "
            f"{self.lacking} more{off}"
        )


@dataclass(frozen=True, eq=False)
class LazyProfile:
    """Result of lazy profiling: the front of measured blocks, the table, the rounds, and the blocks whose measurement
    failed."""

    front: ParetoFront
    table: MeasuredTimes
    rounds: tuple[FrontRound, ...]
    failed: tuple[BlockSpec, ...]

    def at(self, budgets_ms: Sequence[float]) -> list[Solution]:
        """Return the best network at each budget (ms), or without budgets all networks of the front."""
        return _networks(self.front, budgets_ms)


def lazily(
    space: Space,
    values: Sequence[Floats],
    measure: Measure,
    *,
    budgets_ms: Sequence[float] = (),
    statistic: str = DEFAULT,
    listener: Listener = SILENT,
) -> LazyProfile:
    """Measure blocks until the front of ``space`` has only measured blocks: the whole front, or its networks at
    ``budgets_ms``.

    ``values`` are the values of the edges, one array per layer (``edgenas.search.graph.edge_values``). Networks with
    blocks that cannot be measured are left out; OutcomeError when no network is left. BudgetError where no network fits
    a budget. The table is the only state: a run that starts with the table of an interrupted run continues it.
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
            listener.message(str(rounds[-1]))
        before, table = table, measure(wanted)
        if all(b in known and before.ms(b, statistic) == table.ms(b, statistic) for b in wanted):
            return LazyProfile(front, table, tuple(rounds), tuple(failed))
    raise OutcomeError(
        f"after {MOST_ROUNDS} rounds the front of {space.name} still touches blocks that are not measured, or whose "
        f"times change; measure them all: edgenas profile {space.name}"
    )


def sample(blocks: Sequence[BlockSpec], share: float = SAMPLE_SHARE) -> tuple[BlockSpec, ...]:
    """Return the blocks that are measured first: from every kind, and every set of parts in it (kernel, stride,
    activation, options), a ``share`` spread evenly over MACs."""
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
    """Return edge values that replace accuracy where there is no judge yet: log(1 + c / mean c) of each block, with c
    the geometric mean of its MACs and parameters; one array per layer.

    The value grows with size, at a falling rate, and includes squeeze-and-excitation, which has weights but hardly any
    MACs. It measures the capacity of a network, not its accuracy.
    """
    capacity = {block: math.sqrt(block.macs * block.params) for block in space.blocks()}
    mean = math.exp(sum(map(math.log, capacity.values())) / len(capacity))
    return edge_sums(space, lambda block: math.log1p(capacity.get(block, 0.0) / mean))


def judged_values(space: Space, judge: Accuracy, journal: Path, listener: Listener = SILENT) -> list[Floats]:
    """Return the value of each block in accuracy points, estimated from judged networks by MathNAS's single-sample
    estimate (``edgenas.search.algorithms.mathnas_blocks``). ``journal`` keeps every network judged, so that none is
    judged twice.
    """
    problem = Problem(space, macs_cost(), judge, largest(space, macs_cost()))  # a budget that all networks keep
    with TrialCache(space, judge, journal) as cache:
        values = block_values(problem, Trials(problem, cache, listener=listener))
    return edge_values(space, [[-loss for loss in row] for row in values.loss], [-loss for loss in values.ended])


def touched(space: Space, front: ParetoFront, budgets_ms: Sequence[float]) -> tuple[BlockSpec, ...]:
    """Return the distinct blocks of the networks on the front, or of those at the budgets, networks in order of cost;
    skips are left out."""
    steps = [{(edge.source, edge.option): edge for edge in edges} for edges in space.edges]
    blocks: dict[BlockSpec, None] = {}
    for network in _networks(front, budgets_ms):
        state = space.start
        for step, option in zip(steps, network.choice, strict=True):
            edge = step[state, option]
            state = edge.target
            blocks |= dict.fromkeys(block for block in edge.blocks if block.kind != "skip")
    return tuple(blocks)


def _networks(front: ParetoFront, budgets_ms: Sequence[float]) -> list[Solution]:
    if budgets_ms:
        return [best for budget in budgets_ms if (best := front.best(budget)) is not None]
    return [front.solution(index) for index in range(len(front))]


def _optimistic(
    table: MeasuredTimes, blocks: Sequence[BlockSpec], statistic: str
) -> tuple[dict[BlockSpec, float], tuple[BlockSpec, ...], float | None]:
    """Return (latency of each block in ms: measured, or the lower end of its predicted interval; blocks with neither;
    mean error of the predictions as a share, or None)."""
    known = set(table.blocks)
    costs = {block: table.ms(block, statistic) for block in blocks if block in known}
    lacking = [block for block in blocks if block not in known]
    if not lacking:
        return costs, (), None
    try:
        learned: PredictedTable = predicted(table, statistic)
    except InputError:  # too few measured blocks of every kind, as in a small space: the others are measured too
        return costs, tuple(lacking), None
    found = learned.predictions(lacking)
    costs |= {block: estimate.low_ms for block, estimate in found.items()}
    rest = tuple(block for block in lacking if block not in costs)
    return costs, rest, float(np.mean([learned.kinds[block.kind].fit.error for block in found])) if found else None


def _front(
    space: Space, values: Sequence[Floats], costs: dict[BlockSpec, float], budgets_ms: Sequence[float]
) -> ParetoFront:
    """Return the front by ``costs`` (ms), up to the largest budget, of networks whose blocks all have a cost."""
    graph: Graph = layered_graph(space, Cost("ms", lambda block: costs.get(block, 0.0))).with_values(values)
    lacking = edge_sums(space, lambda block: float(block not in costs and block.kind != "skip"))
    keep = [missing == 0 for missing in lacking]
    if not all(mask.all() for mask in keep):
        graph = graph.restricted(keep)
    for budget in budgets_ms or (math.inf,):
        check_smallest(graph, space, budget, "ms")
    front = pareto_front(graph, max(budgets_ms) if budgets_ms else None)
    if not len(front):
        raise OutcomeError(f"no network of {space.name} is left without the blocks that cannot be measured")
    return front
