"""Tasks of ``search_quality``: problems with a known best network, on two published tables."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from edgenas.blocks.architecture import Architecture
from edgenas.search.accuracy.nas_bench_201 import NasBench201, cell_of, read_columns
from edgenas.search.accuracy.tabular import NasBenchMacro
from edgenas.search.cost import macs_cost
from edgenas.search.problem import Candidate, Cost, Problem
from edgenas.search.space import Choice
from edgenas.search.spaces import space
from tools.bench.named_networks import nas_bench_201, nas_bench_macro_by_name

MACRO_QUANTILES = (0.1, 0.25, 0.4, 0.55, 0.7, 0.85)
PI4_QUANTILES = (0.2, 0.4, 0.6, 0.8, 1.0)
TIMED = 100  #: random cells whose latencies give what an operation on an edge takes, by non-negative least squares


@dataclass(frozen=True)
class Asked:
    """Problem, with the true accuracy of any network (``judge``) and the greatest accuracy within the budget
    (``best``), in percent.
    """

    problem: Problem
    judge: Callable[[Choice], float]
    best: float


@dataclass(frozen=True)
class MeasuredCost(Cost):
    """Measured latency of the whole network as a cost; ``of`` and ``fixed`` are sums that approximate it."""

    whole: Callable[[Architecture], float] = lambda _: 0.0

    def total(self, architecture: Architecture) -> float:
        return self.whole(architecture)

    def most_sum(self, budget: float) -> float:
        return math.inf


class Macro:
    """NAS-Bench-Macro with FLOPs budgets; the search sees one of three trainings, and is judged by their mean. With
    ``merged``, names that differ only in the place of a skip are one network, which is trained once.
    """

    def __init__(self, path: Path, merged: bool = False) -> None:
        self.name = "NAS-Bench-Macro, FLOPs budgets" + (", names merged" if merged else "")
        self._path, self._judge = path, NasBenchMacro(path)
        self._space = space("nas_bench_macro") if merged else nas_bench_macro_by_name()
        published = json.loads(path.read_text()).values()
        self._flops = np.array([row["flops"] for row in published])
        self._means = np.array([sum(row["test_acc"]) / 3 for row in published])

    def asked(self, seed: int) -> list[Asked]:
        seen, found = NasBenchMacro(self._path, "one", seed), []
        for quantile in MACRO_QUANTILES:
            budget = float(np.quantile(self._flops, quantile))
            problem = Problem(self._space, macs_cost(), seen, budget, seed)
            found.append(Asked(problem, self._accuracy, float(self._means[self._flops <= budget].max())))
        return found

    def _accuracy(self, choice: Choice) -> float:
        return self._judge.accuracy(Candidate(choice, self._space.architecture(choice)))


class Cells:
    """NAS-Bench-201: the search sees the validation accuracy after 12 epochs, and is judged by the test accuracy after
    200.
    """

    def __init__(self, path: Path, data: str) -> None:
        self._path, self._data = path, data
        self.name = f"NAS-Bench-201, {data.upper()}"

    @cached_property
    def _columns(self) -> tuple[dict[frozenset[tuple[str, str]], float], ...]:
        names = (f"acc12_{self._data}-val", f"acc200_{self._data}_test", "lat_raspi4")
        columns = read_columns(self._path, names)
        return tuple(columns[name] for name in names)

    def _ask(self, seed: int, cost: Cost, budget: float, best: float) -> Asked:
        validation, test, _ = self._columns
        cells = nas_bench_201(seed)
        accuracy = NasBench201(cells, validation, f"{self._data}-12-epochs")
        problem = Problem(cells, cost, accuracy, budget, seed)
        return Asked(problem, lambda choice: test[cell_of(cells, choice)], best)


class CellsOnPi4(Cells):
    """NAS-Bench-201 with latency budgets of a Raspberry Pi 4. A latency costs no training."""

    def __init__(self, path: Path, data: str) -> None:
        super().__init__(path, data)
        self.name += ", Pi 4 budgets"

    def asked(self, seed: int) -> list[Asked]:
        _, test, ms = self._columns
        cost = _pi4(ms, seed)
        budgets = [float(np.quantile(list(ms.values()), quantile)) for quantile in PI4_QUANTILES]
        return [self._ask(seed, cost, b, max(test[cell] for cell in ms if ms[cell] <= b)) for b in budgets]


class CellsFreely(Cells):
    """NAS-Bench-201 without a budget; the buckets of LayerNAS are of MACs."""

    def __init__(self, path: Path, data: str) -> None:
        super().__init__(path, data)
        self.name += ", no budget"

    def asked(self, seed: int) -> list[Asked]:
        cells, cost = nas_bench_201(seed), macs_cost()
        dearest = sum(max(cost.of(edge.block) for edge in edges) for edges in cells.edges)
        return [self._ask(seed, cost, dearest, max(self._columns[1].values()))]


def _pi4(ms: dict[frozenset[tuple[str, str]], float], seed: int) -> Cost:
    from scipy.optimize import nnls

    timed = random.Random(seed).sample(sorted(ms, key=sorted), TIMED)
    names = sorted({part for cell in ms for part in cell})
    rows = np.array([[*(name in cell for name in names), True] for cell in timed], float)
    parts, _ = nnls(rows, np.array([ms[cell] for cell in timed]))
    of = {" ".join(name): float(part) for name, part in zip(names, parts, strict=False)}

    def whole(architecture: Architecture) -> float:
        return ms[frozenset((edge, name) for edge, name in (str(b).split(" ") for b in architecture.blocks))]

    return MeasuredCost("ms", lambda block: of[str(block)], float(parts[-1]), whole)
