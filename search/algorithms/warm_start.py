"""Warm start of a search: the first networks are those that a proxy ranks highest, instead of random ones.

Zero-cost warm-up, after Abdelfattah et al. (arXiv 2101.08134, section 4): of many random networks, those with the
highest proxy value are trained first. A proxy value is never used as an accuracy: it only chooses the networks that are
judged first.

naswot    arXiv 2006.04647; see ``edgenas.search.accuracy.zero_cost``; needs torch
synflow   arXiv 2006.05467; see there too; needs torch
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
POOL = 20  #: random networks that are ranked, per network that is judged


def first_networks(problem: Problem, draws: Draws, count: int, proxy: str) -> list[Choice]:
    """Return ``count`` distinct networks within budget and limits (fewer where there are no more): the highest of
    ``POOL`` times as many by ``proxy``, highest first; for 'none' the first ``count`` draws."""
    score = scored_by(proxy, problem.seed)
    if score is None:
        return list(islice(draws.distinct(), count))
    pool = list(islice(draws.distinct(), POOL * count))
    scores = {choice: score(problem.space.architecture(choice)) for choice in pool}
    return sorted(pool, key=lambda choice: -scores[choice])[:count]


def scored_by(proxy: str, seed: int) -> Callable[[Architecture], float] | None:
    """Return the function that ranks networks by ``proxy``; None for 'none'. InputError for an unknown proxy."""
    if proxy not in NAMES:
        raise InputError(f"warm_start={proxy!r} is not one of {among(proxy, NAMES)}")
    if proxy == NONE:
        return None
    if proxy == "macs":
        return lambda architecture: float(architecture.macs)
    from edgenas.search.accuracy.zero_cost import on_noise

    return lambda architecture: on_noise(proxy, architecture, seed)


def warm_started(problem: Problem, count: int, proxy: str) -> list[Choice]:
    """Return ``first_networks`` of draws by the problem's seed; an empty list for 'none'."""
    if scored_by(proxy, problem.seed) is None:
        return []
    return first_networks(problem, Draws(problem, random.Random(f"warm start/{problem.seed}")), count, proxy)


def note(problem: Problem, proxy: str, first: list[Choice]) -> dict[str, Any]:
    """Return the entry of ``Result.notes`` with the networks that a proxy chose; empty for 'none'."""
    return {} if proxy == NONE else {"warm_start": {"proxy": proxy, "networks": [problem.space.key(c) for c in first]}}
