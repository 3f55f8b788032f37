"""What the demo orders: a small space, scikit-learn's digits, two runtimes, three budgets, five minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from profiler.enough import Enough

if TYPE_CHECKING:
    from edgenas.making import Order

RUNTIMES = ("litert", "onnxruntime")  #: measured, in this order; the budget is in the first one's milliseconds
QUANTILES = (0.15, 0.45, 0.8)  #: of latency among random networks: the three budgets
SHIPPED = 1  #: which of them is shipped: the middle one
ENOUGH = Enough(3, 4)  #: processes that time each block: minutes are what a demo has
HELD_OUT = 12  #: networks timed whole before the search, to validate the table


def demo_order() -> Order:
    """All of it; see ``edgenas.making``."""
    from edgenas.making import Order
    from search.accuracy.digits import FULL_RECIPE
    from search.spaces import space

    return Order(
        space("digits"), "digits", FULL_RECIPE, quantiles=QUANTILES, shipped=SHIPPED, runtimes=RUNTIMES,
        algorithms={"mathnas": {"power": 0.0}, "layernas": {"buckets": 2, "fill": "mid"}},
        enough=ENOUGH, held_out=HELD_OUT,
    )  # fmt: skip
