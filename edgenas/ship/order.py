"""What ``ship`` and ``demo`` are to make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.profiler.export.quantize import Precision
from edgenas.profiler.stopping import StoppingRule
from edgenas.search.budgets import BudgetRequest

if TYPE_CHECKING:
    from edgenas.search.accuracy.image_task import ImageTask
    from edgenas.search.space import Space
    from edgenas.training.data import TrainRecipe


@dataclass(frozen=True)
class ShipRequest:
    """What is to be made, and by which means.

    judge       of networks during the search, as ``edgenas.search.accuracy.by_name`` names it, on ``images``, or
                scikit-learn's digits
                where there are none
    recipe      that the winner is trained by
    budget      in ms; without any, those of ``quantiles`` of the latencies of random networks. Its table is measured
                here; finalists are timed whole, so that what is found counts as measured again
    shipped     which of the budgets the network that ships is to keep
    runtimes    whose tables are measured; the budget is in the first one's milliseconds
    precisions  of the files; the first is what is measured, and shipped
    algorithms  name -> its options
    held_out    networks timed whole, to validate the table
    trained     of the finalists inside the budget, the most accurate so many are trained in full, and the best of them
                by its validation accuracy ships: what judges a search ranks networks, and errs among the best
    table       a table of the space that was measured before
    reduce_range  whether weights of int8 ONNX files have 7 bits; None: where the device needs it
                  (``edgenas.profiler.target``)
    """

    space: Space
    judge: str
    recipe: TrainRecipe
    images: ImageTask | None = None
    budget: BudgetRequest = field(default_factory=BudgetRequest)
    quantiles: tuple[float, ...] = ()
    shipped: int = 0
    runtimes: tuple[str, ...] = ("litert",)
    precisions: tuple[Precision, ...] = ("fp32",)
    algorithms: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    max_trials: int | None = None
    enough: StoppingRule = field(default_factory=StoppingRule)
    held_out: int = 24
    trained: int = 1
    table: Path | None = None
    force: bool = False
    reduce_range: bool | None = None

    @property
    def precision(self) -> Precision:
        return self.precisions[0]
