"""The search algorithms by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from edgenas.base.errors import InputError
from edgenas.search.algorithms.baselines.nsga2 import nsga2
from edgenas.search.algorithms.baselines.ofa_evolution import ofa_evolution
from edgenas.search.algorithms.baselines.random_search import random_search
from edgenas.search.algorithms.baselines.regularized_evolution import regularized_evolution
from edgenas.search.algorithms.baselines.reinforce import reinforce
from edgenas.search.algorithms.hybrid import hybrid
from edgenas.search.algorithms.layernas import layernas
from edgenas.search.algorithms.mathnas import mathnas
from edgenas.search.problem import Problem, Result
from edgenas.search.trials import Trials

#: Called as algorithm(problem, trials, **options); the options are its keyword-only parameters.
Algorithm = Callable[..., Result]

ALGORITHMS: dict[str, Algorithm] = {
    "layernas": layernas,
    "mathnas": mathnas,
    "hybrid": hybrid,
    "random": random_search,
    "regularized_evolution": regularized_evolution,
    "ofa_evolution": ofa_evolution,
    "reinforce": reinforce,
    "nsga2": nsga2,
}


def algorithm_options(name: str) -> dict[str, Any]:
    """The options of an algorithm and their defaults; InputError lists the names of algorithms."""
    if name not in ALGORITHMS:
        raise InputError(f"no algorithm {name!r}; there are {', '.join(ALGORITHMS)}")
    parameters = inspect.signature(ALGORITHMS[name]).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def search(name: str, problem: Problem, trials: Trials, **options: Any) -> Result:
    """Run an algorithm by name. BudgetError before anything is judged when no network fits the budget; InputError for
    an option it does not have."""
    known = algorithm_options(name)
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise InputError(f"{name} has no option {', '.join(unknown)}; it has {', '.join(known)}")
    if trials.problem is not problem:
        raise InputError("these trials belong to another problem; make Trials(problem, ...) for each")
    return ALGORITHMS[name](problem, trials, **options)
