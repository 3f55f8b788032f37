"""The search algorithms, by name; and the function that runs one of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from edgenas.base.errors import InputError
from edgenas.base.naming import there_are
from edgenas.base.plugins import GROUPS, Found, accepted, find
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

#: algorithm(problem, trials, **options) -> result; its options are its keyword-only parameters
Algorithm = Callable[..., Result]

ALGORITHMS: dict[str, Algorithm] = {
    "hybrid": hybrid,
    "layernas": layernas,
    "mathnas": mathnas,
    "random": random_search,
    "regularized_evolution": regularized_evolution,
    "ofa_evolution": ofa_evolution,
    "reinforce": reinforce,
    "nsga2": nsga2,
}


def find_algorithm(name: str) -> Found[Algorithm]:
    """Return an algorithm by name, 'FILE.py:NAME', 'PACKAGE.MODULE:NAME' or entry point of ``edgenas.algorithms``.

    InputError for an unknown name, with the nearest known one, and for an object that cannot be called as an algorithm.
    """
    found = find(name, ALGORITHMS, "algorithm", GROUPS["algorithm"])
    if found.code is not None:
        wanted = "an algorithm: a function of (problem, trials, *, options with defaults) that returns a Result"
        accepted(found, _takes_a_problem(found.value), wanted)
    return found


def algorithm_options(name: str) -> dict[str, Any]:
    """Return the options of an algorithm and their defaults; InputError as ``find_algorithm``."""
    parameters = inspect.signature(find_algorithm(name).value).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def search(name: str, problem: Problem, trials: Trials, **options: Any) -> Result:
    """Run the algorithm ``name``. BudgetError before any judging when no network fits the budget; InputError for an
    option that the algorithm does not have."""
    known = algorithm_options(name)
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise InputError(f"{name} has no option {', '.join(unknown)}; {there_are(unknown[0], known, 'it has')}")
    if trials.problem is not problem:
        raise InputError("these trials belong to another problem; make Trials(problem, ...) for each")
    found = find_algorithm(name)
    result = found.value(problem, trials, **options)
    if found.code is not None:
        accepted(Found(result, found.code), isinstance(result, Result), "a Result: end with trials.result(...)")
        return replace(result, algorithm=name)
    return result


def _takes_a_problem(value: Any) -> bool:
    """Return True where ``value`` can be called with a problem and trials, and all its options have defaults."""
    if not callable(value):
        return False
    try:
        signature = inspect.signature(value)
        signature.bind(None, None)
    except (TypeError, ValueError):
        return False
    return True
