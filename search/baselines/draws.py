"""Random networks within a budget: where every baseline begins, and what it falls back on."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from search.graph import Floats, Graph, best_rest, check_budget, layered_graph
from search.journal import network_digest
from search.problem import Problem
from search.solvers import pareto_dp
from search.space import Choice

TRIES = 200  #: draws in a row that give nothing new before no more is expected
FIT_TRIES = 50  #: draws in a row that do not fit before something that fits is taken instead


@dataclass(frozen=True, slots=True)
class _Step:
    """An edge of the graph, and the least that any network costs after it."""

    option: int
    target: int
    cost: float
    rest: float


class Draws:
    """Draws networks of ``problem.space`` whose cost is at most ``problem.budget``; BudgetError when there is none."""

    def __init__(self, problem: Problem, rng: random.Random) -> None:
        self.problem = problem
        self.rng = rng
        self._graph = layered_graph(problem.space, problem.cost)
        check_budget(self._graph, problem.space, problem.budget, problem.cost.unit)
        self._leaving = _leaving(self._graph)
        self._fits: dict[Choice, bool] = {}

    def fits(self, choice: Choice) -> bool:
        """Whether the network costs at most the budget, to the last bit."""
        if choice not in self._fits:
            self._fits[choice] = self.problem.fits(choice)
        return self._fits[choice]

    def first_fit(self, draw: Callable[[], Choice], otherwise: Choice) -> Choice:
        """The first of ``FIT_TRIES`` draws that fits; ``otherwise`` when none does."""
        return next((choice for choice in (draw() for _ in range(FIT_TRIES)) if self.fits(choice)), otherwise)

    def distinct(self) -> Iterator[Choice]:
        """Networks that fit, no two of the same blocks, until no more are found; at least one.

        They are drawn with equal probability from the space and kept when they fit. Where almost none fits, they are
        drawn layer by layer among the options that can still fit, which favours some networks over others.
        """
        space, seen = self.problem.space, set[str]()
        for within in (False, True):
            misses = 0
            while misses < TRIES:
                choice = self._walk(None, within) if within else space.sample(self.rng)
                digest = network_digest(space.architecture(choice))  # two choices may name one network
                if digest in seen or not self.fits(choice):
                    misses += 1
                else:
                    seen.add(digest)
                    misses = 0
                    yield choice
        if not seen:
            yield self._any_fit()

    def weighted(self, weights: Sequence[Floats]) -> Choice:
        """A network that fits, drawn by ``weights`` (a positive number for each option of each layer) and drawn again
        while it does not fit; where that fails, layer by layer among the options that can still fit."""
        rows = [row.tolist() for row in weights]
        for within in (False, True):
            for _ in range(FIT_TRIES):
                choice = self._walk(rows, within)
                if self.fits(choice):
                    return choice
        return self._any_fit()

    def _walk(self, weights: Sequence[Sequence[float]] | None, within: bool) -> Choice:
        """Options drawn one after another; ``within``: among those that leave room for the cheapest rest."""
        state, cost, options = 0, 0.0, []
        for i, leaving in enumerate(self._leaving):
            steps = leaving[state]
            if within:
                least = [cost + step.cost + step.rest for step in steps]
                most = max(self.problem.budget, min(least))
                steps = [step for step, total in zip(steps, least, strict=True) if total <= most]
            step = self.rng.choices(steps, None if weights is None else [weights[i][step.option] for step in steps])[0]
            options.append(step.option)
            state, cost = step.target, cost + step.cost
        return tuple(options)

    def _any_fit(self) -> Choice:
        """A network that fits, by exact search: for a budget that is the smallest cost up to rounding."""
        found = pareto_dp.solve(self._graph, self.problem.budget)
        assert found is not None, "check_budget found that one fits"
        return found.choice


def _leaving(graph: Graph) -> list[list[list[_Step]]]:
    """For each layer and state, what may be taken there."""
    bounds = best_rest(graph, [layer.cost for layer in graph.layers]).bound
    leaving: list[list[list[_Step]]] = []
    for layer, count, rest in zip(graph.layers, graph.states[:-1], bounds[1:], strict=True):
        states: list[list[_Step]] = [[] for _ in range(count)]
        edges = zip(*(array.tolist() for array in (layer.source, layer.option, layer.target, layer.cost)), strict=True)
        for source, option, target, cost in edges:
            states[source].append(_Step(option, target, cost, float(rest[target])))
        leaving.append(states)
    return leaving
