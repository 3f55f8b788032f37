"""What ``estimates`` measures on: networks of published tables with their accuracies, and a search in mnasnet."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from edgenas.search.accuracy.nas_bench_201 import cell_of, read_columns
from edgenas.search.cost import macs_cost
from edgenas.search.graph import Floats
from edgenas.search.problem import Candidate, Problem
from edgenas.search.space import Choice, Layer, Space
from edgenas.search.spaces import space
from tools.bench.named_networks import nas_bench_201, nas_bench_macro_by_name
from tools.bench.search_tasks import Asked

DEVELOPED = 123  #: seed of the permutation whose first half the models were developed on
QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)
FOLDS = 5
CLIMBS, STAGES = 4, 7


@dataclass(frozen=True)
class Judged:
    """Networks of a space, the accuracies that a model is fitted to, and those that it is ranked against."""

    name: str
    space: Space
    choices: list[Choice]
    seen: Floats
    judged: Floats


class Accel:
    """The published networks of Accel-NASBench: top-1 accuracies of 5,125 trainings on ImageNet, CSV."""

    def __init__(self, path: Path) -> None:
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
            rows = list(csv.DictReader(file))
        self.space = space("mnasnet")
        numbers = [{option.key: i for i, option in enumerate(layer.options)} for layer in self.space.layers]
        self.choices = [tuple(_numbers(row, numbers)) for row in rows]
        self.accuracies = np.array([float(row["val_top1"]) for row in rows])

    def held_out(self) -> Judged:
        """Return the half of the networks that no model was developed on."""
        order = np.random.default_rng(DEVELOPED).permutation(len(self.choices))[len(self.choices) // 2 :]
        seen = self.accuracies[order]
        return Judged("Accel-NASBench", self.space, [self.choices[i] for i in order], seen, seen)


def _numbers(row: dict[str, str], numbers: Sequence[dict[str, int]]) -> Iterator[int]:
    yield 0
    for stage in range(STAGES):
        e, k, d, se = (row[f"block{stage}_{name}"] for name in ("e", "k", "l", "se"))
        yield numbers[stage + 1][f"e{e}k{k}d{d}se{se}"]
    yield from (0, 0)


def macro(path: Path, seed: int) -> Judged:
    """Return NAS-Bench-Macro: fitted to one of three trainings, ranked against their mean."""
    published, networks = json.loads(path.read_text()), nas_bench_macro_by_name()
    choices = [networks.parse(".".join(key)) for key in published]
    seen = np.array([row["test_acc"][seed % 3] for row in published.values()])
    mean = np.array([sum(row["test_acc"]) / 3 for row in published.values()])
    return Judged("NAS-Bench-Macro", networks, choices, seen, mean)


def cells(path: Path, data: str) -> Judged:
    """Return NAS-Bench-201: fitted to validations after 12 epochs, and ranked against them, which is what a judge
    says."""
    networks = nas_bench_201(0)
    (column,) = read_columns(path, (f"acc12_{data}-val",)).values()
    options = [range(len(layer.options)) for layer in networks.layers]
    choices: list[Choice] = [tuple(int(i) for i in each) for each in np.stack(np.meshgrid(*options), -1).reshape(-1, 6)]
    seen = np.array([column[cell_of(networks, choice)] for choice in choices])
    return Judged(f"NAS-Bench-201, {data.upper()}, 12 epochs", networks, choices, seen, seen)


class Surrogate:
    """Search in mnasnet within MACs budgets. Only 5,125 of its networks were trained: boosted trees, fitted to all of
    them, are the truth, and a reward is the truth and noise.

    The noise has the standard deviation of the trees' error on networks left out (``error``), which includes the noise
    of the trainings: it is at least as large. Budgets are quantiles of the trained networks. The best network within a
    budget is the best of 4 climbs on the truth itself, each by changes of two stages at once.
    """

    name = "mnasnet, MACs budgets"

    def __init__(self, accel: Accel) -> None:
        from sklearn.ensemble import HistGradientBoostingRegressor
        from sklearn.model_selection import cross_val_predict

        self._space, self._cost = accel.space, macs_cost()
        self._parts = [np.array([_factors(option.key) for option in layer.options]) for layer in self._stages]
        trees = HistGradientBoostingRegressor(
            max_iter=600, learning_rate=0.05, max_leaf_nodes=8, min_samples_leaf=10, random_state=0
        )
        rows = self._rows(accel.choices)
        self.left_out = cross_val_predict(trees, rows, accel.accuracies, cv=FOLDS)
        self.error = float(np.sqrt(((self.left_out - accel.accuracies) ** 2).mean()))
        self._trees = trees.fit(rows, accel.accuracies)
        self._known: dict[Choice, float] = {}
        totals = [self._cost.total(self._space.architecture(choice)) for choice in accel.choices]
        self.budgets = [float(np.quantile(totals, quantile)) for quantile in QUANTILES]

    @property
    def _stages(self) -> list[Layer]:
        return [layer for layer in self._space.layers if len(layer.options) > 1]

    def _rows(self, choices: Sequence[Choice]) -> Floats:
        chosen = np.array(choices)[:, 1 : STAGES + 1]
        return np.concatenate([part[chosen[:, i]] for i, part in enumerate(self._parts)], axis=1)

    def truth(self, choices: Sequence[Choice]) -> list[float]:
        """Return the accuracies of networks without noise."""
        new = [choice for choice in dict.fromkeys(choices) if choice not in self._known]
        if new:
            self._known.update(zip(new, self._trees.predict(self._rows(new)).tolist(), strict=True))
        return [self._known[choice] for choice in choices]

    def asked(self, seed: int) -> list[Asked]:
        return [
            Asked(
                Problem(self._space, self._cost, Noisy(self, seed), budget, seed),
                lambda choice: self.truth([choice])[0],
                best,
            )
            for budget, best in zip(self.budgets, self._best, strict=True)
        ]

    @cached_property
    def _best(self) -> list[float]:
        return [max(self._climb(budget, seed) for seed in range(CLIMBS)) for budget in self.budgets]

    def _climb(self, budget: float, seed: int) -> float:
        """Accuracy at the end of a climb from a random network: the best change of one or two stages, until none
        helps."""
        rng = np.random.default_rng(seed)
        sizes = [len(layer.options) for layer in self._space.layers]
        costs = [table.sums(self._cost.of) for table in self._space.edge_tables]
        here = next(
            choice
            for choice in (tuple(int(rng.integers(n)) for n in sizes) for _ in range(10**6))
            if sum(cost[i] for cost, i in zip(costs, choice, strict=True)) <= budget
        )
        value = self.truth([here])[0]
        while True:
            pairs = [(i, j) for i in range(1, STAGES + 1) for j in range(i + 1, STAGES + 1)]
            near = [
                (*here[:i], a, *here[i + 1 : j], b, *here[j + 1 :])
                for i, j in pairs
                for a in range(sizes[i])
                for b in range(sizes[j])
            ]
            totals = sum(cost[np.array(near)[:, i]] for i, cost in enumerate(costs))
            fits = [choice for choice, total in zip(near, totals, strict=True) if total <= budget]
            values = self._trees.predict(self._rows(fits))
            if values.max() <= value:
                return value
            here, value = fits[int(values.argmax())], float(values.max())


class Noisy:
    """The judge of ``Surrogate``: the truth and the noise of one training, which ``seed`` draws."""

    def __init__(self, truth: Surrogate, seed: int) -> None:
        self._truth, self._seed = truth, seed
        self.name = f"boosted-trees-{seed}"

    def evaluate(self, candidates: Sequence[Candidate]) -> Iterator[tuple[int, float]]:
        choices = [candidate.choice for candidate in candidates]
        for index, (choice, value) in enumerate(zip(choices, self._truth.truth(choices), strict=True)):
            noise = np.random.default_rng([self._seed, *choice]).normal() * self._truth.error
            yield index, value + float(noise)


def _factors(key: str) -> list[int]:
    """Expansion, kernel, depth and SE of an option such as 'e6k5d3se1'."""
    parts = key.replace("se", " ").replace("k", " ").replace("d", " ").replace("e", " ").split()
    return [int(part) for part in parts]
