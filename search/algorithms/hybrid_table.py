"""The hybrid algorithm's table of prefixes: LayerNAS's M[layer][bucket], with completions predicted by a model."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from edgenas.search.algorithms.trial_model import TrialModel
from edgenas.search.graph import Floats, Graph
from edgenas.search.problem import Problem
from edgenas.search.solvers.completions import Completions, completions
from edgenas.search.space import Choice
from edgenas.search.trials import Trials

STANDARD_ERRORS = 2.0  #: a network whose prediction plus this many standard errors is below the best is not judged

Cell = tuple[int, int]  #: bucket of a prefix's cost, state after it


@dataclass(frozen=True, slots=True)
class Prefix:
    """The first layers of a network: edges, options, the state after them, and their cost."""

    edges: tuple[int, ...]
    options: Choice
    state: int
    cost: float
    also: Floats = field(compare=False)  # (limits,): weights for the further limits

    def grown(self, graph: Graph, edge: int) -> Prefix:
        """Return the prefix extended by one edge of the next layer."""
        layer = graph.layers[len(self.edges)]
        option, target, cost = int(layer.option[edge]), int(layer.target[edge]), float(layer.cost[edge])
        also = self.also + layer.also[:, edge]
        return Prefix((*self.edges, edge), (*self.options, option), target, self.cost + cost, also)


@dataclass(frozen=True, slots=True)
class Child:
    """A prefix, the network that completes it, and the predicted value of that network."""

    prefix: Prefix
    network: Choice
    value: float


@dataclass(frozen=True, slots=True)
class CellHolder:
    """The prefix that holds a cell: the one whose completed network has the highest judged accuracy (``reward``)."""

    reward: float
    prefix: Prefix


@dataclass
class PrefixTable:
    """The table of prefixes: for each layer, the holders of its cells, which stay from one sweep to the next."""

    problem: Problem
    trials: Trials
    model: TrialModel
    buckets: int
    bound: float = field(init=False)  # upper bound on the sum over blocks (Cost.most_sum)
    holders: list[dict[Cell, CellHolder]] = field(init=False)
    _fits: dict[Choice, bool] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.bound = self.problem.cost.most_sum(self.problem.budget)
        self.holders = [{} for _ in self.problem.space.layers]

    def search_layer(self, i: int) -> bool:
        """Extend every holder of layer i - 1 by every option of layer i, and judge at most one network per cell, as one
        batch. Return whether the holder of any cell changed."""
        before = {cell: holder.prefix for cell, holder in self.holders[i].items()}
        chosen = dict(sorted(self._worth_judging(i).items(), key=lambda item: -item[1].value))
        spare = 1 if self.trials.best() is None else 0
        rewards = self.model.rewards([child.network for child in chosen.values()], spare)
        for (cell, child), reward in zip(chosen.items(), rewards, strict=True):
            self._offer(i, cell, child.prefix, reward)
        return before != {cell: holder.prefix for cell, holder in self.holders[i].items()}

    def _worth_judging(self, i: int) -> dict[Cell, Child]:
        """For each cell, the unjudged child with the best prediction; none where that prediction is too far below the
        best judged network. Children whose network is already judged compete for their cells at once."""
        values = self.model.edge_values(self.problem.budget)
        ends = completions(self.model.graph.with_values(values), self.bound)
        least = self.model.best_value(self.problem.budget) - STANDARD_ERRORS * self.model.regression().error
        chosen = {}
        for cell, heap in self._children(i, ends, values).items():
            for child in self._by_value(i, heap, ends, least):
                reward = self.model.reward(child.network)
                if reward is not None:
                    self._offer(i, cell, child.prefix, reward)
                    continue
                chosen[cell] = child
                break
        return chosen

    def _children(self, i: int, ends: Completions, values: list[Floats]) -> dict[Cell, list[_Entry]]:
        """Every child of layer i that can be completed within the budget, by cell, with the ending predicted best."""
        graph, budget = ends.graph, self.problem.budget
        cells: dict[Cell, list[_Entry]] = {}
        root = Prefix((), (), 0, 0.0, np.zeros(len(graph.most)))
        for prefix in [root] if i == 0 else [holder.prefix for holder in self.holders[i - 1].values()]:
            worth = sum(float(values[k][edge]) for k, edge in enumerate(prefix.edges))
            for edge in np.flatnonzero(graph.layers[i].source == prefix.state).tolist():
                child = prefix.grown(graph, edge)
                index = ends.best(i + 1, child.state, self.bound, child.cost, child.also)
                if index >= 0:
                    here = worth + float(values[i][edge])
                    value = here + float(ends.endings[i + 1][child.state].value[index])
                    cell = (min(self.buckets - 1, int(self.buckets * child.cost / budget)), child.state)
                    entry = (-value, child.cost, child.edges, index, child, here)
                    cells.setdefault(cell, []).append(entry)
        return cells

    def _by_value(self, i: int, entries: list[_Entry], ends: Completions, least: float) -> Iterator[Child]:
        """Yield the children of value ``least`` or more by descending value, each with the best ending that keeps the
        budget exactly (to the last bit)."""
        heap = [entry for entry in entries if -entry[0] >= least]
        heapq.heapify(heap)
        while heap:
            value, cost, edges, index, prefix, here = heapq.heappop(heap)
            network = prefix.options + ends.options(i + 1, prefix.state, index)
            if self._within_budget(network):
                yield Child(prefix, network, -value)
                continue
            index = ends.best(i + 1, prefix.state, self.bound, cost, prefix.also, below=index)
            if index >= 0:
                value = -(here + float(ends.endings[i + 1][prefix.state].value[index]))
                if -value >= least:
                    heapq.heappush(heap, (value, cost, edges, index, prefix, here))

    def _offer(self, i: int, cell: Cell, prefix: Prefix, reward: float) -> None:
        """Make ``prefix`` the holder of the cell where its reward is higher, or equal with a cheaper prefix."""
        holder = self.holders[i].get(cell)
        if holder is None or (reward, -prefix.cost) > (holder.reward, -holder.prefix.cost):
            self.holders[i][cell] = CellHolder(reward, prefix)

    def _within_budget(self, network: Choice) -> bool:
        if network not in self._fits:
            self._fits[network] = self.problem.fits(network)
        return self._fits[network]


_Entry = tuple[float, float, tuple[int, ...], int, Prefix, float]  # heap order by the first three, which are unique
