"""Explanation of a search's answer, as recorded in ``search.json``: use of each limit, gain from raising a limit, and
cost of each block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class LimitSlack:
    """A budget or limit (``most``) and a network's cost against it (``value``), both in ``unit``; ``name`` is '' where
    the unit identifies the limit."""

    DERIVED: ClassVar[tuple[str, ...]] = ("slack", "slack_share")

    name: str
    unit: str
    most: float
    value: float

    @property
    def slack(self) -> float:
        """Unused amount of the limit, in ``unit``."""
        return self.most - self.value

    @property
    def slack_share(self) -> float:
        """Unused amount, as a share of the limit."""
        return 1 - self.value / self.most if self.most else 0.0


@dataclass(frozen=True, slots=True)
class NextBetter:
    """The cheapest known network that is better by at least ``edgenas.search.explain.WORTH`` when only one limit is
    raised: by ``extra`` (in its unit) to ``most``, for ``gained`` accuracy points.

    ``source`` is 'predicted' where accuracies predicted from additive block values are compared: the network is then
    the cheapest of the whole space. It is 'judged' where judged networks are compared, which are few.
    """

    DERIVED: ClassVar[tuple[str, ...]] = ("gained_per_unit", "gained_per_percent")

    source: str
    key: str
    most: float
    extra: float
    gained: float

    @property
    def gained_per_unit(self) -> float:
        """Accuracy points gained per additional unit of the limit."""
        return self.gained / self.extra

    @property
    def gained_per_percent(self) -> float:
        """Accuracy points gained per additional percent of the limit."""
        return self.gained / (100 * self.extra / (self.most - self.extra))


@dataclass(frozen=True, slots=True)
class LimitExplanation(LimitSlack):
    """A budget or limit, and the better networks that raising it allows. ``active`` is True where a better network is
    known above the limit, predicted or judged. Without one, it is False where the accuracy of every network of the
    space is predicted, and None where it is not: a better network may then exist.
    """

    active: bool | None = None
    more: tuple[NextBetter, ...] = ()


@dataclass(frozen=True, slots=True)
class CostShare:
    """A block of a network: its layer, its cost, and that cost as a share of the network's."""

    layer: str
    block: str
    cost: float
    share: float
