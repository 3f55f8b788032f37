"""Random search: random networks within the budget, without replacement; the baseline for every other algorithm."""

from __future__ import annotations

import random
from contextlib import suppress
from itertools import islice

from edgenas.search.algorithms.baselines.draws import Draws
from edgenas.search.algorithms.options import check_counts
from edgenas.search.problem import Problem, Result
from edgenas.search.trials import Trials, TrialsExhaustedError


def random_search(problem: Problem, trials: Trials, *, samples: int = 100) -> Result:
    """Judge ``samples`` distinct random networks (fewer when no more are found) with cost <= ``problem.budget``.

    Random search as a baseline for architecture search: Li and Talwalkar, arXiv 1902.07638. Networks above the budget
    are drawn again and never judged (``Draws.distinct``).
    """
    check_counts(samples=samples)
    networks = list(islice(Draws(problem, random.Random(problem.seed)).distinct(), samples))
    with suppress(TrialsExhaustedError):
        trials.rewards(networks)
    return trials.result("random", {"samples": samples})
