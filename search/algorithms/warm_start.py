"""Where a search begins: with networks that a proxy ranks first, instead of random ones.

Zero-cost warm-up, after Abdelfattah et al. (arXiv 2101.08134, section 4): of many random networks, those of the highest
proxy are trained first. What a proxy says is never an accuracy: it says what is judged first, and the judge the rest.

naswot    arXiv 2006.04647, and synflow, arXiv 2006.05467: see ``edgenas.search.accuracy.zero_cost``; both need torch
macs      multiply-accumulates: the largest networks within the budget
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import islice
from typing import Any

from edgenas.base.errors import InputError
from edgenas.base.naming import among
from edgenas.blocks.architecture import Architecture
from edgenas.search.algorithms.baselines.draws import Draws
from edgenas.search.problem import Problem
from edgenas.search.space import Choice

NONE = "none"
NAMES = (NONE, "naswot", "synflow", "macs")
POOL = 20  #: random networks ranked for each that is judged


def first_networks(problem: Problem, draws: Draws, count: int, proxy: str) -> list[Choice]:
    """``count`` distinct networks that keep the limits (fewer where there are no more): the best of ``POOL`` times as
    many by ``proxy``, best first; as drawn for 'none'."""
    score = scored_by(proxy, problem.seed)
    if score is None:
        return list(islice(draws.distinct(), count))
    pool = list(islice(draws.distinct(), POOL * count))
    scores = {choice: score(problem.space.architecture(choice)) for choice in pool}
    return sorted(pool, key=lambda choice: -scores[choice])[:count]


def scored_by(proxy: str, seed: int) -> Callable[[Architecture], float] | None:
    """What ranks networks, None for 'none'. InputError for a proxy that there is not."""
    if proxy not in NAMES:
        raise InputError(f"warm_start={proxy!r} is not one of {among(proxy, NAMES)}")
    if proxy == NONE:
        return None
    if proxy == "macs":
        return lambda architecture: float(architecture.macs)
    from edgenas.search.accuracy.zero_cost import on_noise

    return lambda architecture: on_noise(proxy, architecture, seed)


def warm_started(problem: Problem, count: int, proxy: str) -> list[Choice]:
    """``first_networks`` of draws by the problem's seed; none for 'none'."""
    if scored_by(proxy, problem.seed) is None:
        return []
    return first_networks(problem, Draws(problem, random.Random(f"warm start/{problem.seed}")), count, proxy)


def note(problem: Problem, proxy: str, first: list[Choice]) -> dict[str, Any]:
    """For ``Result.notes``: which networks a proxy chose."""
    return {} if proxy == NONE else {"warm_start": {"proxy": proxy, "networks": [problem.space.key(c) for c in first]}}
