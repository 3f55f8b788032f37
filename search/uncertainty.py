"""How a network's latency counts against its budget, when each block is known only within an interval.

mean     the sum of what was measured. The search then picks blocks that were measured too fast: with 5 % noise nearly
         every winner breaks its budget (the optimiser's curse)
upper    the sum of each block's upper 95 % bound: the budget is kept, a few percent of it unused
rss      the mean, and the root of the sum of squared distances to those bounds: blocks are off independently, and not
         all to one side. Less of the budget is unused; it is kept where winners are measured again

One policy everywhere: ``upper`` where nothing is measured after the search, ``rss`` where what was found is measured
again before it is accepted: the winners' blocks (``search --remeasure``), or finalists as whole networks (``ship``,
``demo``). ``tools/bench/budget_kept.py`` prints how often each keeps the budget, and what it gives away.
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

#: name -> what of a latency counts against its budget
COUNTS: dict[Uncertainty, str] = {
    "mean": "the sum of its blocks as measured",
    "upper": "the sum of the upper 95 % bounds of its blocks",
    "rss": "the sum of its blocks, and the root of the sum of squares of how far each may be off",
}
DEFAULT: Uncertainty = "upper"  #: where nothing is measured after the search
MEASURED_AGAIN: Uncertainty = "rss"  #: where what was found is measured again before it is accepted

#: upper 95 % bound of a block in milliseconds
Upper = Callable[[BlockSpec], float]


def check_uncertainty(how: str) -> Uncertainty:
    """Return the policy named ``how``; InputError unless it is one of UNCERTAINTIES."""
    for known in UNCERTAINTIES:
        if how == known:
            return known
    raise InputError(f"uncertainty {how!r} is not one of {among(how, UNCERTAINTIES)}")


def counted(how: str, space: Space, mean: Cost, upper: Upper) -> Callable[[float], Cost]:
    """Budget -> the cost that counts against it; networks cost the same whatever the budget, only the sum that stands
    in for ``rss`` while a search looks for them is that of networks like the best within it."""
    check_uncertainty(how)
    if how == "mean":
        return lambda budget: mean
    known = lru_cache(maxsize=None)(upper)  # an interval takes longer than a search asks for it
    if how == "upper":
        bounds = replace(mean, of=known)
        return lambda budget: bounds
    values = capacity_values(space)

    def half_width(block: BlockSpec) -> float:
        return known(block) - mean.of(block)

    return lambda budget: root_sum_square(space, mean, half_width, budget, values)
