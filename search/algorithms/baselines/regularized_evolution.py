"""Regularized evolution: tournament selection, one mutation, and removal of the oldest member (Real et al., arXiv
1802.01548, algorithm 1).

Population 10 and tournaments of 3 are those of NATS-Bench (Dong et al., arXiv 2009.00437; github.com/D-X-Y/
AutoDL-Projects, ``exps/NATS-algos/regularized_ea.py``); the paper's own, for 20,000 trainings, are 100 and 25.
"""

from __future__ import annotations

import random
from collections import deque
from contextlib import suppress

from edgenas.search.algorithms.baselines.draws import TRIES, Draws
from edgenas.search.algorithms.baselines.variation import mutated_once
from edgenas.search.algorithms.options import check_counts
from edgenas.search.algorithms.warm_start import NONE, first_networks, note
from edgenas.search.problem import Problem, Result
from edgenas.search.space import Choice
from edgenas.search.trials import Trials, TrialsExhaustedError


def regularized_evolution(
    problem: Problem,
    trials: Trials,
    *,
    population: int = 10,
    tournament: int = 3,
    samples: int = 100,
    warm_start: str = NONE,
) -> Result:
    """Search for the best network with cost <= ``problem.budget``.

    population  P: number of networks in the population; the first ones are random
    tournament  S: members drawn with replacement at each cycle; the most accurate is the parent
    samples     number of distinct networks to judge (NATS-Bench stops by training time instead)
    warm_start  proxy that chooses the first networks, as in arXiv 2101.08134: see
                ``edgenas.search.algorithms.warm_start``

    Departures: the paper has no budget; here a mutant above the budget is not judged but drawn again, and where no
    mutant of a parent is within the budget, the child is a copy of the parent. A network that occurs again is not
    trained again: it enters the population with its known accuracy and does not count, and the search ends after
    ``TRIES`` cycles in a row without a new network. A mutation changes the option of one layer; in the paper it changes
    an operation or an input of a cell.
    """
    check_counts(population=population, tournament=tournament, samples=samples)
    rng, cycles = random.Random(problem.seed), 0
    draws = Draws(problem, rng)

    def child_of(parent: Choice) -> Choice:
        return draws.first_fit(lambda: mutated_once(problem.space, parent, rng), parent)

    first = first_networks(problem, draws, min(population, samples), warm_start)
    with suppress(TrialsExhaustedError):
        alive = deque(zip(first, trials.rewards(first), strict=True))
        stale = 0
        while len(trials) < samples and stale < TRIES:
            parent, _ = max((rng.choice(alive) for _ in range(tournament)), key=lambda member: member[1])
            child, known = child_of(parent), len(trials)
            alive.append((child, trials.rewards([child])[0]))
            alive.popleft()
            cycles += 1
            stale = 0 if len(trials) > known else stale + 1
    notes = {"P": population, "S": tournament, "samples": samples, "cycles": cycles, **note(problem, warm_start, first)}
    return trials.result("regularized_evolution", notes)
