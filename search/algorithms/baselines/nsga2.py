"""NSGA-II on accuracy and cost together, by pymoo (extra ``baselines``).

Deb et al., A fast and elitist multiobjective genetic algorithm: NSGA-II, IEEE Transactions on Evolutionary Computation
6(2), 2002.
"""

from __future__ import annotations

import random
import sys
from contextlib import redirect_stdout, suppress
from itertools import islice
from typing import Any

import numpy as np

from edgenas.base.errors import MissingExtraError
from edgenas.search.algorithms.baselines.draws import Draws
from edgenas.search.algorithms.baselines.ofa_evolution import STALE
from edgenas.search.algorithms.options import check_counts, check_shares
from edgenas.search.problem import Problem, Result
from edgenas.search.space import Choice, Space
from edgenas.search.trials import Trials, TrialsExhaustedError


def nsga2(
    problem: Problem, trials: Trials, *, population: int = 100, generations: int = 250, crossover: float = 0.9
) -> Result:
    """Search for the best network with cost <= ``problem.budget``; selection also keeps cheaper nondominated networks.

    population   number of networks of a generation (100 in the paper); the first ones are random and within the budget
    generations  largest number of generations, including the first (250 in the paper, section IV)
    crossover    probability that two parents are crossed (0.9 in the paper); each layer mutates with 1 / layers

    Budget and limits are a constraint: networks that exceed one are compared by their excess alone, the largest share
    (the paper's section VI), and are therefore never judged. Departures: options are categories, not numbers, so
    crossover is uniform and a mutation draws any option, where the paper's operators are for real numbers and bits;
    children are repaired to members of the space; ``STALE`` generations in a row without a new network end the search.
    """
    check_counts(population=population, generations=generations)
    check_shares(crossover=crossover)
    draws = Draws(problem, random.Random(problem.seed))
    first = list(islice(draws.distinct(), population))
    space, cost, done, stale = problem.space, problem.cost, 0, 0
    algorithm = _pymoo(space, first, population, crossover, problem.seed)
    with suppress(TrialsExhaustedError):
        while done < generations and stale < STALE:
            children = algorithm.ask()
            if children is None:  # every child was in the population already
                break
            members: list[Choice] = [tuple(row) for row in children.get("X").tolist()]
            costs = np.array([cost.total(space.architecture(member)) for member in members])
            excess = np.array([problem.excess(space.architecture(member)) for member in members])
            fits, known = excess == 0, len(trials)
            accuracies = np.zeros(len(members))
            accuracies[fits] = trials.rewards([m for m, fit in zip(members, fits, strict=True) if fit])
            _tell(algorithm, children, np.column_stack([-accuracies, costs]), np.where(fits, -1.0, excess)[:, None])
            done += 1
            stale = 0 if len(trials) > known else stale + 1
    notes = {"population": population, "generations": done, "crossover": crossover}
    return trials.result("nsga2", notes)


def _pymoo(space: Space, first: list[Choice], population: int, crossover: float, seed: int) -> Any:
    """Return pymoo's algorithm, set up for its ask-and-tell interface. Variables are the option numbers of all
    layers."""
    try:
        from pymoo.algorithms.moo.nsga2 import NSGA2
        from pymoo.core.mutation import Mutation
        from pymoo.core.problem import Problem as Variables
        from pymoo.core.repair import Repair
        from pymoo.operators.crossover.ux import UX
    except ImportError as error:
        raise MissingExtraError("pymoo", "baselines", "nsga2") from error
    counts = np.array([len(layer.options) for layer in space.layers])

    class AnyOption(Mutation):  # type: ignore[misc]  # pymoo has no types
        def _do(self, problem: Any, X: Any, random_state: Any = None, **_: Any) -> Any:  # noqa: N803  # pymoo passes X by name
            drawn = random_state.integers(0, counts, size=X.shape)
            return np.where(random_state.random(X.shape) < 1 / max(1, (counts > 1).sum()), drawn, X)

    class ToMembers(Repair):  # type: ignore[misc]  # pymoo has no types
        def _do(self, problem: Any, X: Any, **_: Any) -> Any:  # noqa: N803  # pymoo passes X by name
            return np.array([space.repaired(row) for row in X.tolist()])

    variables = Variables(n_var=len(counts), n_obj=2, n_ieq_constr=1, xl=0, xu=counts - 1, vtype=int)
    with redirect_stdout(sys.stderr):  # without its compiled modules, pymoo prints a message to stdout
        algorithm = NSGA2(
            population, sampling=np.array(first), crossover=UX(prob=crossover), mutation=AnyOption(), repair=ToMembers()
        )
    return algorithm.setup(variables, termination=("n_gen", sys.maxsize), seed=seed)


def _tell(algorithm: Any, children: Any, objectives: Any, excess: Any) -> None:
    """Pass the evaluated children to pymoo: objectives are minimised, a positive excess violates the constraint."""
    from pymoo.core.evaluator import Evaluator
    from pymoo.problems.static import StaticProblem

    Evaluator().eval(StaticProblem(algorithm.problem, F=objectives, G=excess), children)
    algorithm.tell(infills=children)
