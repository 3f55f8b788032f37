"""MathNAS's block performances: the contribution of each block to a network's accuracy (Wang et al., arXiv 2311.04943).

b[i, j] is the accuracy lost when block j replaces block 1, the largest block of node i. A node is a layer with more
than one option, a block is an option. There are two estimates:

single sample    (Algorithm 1 of the paper) from one network, N_avg, which has at each node the block whose FLOPs are
                 nearest the node's mean: m (n - 1) + 1 networks, and the base network with block 1 at every node
random average   from a random part of all networks: mean accuracy of networks with block 1 minus that of networks with
                 block j

Where options choose widths, the FLOPs of an option are those at the width before it. Where a stage may end early, node
means do not include the ending option (N_avg has full depth), and swapping that option in ends the stage. The loss of
that swap includes the later layers as they were in the judged networks; ``ended`` is the loss of these layers against
block 1, so that predictions are exact where accuracy is additive.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from edgenas.base.errors import InputError
from edgenas.base.naming import among
from edgenas.blocks.size import pixels
from edgenas.search.algorithms.within import best_within
from edgenas.search.cost import macs_cost
from edgenas.search.graph import Bools, Floats, layered_graph
from edgenas.search.problem import Problem
from edgenas.search.space import Choice, Edge, Space
from edgenas.search.trials import Trials

AverageName = Literal["budget", "space"]

MOST_SAMPLES = 100_000
FLOPS = macs_cost()  #: the paper's FLOPs are multiply-accumulates


@dataclass(frozen=True, slots=True)
class BlockValues:
    """Block performances: one row per layer, one number per option, zeros where a layer has one option.

    base           the network with block 1 at every node, and ``base_accuracy`` its accuracy in percent
    average        the network N_avg
    loss           b: accuracy points lost against block 1
    mean_flops     mean FLOPs (MACs) of the networks that the block was judged in
    ended          accuracy points lost by each layer after the end of its stage
    """

    base: Choice
    base_accuracy: float
    average: Choice
    loss: tuple[tuple[float, ...], ...]
    mean_flops: tuple[tuple[float, ...], ...]
    ended: tuple[float, ...]


def block_values(
    problem: Problem, trials: Trials, fraction: float | None = None, average: AverageName = "budget"
) -> BlockValues:
    """Judge the networks of an estimate, and return the block values.

    The estimate is the single sample, or with ``fraction`` (within 0..1) the average over that part of all networks,
    drawn by ``problem.seed``. ``average`` is 'space' for N_avg of the paper, 'budget' to take it from inside the
    budget. One trial is kept for an answer, until a network within the budget is judged. InputError for a fraction that
    is out of range or needs too many networks.
    """
    if average not in get_args(AverageName):
        raise InputError(f"average {average!r} is not one of {among(average, get_args(AverageName))}")
    space = problem.space
    base = base_network(space)
    middle = average_network(space) if average == "space" else average_within(problem)
    swaps = {
        (i, j): swapped(space, middle, i, j)
        for i, layer in enumerate(space.layers)
        if len(layer.options) > 1
        for j in range(len(layer.options))
    }
    if fraction is None:
        contexts = {key: [choice] for key, choice in swaps.items()}
    else:
        sample = _sample(space, fraction, problem.seed)
        seen = _seen(space, sample)
        lacking = dict.fromkeys(choice for key, choice in swaps.items() if key not in seen)
        contexts = _seen(space, [*sample, *lacking])
    networks = list(dict.fromkeys([base, *(choice for choices in contexts.values() for choice in choices)]))
    rewards = dict(zip(networks, trials.rewards(networks, spare=1), strict=True))
    flops = {choice: FLOPS.total(space.architecture(choice)) for choice in networks}
    accuracy = {key: _mean([rewards[c] for c in choices]) for key, choices in contexts.items()}
    mean_flops = {key: _mean([flops[c] for c in choices]) for key, choices in contexts.items()}
    loss = {(i, j): accuracy[i, base[i]] - accuracy[i, j] for i, j in swaps}
    counts = {(i, middle[i]): 1 for i, _ in swaps} if fraction is None else {k: len(c) for k, c in contexts.items()}
    ended = [
        _weighted([(loss.get((i, j), 0.0), n) for (k, j), n in counts.items() if k == i]) for i in range(len(base))
    ]
    return BlockValues(base, rewards[base], middle, _rows(space, loss), _rows(space, mean_flops), tuple(ended))


def base_network(space: Space) -> Choice:
    """Return the base network: at every node block 1, the one with most FLOPs; of equals the first."""
    return _walk(space, lambda _, edges: max(edges, key=_work))


def average_network(space: Space) -> Choice:
    """Return N_avg: at each node the block whose FLOPs are nearest the mean of its blocks; of equals the first."""

    def nearest(i: int, edges: Sequence[Edge]) -> Edge:
        open_edges = [e for e in edges if not space.layers[i].options[e.option].ends] or list(edges)
        mean = _mean([_work(e) for e in open_edges])
        return min(open_edges, key=lambda edge: abs(_work(edge) - mean))

    return _walk(space, nearest)


def _work(edge: Edge) -> float:
    """FLOPs of an edge's blocks; of a choice of the image's size, which has no block, its pixels, with which the FLOPs
    of a network grow."""
    return FLOPS.together(edge.blocks) if edge.blocks else float(pixels(edge.target.size))


def average_within(problem: Problem) -> Choice:
    """Return N_avg where it keeps the budget and the limits; else the network within them that is nearest to it.

    The distance is the sum over the nodes of the difference of FLOPs from the node's mean, as a share of that mean.
    Options that end a stage are taken only where no network without them fits.
    """
    space, average = problem.space, average_network(problem.space)
    if problem.fits(average):
        return average
    graph = layered_graph(space, problem.cost, problem.limits)
    found = best_within(problem, graph, nearness(space), [_lasting(space, i) for i in range(len(space.layers))])
    return average if found is None else found


def nearness(space: Space) -> list[Floats]:
    """Return for each layer the negative difference of each edge's FLOPs from the mean of the layer, as a share."""
    values = []
    for i, edges in enumerate(space.edges):
        flops, lasting = np.array([_work(edge) for edge in edges]), _lasting(space, i)
        mean = float(flops[lasting].mean()) if lasting.any() else float(flops.mean())
        values.append(-np.abs(flops - mean) / (mean or 1.0))
    return values


def _lasting(space: Space, layer: int) -> Bools:
    """Marks of the edges of a layer that do not end a stage; of all where there are no others."""
    marks = np.array([not space.layers[layer].options[edge.option].ends for edge in space.edges[layer]])
    return marks if marks.any() else np.ones(len(marks), bool)


def swapped(space: Space, choice: Choice, layer: int, option: int) -> Choice:
    """Return ``choice`` with ``option`` in ``layer``; where the option ends a stage, the later layers of that stage end
    too."""
    return space.repaired([*choice[:layer], option, *choice[layer + 1 :]])


def _walk(space: Space, pick: Callable[[int, Sequence[Edge]], Edge]) -> Choice:
    state, options = space.start, []
    for i in range(len(space.layers)):
        edge = pick(i, space.open_edges(i, state))
        options.append(edge.option)
        state = edge.target
    return tuple(options)


def _sample(space: Space, fraction: float, seed: int) -> list[Choice]:
    """Draw ``fraction`` of all networks (at least two) without replacement."""
    if not 0 < fraction <= 1:
        raise InputError(f"fraction {fraction!r} is outside 0..1")
    wanted = min(space.networks, max(2, math.ceil(fraction * space.networks)))
    if wanted > MOST_SAMPLES:
        raise InputError(
            f"{fraction:g} of the {space.networks:.3g} networks of {space.name} is more than {MOST_SAMPLES:,}: "
            f"use the single sample"
        )
    rng, drawn = random.Random(seed), dict[Choice, None]()
    while len(drawn) < wanted:
        drawn[space.sample(rng)] = None
    return list(drawn)


def _seen(space: Space, networks: Sequence[Choice]) -> dict[tuple[int, int], list[Choice]]:
    """For each (layer, option), the networks with that option; layers after the end of their stage do not count."""
    seen: dict[tuple[int, int], list[Choice]] = {}
    for choice in networks:
        state = space.start
        for i, option in enumerate(choice):
            if not state.ended:
                seen.setdefault((i, option), []).append(choice)
            state = next(e.target for e in space.open_edges(i, state) if e.option == option)
    return seen


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _weighted(values: Sequence[tuple[float, int]]) -> float:
    """Weighted mean of (value, weight) pairs; 0 where there are none."""
    return sum(value * weight for value, weight in values) / (sum(weight for _, weight in values) or 1)


def _rows(space: Space, values: dict[tuple[int, int], float]) -> tuple[tuple[float, ...], ...]:
    return tuple(
        tuple(values.get((i, j), 0.0) for j in range(len(layer.options))) for i, layer in enumerate(space.layers)
    )
