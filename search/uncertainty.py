"""The policies that count a network's latency against its budget, when each block's latency has a 95 % interval.

mean     the sum of the measured values. The search then prefers blocks whose measured value is too low: with 5 % noise,
         almost every winner exceeds its budget (the optimiser's curse)
upper    the sum of each block's upper 95 % bound: winners keep the budget, and use a few percent less than they could
rss      the sum of the measured values, plus the root of the sum of squared distances to the upper bounds: errors of
         blocks are independent, and not all in one direction. Less of the budget is unused; winners keep it where they
         are measured again

The defaults are the same in every command: ``upper`` where nothing is measured after the search, ``rss`` where the
result is measured again before it is accepted: the winners' blocks (``search --remeasure``), or finalists as whole
networks (``ship``, ``demo``). ``tools/bench/budget_kept.py`` prints how often each policy keeps the budget, and how
much of it stays unused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Literal, get_args

from edgenas.base.errors import InputError
from edgenas.base.naming import among
from edgenas.blocks.spec import BlockSpec
from edgenas.search.lazy import capacity_values
from edgenas.search.problem import Cost
from edgenas.search.root_sum_square import root_sum_square
from edgenas.search.space import Space

Uncertainty = Literal["mean", "upper", "rss"]
UNCERTAINTIES: tuple[Uncertainty, ...] = get_args(Uncertainty)

#: policy -> the latency of a network that is compared with a budget
COUNTS: dict[Uncertainty, str] = {
    "mean": "the sum of block latencies",
    "upper": "the sum of the upper 95 % bounds of blocks",
    "rss": "the sum of block latencies plus the root of the sum of squared errors",
}
DEFAULT: Uncertainty = "upper"  #: where nothing is measured after the search
MEASURED_AGAIN: Uncertainty = "rss"  #: where the result is measured again before it is accepted

#: upper 95 % bound of a block in milliseconds
Upper = Callable[[BlockSpec], float]


def check_uncertainty(how: str) -> Uncertainty:
    """Return the policy named ``how``; InputError unless it is one of UNCERTAINTIES."""
    for known in UNCERTAINTIES:
        if how == known:
            return known
    raise InputError(f"uncertainty {how!r} is not one of {among(how, UNCERTAINTIES)}")


def counted(how: str, space: Space, mean: Cost, upper: Upper) -> Callable[[float], Cost]:
    """Return a function budget -> the cost that counts against it.

    The exact cost of a network does not depend on the budget. Only for ``rss`` does the budget matter: the sum that
    approximates the cost during a search is the tangent at the best network within the budget.
    """
    check_uncertainty(how)
    if how == "mean":
        return lambda budget: mean
    cached = lru_cache(maxsize=None)(upper)  # computing an interval is too slow to repeat at every use in a search
    if how == "upper":
        bounds = replace(mean, of=cached)
        return lambda budget: bounds
    values = capacity_values(space)

    def half_width(block: BlockSpec) -> float:
        return cached(block) - mean.of(block)

    return lru_cache(maxsize=None)(lambda budget: root_sum_square(space, mean, half_width, budget, values))
