"""Hybrid: LayerNAS's table of prefixes, with the later layers chosen by a model that MathNAS's trainings start.

LayerNAS (arXiv 2304.11517) walks the layers and keeps the best prefix of each bucket of cost, but must guess the layers
to come; MathNAS (arXiv 2311.04943) knows what each block is worth, but learns nothing from what it then trains. Here:

1. the networks of MathNAS's single-sample estimate are judged
2. a ridge regression (``edgenas.search.algorithms.ridge``) is fitted to everything judged so far
3. one sweep of LayerNAS: each kept prefix meets each option; each child is completed by what the model says is best
   within the budget; of each bucket the child predicted best and not judged yet is judged; a bucket keeps the prefix
   whose network was judged best
4. until a sweep changes no bucket; what is left of a limit on trials then goes to the networks that the model says are
   best within the budget, one at a time
5. of the networks judged, those are named that are worth training in full: the model's word and the reward together say
   which (``TrialModel.expected``), for the highest of many noisy rewards is mostly the luckiest

The model is fitted again for every layer. A child is not judged when its prediction, more two standard errors, stays
below that of the best network so far: its whole prefix is set aside until the model thinks otherwise.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from edgenas.search.algorithms.hybrid_table import PrefixTable, TrialModel
from edgenas.search.algorithms.mathnas_blocks import average_network, base_network, swapped
from edgenas.search.algorithms.options import check_counts
from edgenas.search.algorithms.warm_start import NONE, note, warm_started
from edgenas.search.feasible import checked_graph
from edgenas.search.problem import Problem, Result
from edgenas.search.solvers import limited
from edgenas.search.solvers.best_first import best_first
from edgenas.search.solvers.completions import completions
from edgenas.search.space import Choice, Space
from edgenas.search.trials import Trials, TrialsExhaustedError

WARM = 10  #: networks that a proxy may choose
FINALISTS = 5  #: networks named as worth training in full
LOOKED_AT = 100_000  #: networks within the budget, best first, before no more is expected to keep the limits


def hybrid(
    problem: Problem,
    trials: Trials,
    *,
    budgets: float | Sequence[float] = (),
    buckets: int = 20,
    warm_start: str = NONE,
) -> Result:
    """The best judged network with cost <= ``problem.budget`` that keeps the limits; ``Result.recommended`` is the one
    expected to be best when trained again. ``notes["front"]`` has both for every budget, and the finalists by
    descending expectation.

    budgets     more budgets to search at once: all learn from the same trials, and take turns layer by layer
    buckets     H: cells of equal width between 0 and a budget
    warm_start  the proxy that chooses networks to judge before the single sample (``WARM``, or a quarter of the limit
                on trials, for the smallest budget): see ``edgenas.search.algorithms.warm_start``

    ``Result.predicted`` is what the other trials predict that one to be. Departures from the papers: cells
    belong to (bucket, state) as in ``edgenas.search.algorithms.layernas``, and when a limit on trials is less than
    twice the single sample, half of it goes into a random part of that sample.
    """
    check_counts(buckets=buckets)
    more = (budgets,) if isinstance(budgets, int | float) else budgets
    problems = [replace(problem, budget=budget) for budget in sorted({problem.budget, *more})]
    graph = checked_graph(problems[0])  # the smallest budget
    model = TrialModel(problem.space, graph, trials)
    tables = [PrefixTable(each, trials, model, buckets) for each in problems]
    sweeps, limit = 0, trials.max_trials
    warm = warm_started(problems[0], WARM if limit is None else min(WARM, limit // 4), warm_start)
    try:
        model.rewards(warm)
        _judge_seeds(problem, trials, model)
        changed = True
        while changed:
            sweeps += 1
            turns = [table.search_layer(i) for i in range(len(graph.layers)) for table in tables]
            changed = any(turns)
        if trials.max_trials is not None:
            _spend(problems, trials, model)
    except TrialsExhaustedError:
        pass
    if trials.best() is None:
        _rescue(problem, trials, model)
    finalists, ridge = model.finalists(problem.budget), model.ridge()
    notes: dict[str, Any] = {"H": buckets, "sweeps": sweeps}
    notes |= {"ceiling": ridge.ceiling, "penalty": ridge.penalty, **note(problem, warm_start, warm)}
    notes["front"] = [_front_point(each, trials, model) for each in problems]
    recommended = finalists[0] if finalists else None
    predicted = None if recommended is None else model.left_out(recommended.choice)
    return trials.result("hybrid", notes, predicted, recommended)


def single_sample(space: Space) -> list[Choice]:
    """The networks of MathNAS's single-sample estimate: the base, and every option swapped into N_avg."""
    average = average_network(space)
    options = [(i, j) for i, layer in enumerate(space.layers) for j in range(len(layer.options))]
    return list(dict.fromkeys([base_network(space), *(swapped(space, average, i, j) for i, j in options)]))


def _judge_seeds(problem: Problem, trials: Trials, model: TrialModel) -> None:
    seeds, limit = single_sample(problem.space), trials.max_trials
    if limit is not None and len(seeds) > limit // 2 - len(trials):
        random.Random(problem.seed).shuffle(seeds)
        seeds = seeds[: max(1, limit // 2 - len(trials))]
    model.rewards(seeds, spare=0 if any(problem.fits(choice) for choice in seeds) else 1)


def _spend(problems: Sequence[Problem], trials: Trials, model: TrialModel) -> None:
    """Judge the networks predicted best, one for each budget in turn, until none is left to judge."""
    left = list(problems)
    while left:
        for problem in tuple(left):
            bound = problem.cost.most_sum(problem.budget)
            ends = completions(model.graph.with_values(model.edge_values()), bound)
            best = islice(best_first(ends, bound), LOOKED_AT)  # under several limits few of them may fit
            networks = (choice for choice in best if choice not in model)
            found = trials.unjudged(filter(problem.fits, networks), 1)
            if not found:
                left.remove(problem)
            model.rewards(found)


def _rescue(problem: Problem, trials: Trials, model: TrialModel) -> None:
    """Judge the network predicted best that fits: for when the trials ran out before any did."""
    ends = completions(model.graph.with_values(model.edge_values()), problem.budget)
    networks = (ends.options(0, 0, index) for index in reversed(range(len(ends.endings[0][0].cost))))
    fits = next((choice for choice in networks if problem.fits(choice)), None)
    if fits is None:  # few networks keep all limits together, and the endings kept show none
        found = limited.solve(ends.graph, problem.budget)
        fits = None if found is None else found.choice
    trials.rewards([] if fits is None else [fits])


def _front_point(problem: Problem, trials: Trials, model: TrialModel) -> dict[str, Any]:
    best = trials.best(problem.budget)
    key, point = problem.space.key, {"budget": problem.budget}
    if best is None:
        return {**point, "network": None, "accuracy": None, "cost": None, "predicted": None, "finalists": []}
    first, *_ = found = model.finalists(problem.budget)[:FINALISTS]
    finalists = [
        {"network": key(t.choice), "accuracy": t.accuracy, "expected": model.expected(t.choice), "cost": t.cost}
        for t in found
    ]
    predicted = model.left_out(first.choice)
    return {
        **point,
        "network": key(best.choice),
        "accuracy": best.accuracy,
        "cost": best.cost,
        "predicted": predicted,
        "finalists": finalists,
    }
