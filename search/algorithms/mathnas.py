"""MathNAS: estimate block performances, then solve one integer program (Wang et al., arXiv 2311.04943, NeurIPS 2023).

The accuracy of a network is predicted from its blocks as

    Acc(N) = Acc(base) - sum_i b[i, J_i] (meanF[i, J_i] / F(N))^power

with F the FLOPs (MACs) and b from ``edgenas.search.algorithms.mathnas_blocks``. The paper's ``power`` is 1: the best
network within a budget is then the optimum of a linear fractional program; with 0 the prediction is additive. Steps of
the paper: block performances from the single sample (Algorithm 1) or a random average; the integer program under a
latency limit (section 4), whose optimum is the answer. Departures: Dinkelbach's method with the exact dynamic program
solves the fractional program, and the paper's big-M program (``edgenas.search.solvers.charnes_cooper``) checks it; the
answer is the best judged network, which may be one of the estimate's; ``top`` networks are judged instead of the first
alone; N_avg is taken from inside the budget (``average``), since block performances around a network that the budget
excludes mislead; a run whose trials end before the estimate is complete, or whose cost of a network is not the sum of
its blocks, completes its answer within the budget.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Literal, get_args

from edgenas.base.errors import InputError
from edgenas.base.naming import among
from edgenas.search.algorithms.mathnas_blocks import FLOPS, AverageName, BlockValues, block_values, nearness
from edgenas.search.algorithms.within import best_within
from edgenas.search.feasible import checked_graph
from edgenas.search.graph import Bools, Floats, Graph, edge_values, layered_graph
from edgenas.search.problem import Problem, Result
from edgenas.search.solvers import charnes_cooper, dinkelbach, limited, milp, pareto_dp
from edgenas.search.solvers.dinkelbach import Ratio
from edgenas.search.solvers.k_best import Scored, k_best
from edgenas.search.solvers.pareto_dp import ParetoFront
from edgenas.search.space import Choice, Space
from edgenas.search.trials import Trials, TrialsExhaustedError

SolverName = Literal["dp", "milp"]
LOOKED_AT = 100  #: networks, predicted best first, that are compared with a budget that is not a sum


def mathnas(
    problem: Problem,
    trials: Trials,
    *,
    fraction: float | None = None,
    power: float = 1.0,
    top: int = 1,
    solver: SolverName = "dp",
    average: AverageName = "budget",
) -> Result:
    """Search for the best network with cost <= ``problem.budget`` that keeps the limits.

    fraction  None for the single-sample estimate; else the part (0..1) of all networks in the random average (the
              paper's alternative, 0.05), for small spaces
    power     exponent of the FLOPs factor, within 0..1; 1 in the paper
    top       number of networks judged after the estimate: the unjudged ones predicted best within the budget; 1 in the
              paper
    solver    'dp': Dinkelbach's method with the exact dynamic program; 'milp': the paper's integer program by HiGHS.
              Both keep several limits, as the paper keeps latency and energy
    average   N_avg of the single sample: 'budget' takes it from inside the budget, where N_avg of the whole space is
              outside; 'space' is N_avg of the paper

    ``Result.predicted`` is the predicted accuracy of the best judged network; ``notes["predicted_best"]`` is the
    network predicted best.
    """
    if top < 1:
        raise InputError(f"top {top} is below 1: the network predicted best must be judged")
    if solver not in get_args(SolverName):
        raise InputError(f"solver {solver!r} is not one of {among(solver, get_args(SolverName))}")
    graph = checked_graph(problem)
    key = problem.space.key
    notes: dict[str, Any] = {"fraction": fraction, "power": power, "top": top, "solver": solver, "average": average}
    try:
        values = block_values(problem, trials, fraction, average)
    except TrialsExhaustedError:
        _complete(problem, trials, graph, nearness(problem.space))
        return trials.result("mathnas", {**notes, "estimated": False})
    prediction = Prediction.of(problem.space, graph, values, power)
    notes |= {"base": key(values.base), "N_avg": key(values.average), "estimated_from": len(trials)}
    first: list[Ratio] = []
    ranked = prediction.ranked(problem.budget, solver, first)
    fitting = filter(problem.fits, (scored.choice for scored in islice(ranked, LOOKED_AT)))
    additive = [-loss for loss in prediction.loss]
    best = next(fitting, None) or best_within(problem, graph, additive)
    if best is not None:
        gap, iterations = (first[0].gap, first[0].iterations) if first else (None, 0)
        predicted_best = {"network": key(best), "accuracy": prediction.accuracy(best), "gap": gap}
        notes |= {"predicted_best": predicted_best, "iterations": iterations}
        with suppress(TrialsExhaustedError):
            trials.rewards(trials.unjudged(chain([best], fitting), top))
    if trials.best() is None:
        _complete(problem, trials, graph, additive)
    best_trial = trials.best()
    return trials.result("mathnas", notes, None if best_trial is None else prediction.accuracy(best_trial.choice))


def _complete(problem: Problem, trials: Trials, graph: Graph, values: list[Floats]) -> None:
    """Judge the network of greatest value within the budget and limits, where no judged network is within them."""
    if trials.best() is None:
        found = best_within(problem, graph, values)
        trials.rewards([] if found is None else [found])


@dataclass(frozen=True, eq=False)
class Prediction:
    """Accuracies predicted from block values, on the edges of a graph: Acc(base) - sum(loss) / sum(size)^power."""

    graph: Graph
    base_accuracy: float
    loss: list[Floats]
    size: list[Floats]
    power: float

    @classmethod
    def of(cls, space: Space, graph: Graph, values: BlockValues, power: float = 0.0) -> Prediction:
        """Return the prediction by block values on ``graph``, the graph of ``space`` with the searched cost; sizes are
        FLOPs relative to the base network. InputError for a power outside 0..1."""
        if not 0 <= power <= 1:
            raise InputError(f"power {power!r} is outside 0..1")
        base_flops = FLOPS.total(space.architecture(values.base))
        loss = [
            [b * (f / base_flops) ** power for b, f in zip(*rows, strict=True)]
            for rows in zip(values.loss, values.mean_flops, strict=True)
        ]
        ended = [
            b * (row[i] / base_flops) ** power
            for b, row, i in zip(values.ended, values.mean_flops, values.average, strict=True)
        ]
        size = [layer.cost / base_flops for layer in layered_graph(space, FLOPS).layers]
        return cls(graph, values.base_accuracy, edge_values(space, loss, ended), size, power)

    def accuracy(self, choice: Choice) -> float:
        """Predicted accuracy of one network, in percent."""
        edges = self.graph.path(choice)
        loss, size = (sum(float(w[e]) for w, e in zip(rows, edges, strict=True)) for rows in (self.loss, self.size))
        return self.base_accuracy - loss / float(size**self.power)

    def front(self) -> ParetoFront:
        """Return the exact Pareto front of cost and predicted accuracy; its values are accuracies minus
        ``base_accuracy``. InputError unless power is 0, where predicted accuracy is additive."""
        if self.power != 0:
            raise InputError(f"the front is exact for power 0, where prediction is additive, not for {self.power:g}")
        return pareto_dp.pareto_front(self.graph.with_values([-loss for loss in self.loss]))

    def ranked(self, budget: float, solver: SolverName = "dp", answers: list[Ratio] | None = None) -> Iterator[Scored]:
        """Yield the networks with cost <= budget by descending predicted accuracy; the solver's results are appended to
        ``answers``."""

        def solve(keep: list[Bools]) -> Scored | None:
            found = self._solve(budget, solver, keep)
            if found is not None and answers is not None:
                answers.append(found)
            return None if found is None else Scored(found.choice, found.cost, found.ratio)

        return k_best(self.graph, solve)

    def _solve(self, budget: float, solver: SolverName, keep: list[Bools]) -> Ratio | None:
        graph = self.graph.restricted(keep)
        loss, size = ([w[mask] for w, mask in zip(rows, keep, strict=True)] for rows in (self.loss, self.size))
        if solver == "milp" and self.power == 1:
            return charnes_cooper.solve(graph, budget, loss, size)
        additive = milp.solve if solver == "milp" else limited.solve
        return dinkelbach.solve(graph, budget, loss, size, self.power, additive)
