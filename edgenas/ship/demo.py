"""The request of the demo: a small space, scikit-learn's digits, two runtimes, three budgets, five minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgenas.profiler.stopping import StoppingRule

if TYPE_CHECKING:
    from edgenas.ship.order import ShipRequest

RUNTIMES = ("litert", "onnxruntime")  #: measured in this order; the budget is in milliseconds of the first
QUANTILES = (0.15, 0.45, 0.8)  #: quantiles of the latencies of random networks: the three budgets
SHIPPED = 1  #: index of the budget whose network ships: the middle one
ENOUGH = StoppingRule(3, 4)  #: least and most processes that time each block: a demo lasts minutes
HELD_OUT = 12  #: networks timed whole before the search, to validate the table


def demo_order() -> ShipRequest:
    """Return the request of the demo, for ``edgenas.ship.pipeline``."""
    from edgenas.search.spaces import space
    from edgenas.ship.order import ShipRequest
    from edgenas.training.digits import FULL_RECIPE

    return ShipRequest(
        space("digits"),
        "digits",
        FULL_RECIPE,
        quantiles=QUANTILES,
        shipped=SHIPPED,
        runtimes=RUNTIMES,
        algorithms={"mathnas": {"power": 0.0}, "layernas": {"buckets": 2, "fill": "mid"}},
        enough=ENOUGH,
        held_out=HELD_OUT,
    )
