"""Hybrid: LayerNAS's table of prefixes, completed by a model that is first fitted to MathNAS's sample of networks.

LayerNAS (arXiv 2304.11517) goes through the layers and keeps the best prefix of each bucket of cost, but completes
prefixes by a fixed rule; MathNAS (arXiv 2311.04943) estimates the contribution of each block, but does not use later
trainings. Hybrid works as follows:

1. the networks of MathNAS's single-sample estimate are judged
2. a regression on factors of blocks and on options (``edgenas.search.algorithms.regression``) is fitted to all networks
   judged so far
3. one sweep of LayerNAS: each kept prefix is extended by each option; each child is completed by the layers that the
   model predicts to be best within the budget; in each bucket the unjudged child with the best prediction is judged; a
   bucket keeps the prefix whose network has the highest judged accuracy
4. sweeps are repeated until a sweep changes no bucket; remaining trials then go to the networks that the model predicts
   to be best within the budget, one at a time
5. the finalists, which are worth training in full, are the judged networks of highest expected accuracy, from model and
   judged accuracy together (``TrialModel.expected``): the highest of many noisy accuracies is mostly luck

The model is fitted again for every layer. A child is not judged when its prediction plus two standard errors is below
that of the best network so far: its prefix is skipped until the model's prediction changes.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from edgenas.search.algorithms.hybrid_table import PrefixTable
from edgenas.search.algorithms.mathnas_blocks import average_network, base_network, swapped
from edgenas.search.algorithms.options import check_counts
from edgenas.search.algorithms.trial_model import TrialModel
from edgenas.search.algorithms.warm_start import NONE, note, warm_started
from edgenas.search.algorithms.within import best_within
from edgenas.search.feasible import checked_graph
from edgenas.search.problem import Problem, Result
from edgenas.search.solvers.best_first import best_first
from edgenas.search.solvers.completions import completions
from edgenas.search.space import Choice, Space
from edgenas.search.trials import Trials, TrialsExhaustedError

WARM = 10  #: largest number of networks chosen by a proxy
FINALISTS = 5  #: number of finalists for each budget
RANKED = 10  #: networks, best first by the additive model, of which the one predicted best is judged
LOOKED_AT = 100_000  #: networks, best first, that are checked against the limits before the search for one gives up


def hybrid(
    problem: Problem,
    trials: Trials,
    *,
    budgets: float | Sequence[float] = (),
    buckets: int = 20,
    warm_start: str = NONE,
) -> Result:
    """Search for the best network with cost <= ``problem.budget`` that keeps the limits.

    ``Result.best`` is the judged network of highest accuracy, ``Result.recommended`` the one of highest expected
    accuracy when trained again, ``Result.predicted`` the accuracy of the recommended one, predicted from the other
    trials. ``notes["front"]`` has all three for every budget, and the finalists by descending expected accuracy.

    budgets     further budgets to search in the same run: all use the same trials, and take turns layer by layer
    buckets     H: number of cells of equal width between 0 and a budget
    warm_start  proxy that chooses the networks to judge before the single sample (``WARM`` of them, or a quarter of
                max_trials, for the smallest budget): see ``edgenas.search.algorithms.warm_start``

    Departures from the papers: cells belong to (bucket, state) as in ``edgenas.search.algorithms.layernas``, and when
    max_trials is less than twice the single sample, half of the trials go into a random part of that sample.
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
    finalists, fit = model.finalists(problem.budget), model.regression()
    notes: dict[str, Any] = {"H": buckets, "sweeps": sweeps}
    notes |= {"ceiling": fit.ceiling, "variances": model.variances(), **note(problem, warm_start, warm)}
    notes["front"] = [_front_point(each, trials, model) for each in problems]
    recommended = finalists[0] if finalists else None
    predicted = None if recommended is None else model.left_out(recommended.choice)
    return trials.result("hybrid", notes, predicted, recommended)


def single_sample(space: Space) -> list[Choice]:
    """Return the networks of MathNAS's single-sample estimate: the base network, and every option swapped into
    N_avg."""
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
    """Judge the networks predicted best, one for each budget in turn, until trials or unjudged networks run out."""
    unfinished = list(problems)
    while unfinished:
        for problem in tuple(unfinished):
            bound = problem.cost.most_sum(problem.budget)
            ends = completions(model.graph.with_values(model.edge_values(problem.budget)), bound)
            best = islice(best_first(ends, bound), LOOKED_AT)  # under several limits few of them may fit
            networks = (choice for choice in best if choice not in model)
            found = trials.unjudged(filter(problem.fits, networks), RANKED)
            if not found:
                unfinished.remove(problem)
            model.rewards(sorted(found, key=model.predicted, reverse=True)[:1])


def _rescue(problem: Problem, trials: Trials, model: TrialModel) -> None:
    """Judge the network predicted best within the budget and limits; used when trials ran out before any such network
    was judged."""
    found = best_within(problem, model.graph, model.edge_values(problem.budget))
    trials.rewards([] if found is None else [found])


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
