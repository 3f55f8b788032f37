"""Why a search answers as it does, as ``search.json`` holds it: limits, what raising them would buy, what is spent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class LimitSlack:
    """A budget or limit and what a network has of it; ``name`` is '' where the unit says which."""

    DERIVED: ClassVar[tuple[str, ...]] = ("slack", "slack_share")

    name: str
    unit: str
    most: float
    has: float

    @property
    def slack(self) -> float:
        """Amount that is left."""
        return self.most - self.has

    @property
    def slack_share(self) -> float:
        """Amount that is left, as a share of the most."""
        return 1 - self.has / self.most if self.most else 0.0


@dataclass(frozen=True, slots=True)
class NextBetter:
    """The next network that is better by ``edgenas.search.explain.WORTH`` when one limit alone is raised: by
    ``extra`` (in
    its unit) to ``most``, for ``gained`` accuracy points. ``source`` is 'predicted' where two predictions of additive
    block values are compared, and the network is the cheapest of all that are predicted so; 'judged' where networks
    that were judged are compared, which are few."""

    DERIVED: ClassVar[tuple[str, ...]] = ("gained_per_unit", "gained_per_percent")

    source: str
    key: str
    most: float
    extra: float
    gained: float

    @property
    def gained_per_unit(self) -> float:
        """Accuracy points for one unit more of the limit."""
        return self.gained / self.extra

    @property
    def gained_per_percent(self) -> float:
        """Accuracy points for one percent more of the limit."""
        return self.gained / (100 * self.extra / (self.most - self.extra))


@dataclass(frozen=True, slots=True)
class LimitExplanation(LimitSlack):
    """A budget or limit, and what raising it buys; ``binds`` is None where nothing is known above it."""

    binds: bool | None = None
    more: tuple[NextBetter, ...] = ()


@dataclass(frozen=True, slots=True)
class CostShare:
    """A block of a network: its layer, its cost, and that cost as a share of the network's."""

    layer: str
    block: str
    cost: float
    share: float
