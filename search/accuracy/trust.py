"""How far a cheap judge can be trusted: does it rank networks as trainings of their own do?"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from edgenas.base.errors import InputError
from edgenas.search.journal import network_digest
from edgenas.search.problem import Candidate
from edgenas.search.space import Space

_DRAWS = 100  #: for each member wanted, before a space counts as too small


@dataclass(frozen=True, slots=True)
class Tau:
    """Kendall's tau-b of ``members`` pairs of numbers and its 95 % interval."""

    value: float
    low: float
    high: float
    members: int

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f} .. {self.high:.2f}, {self.members} networks)"


@dataclass(frozen=True, slots=True)
class Trust:
    """Kendall's tau with trainings alone: of a judge, and of MACs, which cost nothing and which it should beat."""

    judge: Tau
    macs: Tau


def kendall(first: Sequence[float], second: Sequence[float]) -> Tau:
    """Rank correlation with the interval of Fieller, Hartley and Pearson (Biometrika 44, 1957): artanh tau is about
    normal with variance .437 / (n - 4). That holds up to .8; beyond it the end towards 0 is that of .8. InputError for
    fewer than 5 pairs; a constant ranks nothing and gives 0."""
    from scipy.stats import kendalltau

    n = len(first)
    if n < 5:
        raise InputError(f"a rank correlation of {n} networks has no interval; take 5 or more")
    value = round(float(kendalltau(first, second).statistic), 12)
    value = 0.0 if math.isnan(value) else value
    width = 1.96 * math.sqrt(0.437 / (n - 4))
    most = 1 - 2 / (n * (n - 1))  # half a pair short of perfect, whose artanh is infinite
    low = math.tanh(math.atanh(max(-most, min(0.8, value))) - width)
    high = math.tanh(math.atanh(min(most, max(-0.8, value))) + width)
    return Tau(value, min(low, value), max(high, value), n)


def members_to_train(space: Space, count: int, seed: int) -> list[Candidate]:
    """``count`` different networks, drawn alike from all. InputError where the space has too few."""
    rng = random.Random(f"trust/{seed}")
    found: dict[str, Candidate] = {}
    for _ in range(_DRAWS * count):
        choice = space.sample(rng)
        architecture = space.architecture(choice)
        found.setdefault(network_digest(architecture), Candidate(choice, architecture))
        if len(found) == count:
            return list(found.values())
    raise InputError(f"{space.name} has no {count} different networks to compare rankings on; ask for fewer")


def trust(judged: Sequence[float], alone: Sequence[float], candidates: Sequence[Candidate]) -> Trust:
    """What the judge and trainings alone say of the same candidates, compared."""
    macs = [float(candidate.architecture.macs) for candidate in candidates]
    return Trust(kendall(judged, alone), kendall(macs, alone))
