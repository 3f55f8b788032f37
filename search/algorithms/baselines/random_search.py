"""Random networks within the budget, judged without replacement: what every algorithm must beat."""

from __future__ import annotations

import random
from contextlib import suppress
from itertools import islice

from edgenas.search.algorithms.baselines.draws import Draws
from edgenas.search.algorithms.options import check_counts
from edgenas.search.problem import Problem, Result
from edgenas.search.trials import Trials, TrialsExhaustedError


def random_search(problem: Problem, trials: Trials, *, samples: int = 100) -> Result:
    """The best of ``samples`` distinct networks (fewer when no more are found) with cost <= ``problem.budget``.

    Random search as a baseline for architecture search: Li and Talwalkar, arXiv 1902.07638. Networks above the budget
    are drawn again and never judged; ``Draws.distinct`` says how.
    """
    check_counts(samples=samples)
    found = list(islice(Draws(problem, random.Random(problem.seed)).distinct(), samples))
    with suppress(TrialsExhaustedError):
        trials.rewards(found)
    return trials.result("random", {"samples": samples})
