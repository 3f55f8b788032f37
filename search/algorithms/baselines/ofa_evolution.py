"""The evolutionary search of once-for-all: the best quarter of a generation survives; its mutants and crossovers are
judged.

Cai et al., arXiv 1908.09791, section 3.4; the settings are those of its code, github.com/mit-han-lab/once-for-all,
``ofa/nas/search_algorithm/evolution.py``.
"""

from __future__ import annotations

import random
from contextlib import suppress
from itertools import islice

from edgenas.search.algorithms.baselines.draws import Draws
from edgenas.search.algorithms.baselines.variation import crossed, mutated
from edgenas.search.algorithms.options import check_counts, check_shares
from edgenas.search.problem import Problem, Result
from edgenas.search.space import Choice
from edgenas.search.trials import Trials, TrialsExhaustedError

STALE = 10  #: generations in a row without a new network, after which the search ends


def ofa_evolution(
    problem: Problem,
    trials: Trials,
    *,
    population: int = 100,
    iterations: int = 500,
    parents: float = 0.25,
    mutation: float = 0.5,
    probability: float = 0.1,
) -> Result:
    """Search for the best network with cost <= ``problem.budget``.

    population   number of networks of a generation; the first ones are random
    iterations   number of generations after the first
    parents      share of the population that survives as parents: the most accurate networks
    mutation     share of the children that are mutants; the others are uniform crossovers of two parents
    probability  probability that a layer of a mutant is drawn again

    As in the paper, children above the budget are drawn again; after too many such draws, a parent takes the child's
    place. Departures: the paper uses a predictor for 50,100 accuracies, here each distinct network is a trial, so
    ``max_trials`` usually ends the search, and so do ``STALE`` generations without a new network; the first networks
    are distinct; depth, kernel and expansion of a layer are one option and change together, and the options of layers
    after the end of a stage are not kept; resolution is not searched.
    """
    check_counts(population=population, iterations=iterations)
    check_shares(parents=parents, mutation=mutation, probability=probability)
    space, rng, generations, stale = problem.space, random.Random(problem.seed), 0, 0
    draws = Draws(problem, rng)
    survivors, mutants = max(1, round(parents * population)), round(mutation * population)

    def child(number: int) -> Choice:
        one, other = rng.choice(living)[0], rng.choice(living)[0]
        if number < mutants:
            return draws.first_fit(lambda: mutated(space, one, probability, rng), one)
        return draws.first_fit(lambda: crossed(space, one, other, rng), one)

    with suppress(TrialsExhaustedError):
        children = list(islice(draws.distinct(), population))
        living = list(zip(children, trials.rewards(children), strict=True))
        while generations < iterations and stale < STALE:
            living = sorted(living, key=lambda member: -member[1])[:survivors]
            children, known = [child(number) for number in range(population)], len(trials)
            living += zip(children, trials.rewards(children), strict=True)
            generations += 1
            stale = 0 if len(trials) > known else stale + 1
    notes = {
        "population": population,
        "iterations": generations,
        "parent_ratio": parents,
        "mutation_ratio": mutation,
        "arch_mutate_prob": probability,
    }
    return trials.result("ofa_evolution", notes)
