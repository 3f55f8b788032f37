"""Random networks within a budget: the first networks of every baseline, and its fallback."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from edgenas.search.digests import network_digest
from edgenas.search.feasible import checked_graph
from edgenas.search.graph import Floats, Graph, best_rest
from edgenas.search.problem import Problem
from edgenas.search.solvers import limited
from edgenas.search.space import Choice

TRIES = 200  #: draws in a row without a new network, after which drawing stops
FIT_TRIES = 50  #: draws in a row that exceed budget or limits, after which the fallback is used


@dataclass(frozen=True, slots=True)
class _Step:
    """An edge of the graph: ``weights`` for the cost and each limit, and the smallest weights of a completion after it
    (``rest``)."""

    option: int
    target: int
    weights: tuple[float, ...]
    rest: tuple[float, ...]


class Draws:
    """Random draws of networks of ``problem.space`` that keep budget and limits; BudgetError when there is none."""

    def __init__(self, problem: Problem, rng: random.Random) -> None:
        self.problem = problem
        self.rng = rng
        self._graph = checked_graph(problem)
        self._most = (problem.budget, *self._graph.most)
        self._scale = tuple(most or 1.0 for most in self._most)
        self._leaving = _leaving(self._graph)
        self._fits: dict[Choice, bool] = {}

    def fits(self, choice: Choice) -> bool:
        """Return whether the network keeps the budget and the limits, compared to the last bit."""
        if choice not in self._fits:
            self._fits[choice] = self.problem.fits(choice)
        return self._fits[choice]

    def first_fit(self, draw: Callable[[], Choice], otherwise: Choice) -> Choice:
        """Return the first of ``FIT_TRIES`` draws that keeps budget and limits; ``otherwise`` when none does."""
        return next((choice for choice in (draw() for _ in range(FIT_TRIES)) if self.fits(choice)), otherwise)

    def distinct(self) -> Iterator[Choice]:
        """Yield networks within budget and limits, no two with the same blocks, until ``TRIES`` draws give no new one;
        at least one.

        They are drawn with equal probability from the space; draws above budget or limits are rejected. Where almost
        all are rejected, they are drawn layer by layer from the options that can still keep budget and limits, which
        gives networks unequal probabilities.
        """
        space, seen = self.problem.space, set[str]()
        for within in (False, True):
            misses = 0
            while misses < TRIES:
                choice = self._walk(None, within) if within else space.sample(self.rng)
                digest = network_digest(space.architecture(choice))  # two choices may be one network
                if digest in seen or not self.fits(choice):
                    misses += 1
                else:
                    seen.add(digest)
                    misses = 0
                    yield choice
        if not seen:
            yield self._any_fit()

    def weighted(self, weights: Sequence[Floats]) -> Choice:
        """Draw a network within budget and limits by ``weights`` (a positive number for each option of each layer).

        Draws above budget or limits are repeated; after ``FIT_TRIES`` of them, options are drawn layer by layer from
        those that can still keep budget and limits.
        """
        rows = [row.tolist() for row in weights]
        for within in (False, True):
            for _ in range(FIT_TRIES):
                choice = self._walk(rows, within)
                if self.fits(choice):
                    return choice
        return self._any_fit()

    def _walk(self, weights: Sequence[Sequence[float]] | None, within: bool) -> Choice:
        """Draw options layer by layer; ``within``: only from those after which the cheapest completion keeps budget and
        limits."""
        state, options, used = 0, list[int](), (0.0,) * len(self._most)
        for i, leaving in enumerate(self._leaving):
            steps = leaving[state]
            if within:
                over = [
                    max(
                        (u + w + r - m) / s
                        for u, w, r, m, s in zip(used, step.weights, step.rest, self._most, self._scale, strict=True)
                    )
                    for step in steps
                ]
                most = max(0.0, min(over))
                steps = [step for step, excess in zip(steps, over, strict=True) if excess <= most]
            step = self.rng.choices(steps, None if weights is None else [weights[i][step.option] for step in steps])[0]
            options.append(step.option)
            state, used = step.target, tuple(u + w for u, w in zip(used, step.weights, strict=True))
        return tuple(options)

    def _any_fit(self) -> Choice:
        """Return a network within budget and limits by exact search; used for a budget that equals the smallest cost up
        to rounding, and for limits that few networks keep together."""
        solution = limited.solve(self._graph, self.problem.budget)
        assert solution is not None, "checked_graph has proved that such a network exists"
        return solution.choice


def _leaving(graph: Graph) -> list[list[list[_Step]]]:
    """For each layer and state, the edges that leave the state."""
    kinds = range(1 + len(graph.most))
    bounds = [best_rest(graph, [layer.weights[:, kind] for layer in graph.layers]).bound for kind in kinds]
    leaving: list[list[list[_Step]]] = []
    for i, (layer, count) in enumerate(zip(graph.layers, graph.states[:-1], strict=True)):
        states: list[list[_Step]] = [[] for _ in range(count)]
        rest = np.stack([bound[i + 1] for bound in bounds], axis=1)
        for edge in range(len(layer)):
            source, target = int(layer.source[edge]), int(layer.target[edge])
            step = _Step(
                int(layer.option[edge]), target, tuple(layer.weights[edge].tolist()), tuple(rest[target].tolist())
            )
            states[source].append(step)
        leaving.append(states)
    return leaving
