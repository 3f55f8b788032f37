"""Artificial spaces with known accuracies, on which the design of a search is chosen, never on the published
benchmarks.

A seed draws one space: 4 to 8 layers, 3 to 8 options each, up to 16,384 networks. On a hidden scale a network is
worth the sum of its options, which grows with what they cost, and of pairs of options in two layers, either of
neighbours only or of any two (2 to 15 % of the variance), and something of its own (0 to 2 %). Accuracy rises with it
towards a ceiling. The reward is one training, its noise has a standard deviation of 5, 10 or 20 % of the accuracies';
the judge is the truth without noise.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from edgenas.search.cost import macs_cost
from edgenas.search.problem import Candidate, Problem
from edgenas.search.space import Choice, Layer, Space
from tools.bench.named_networks import NamedOption
from tools.bench.search_tasks import Asked

SHAPES = ((8, 3), (7, 4), (6, 5), (5, 6), (4, 8))  #: layers, options
QUANTILES = (0.15, 0.4, 0.7)
NOISE = (0.05, 0.1, 0.2)


class Column:
    """Judge that returns accuracies from a dictionary."""

    name = "made-up"

    def __init__(self, column: dict[Choice, float]) -> None:
        self.column = column

    def evaluate(self, candidates: Sequence[Candidate]) -> Iterator[tuple[int, float]]:
        return ((i, self.column[c.choice]) for i, c in enumerate(candidates))


class MadeUp:
    """Task with one artificial space for each seed, at three budgets."""

    name = "made-up spaces"

    def asked(self, seed: int) -> list[Asked]:
        rng = np.random.default_rng(seed)
        layers, options = SHAPES[seed % len(SHAPES)]
        choices = np.array(list(itertools.product(range(options), repeat=layers)))
        macs = np.round(1e6 * np.exp(rng.normal(0, 0.7, (layers, options)) + rng.normal(0, 0.4, (layers, 1))))
        macs[rng.random(layers) < 0.6, 0] = 0
        truth = _truth(rng, choices, macs)
        noise = rng.choice(NOISE) * truth.std()
        seen = truth + noise * rng.normal(size=len(truth))
        costs = macs[np.arange(layers), choices].sum(axis=1)
        space, keys = _space(seed, macs), [tuple(row) for row in choices.tolist()]
        judged, accuracy = (
            dict(zip(keys, truth.tolist(), strict=True)),
            Column(dict(zip(keys, seen.tolist(), strict=True))),
        )
        return [
            Asked(
                Problem(space, macs_cost(), accuracy, budget, seed),
                judged.__getitem__,
                float(truth[costs <= budget].max()),
            )
            for budget in np.quantile(costs, QUANTILES).tolist()
        ]


def _truth(rng: np.random.Generator, choices: np.ndarray, macs: np.ndarray) -> np.ndarray:
    """Return the accuracy in percent of every network without noise."""
    layers, options = macs.shape
    worth = np.log1p(macs / 1e6) * np.exp(rng.normal(0, 0.5, (layers, 1))) + rng.normal(0, 0.15, macs.shape)
    alone = _standard(worth[np.arange(layers), choices].sum(axis=1))
    near = rng.random() < 0.5
    together = np.zeros(len(choices))
    for i, j in itertools.combinations(range(layers), 2):
        if j == i + 1 or not near:
            pair = rng.normal(size=(options, options))
            pair -= pair.mean(axis=0)
            pair -= pair.mean(axis=1, keepdims=True)
            together += pair[choices[:, i], choices[:, j]]
    of_pairs, own = rng.uniform(0.02, 0.15), rng.uniform(0, 0.02)
    hidden = np.sqrt(1 - of_pairs - own) * alone + np.sqrt(of_pairs) * _standard(together)
    hidden += np.sqrt(own) * rng.normal(size=len(choices))
    bend = rng.uniform(0.1, 0.8)
    return np.asarray(95 - 2 * np.exp(-bend * hidden) / bend)


def _standard(values: np.ndarray) -> np.ndarray:
    return np.asarray((values - values.mean()) / values.std())


def _space(seed: int, macs: np.ndarray) -> Space:
    layers = [
        Layer(f"l{i}", tuple(NamedOption(f"o{j}", "conv", layer=f"l{i}", macs=int(n)) for j, n in enumerate(row)))
        for i, row in enumerate(macs.tolist())
    ]
    return Space(f"made_up-{seed}", 32, tuple(layers), c_in=16, source="made up")
