"""Random networks within the budget, judged without replacement: what every algorithm must beat."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress

import numpy as np

from blocks.errors import InputError
from search.graph import Graph, best_rest, check_budget, layered_graph
from search.journal import network_digest
from search.problem import Problem, Result
from search.space import Choice
from search.trials import Trials, TrialsExhaustedError

TRIES = 200  #: draws in a row that give nothing new before the way of drawing changes, or the drawing ends


def random_search(problem: Problem, trials: Trials, *, samples: int = 100) -> Result:
    """The best of ``samples`` distinct networks (fewer when no more are found) with cost <= ``problem.budget``.

    Networks are drawn with equal probability from the space and kept when they fit. Where almost none fits, they are
    drawn layer by layer among the options that can still fit, which favours some networks over others.
    """
    if samples < 1:
        raise InputError(f"samples {samples} is below 1")
    graph = layered_graph(problem.space, problem.cost)
    check_budget(graph, problem.space, problem.budget, problem.cost.unit)
    rng, found = random.Random(problem.seed), dict[str, Choice]()
    for draw in (_uniform(problem, rng), _fitting(problem.budget, graph, rng)):
        misses = 0
        while len(found) < samples and misses < TRIES:
            choice = next(draw)
            network = problem.space.architecture(choice)
            digest = network_digest(network)  # two choices may name one network
            if digest in found or problem.cost.total(network) > problem.budget:
                misses += 1
            else:
                found[digest] = choice
                misses = 0
    with suppress(TrialsExhaustedError):
        trials.rewards(list(found.values()))
    return trials.result("random", {"samples": samples})


def _uniform(problem: Problem, rng: random.Random) -> Iterator[Choice]:
    """Members of the space, each as likely as any other."""
    while True:
        yield problem.space.sample(rng)


def _fitting(budget: float, graph: Graph, rng: random.Random) -> Iterator[Choice]:
    """Networks whose every option leaves room for the cheapest rest."""
    rest = best_rest(graph, [layer.cost for layer in graph.layers]).bound
    while True:
        state, cost, options = 0, 0.0, []
        for i, layer in enumerate(graph.layers):
            edges = np.flatnonzero(layer.source == state)
            total = cost + layer.cost[edges] + rest[i + 1][layer.target[edges]]
            edge = rng.choice(edges[total <= max(budget, total.min())].tolist())
            options.append(int(layer.option[edge]))
            state, cost = int(layer.target[edge]), cost + float(layer.cost[edge])
        yield tuple(options)
