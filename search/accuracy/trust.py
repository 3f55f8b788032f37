"""Reliability of a cheap judge: rank correlation of its accuracies with those of separate trainings."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from edgenas.base.errors import InputError
from edgenas.search.digests import network_digest
from edgenas.search.problem import Candidate
from edgenas.search.space import Space

_DRAWS = 100  #: draws per requested member, after which a space counts as too small


@dataclass(frozen=True, slots=True)
class Tau:
    """Kendall's tau-b of ``members`` pairs of numbers, with its 95 % interval (``low``, ``high``)."""

    value: float
    low: float
    high: float
    members: int

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f} .. {self.high:.2f}, {self.members} networks)"


@dataclass(frozen=True, slots=True)
class Trust:
    """Kendall's tau with separate trainings, of a judge and of MACs; MACs cost nothing, so the judge's tau should be
    higher."""

    judge: Tau
    macs: Tau


def kendall(first: Sequence[float], second: Sequence[float]) -> Tau:
    """Return Kendall's tau with the interval of Fieller, Hartley and Pearson (Biometrika 44, 1957): artanh tau is about
    normal with variance 0.437 / (n - 4).

    The formula holds up to 0.8; for larger values the end of the interval towards 0 is that of 0.8. For constant
    numbers tau is 0. InputError for fewer than 5 pairs.
    """
    from scipy.stats import kendalltau

    n = len(first)
    if n < 5:
        raise InputError(f"a rank correlation of {n} networks has no interval; take 5 or more")
    value = round(float(kendalltau(first, second).statistic), 12)
    value = 0.0 if math.isnan(value) else value
    width = 1.96 * math.sqrt(0.437 / (n - 4))
    most = 1 - 2 / (n * (n - 1))  # half a pair below 1, whose artanh is infinite
    low = math.tanh(math.atanh(max(-most, min(0.8, value))) - width)
    high = math.tanh(math.atanh(min(most, max(-0.8, value))) + width)
    return Tau(value, min(low, value), max(high, value), n)


def members_to_train(space: Space, count: int, seed: int) -> list[Candidate]:
    """Draw ``count`` distinct networks, with equal probability for every network. InputError where the space has too
    few."""
    rng = random.Random(f"trust/{seed}")
    distinct: dict[str, Candidate] = {}
    for _ in range(_DRAWS * count):
        choice = space.sample(rng)
        architecture = space.architecture(choice)
        distinct.setdefault(network_digest(architecture), Candidate(choice, architecture))
        if len(distinct) == count:
            return list(distinct.values())
    raise InputError(f"{space.name} has no {count} different networks to compare rankings on; ask for fewer")


def trust(judged: Sequence[float], alone: Sequence[float], candidates: Sequence[Candidate]) -> Trust:
    """Compare the accuracies of a judge with those of separate trainings (``alone``), for the same candidates."""
    macs = [float(candidate.architecture.macs) for candidate in candidates]
    return Trust(kendall(judged, alone), kendall(macs, alone))
