"""The request of ``ship`` and ``demo``: the space, the budget, and the options of every step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.profiler.export.quantize import Precision
from edgenas.profiler.stopping import StoppingRule
from edgenas.runs.layout import ESTIMATE_TRIALS
from edgenas.search.budgets import BudgetRequest

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from edgenas.base.listener import Listener
    from edgenas.profiler.plan import Plan
    from edgenas.search.accuracy.image_task import ImageTask
    from edgenas.search.problem import Accuracy
    from edgenas.search.published import PublishedMember
    from edgenas.search.space import Space
    from edgenas.training.data import TrainRecipe


@dataclass(frozen=True)
class ShipRequest:
    """A request: what to make, and how.

    judge         judge of networks during the search, by its name in ``edgenas.search.accuracy.by_name``; it trains on
                  ``images``, or on scikit-learn's digits where ``images`` is None
    estimate      options of 'estimate:JUDGE', where the judge is one
    recipe        training recipe of the winner
    budget        budgets in ms; where there are none, the ``quantiles`` of the latencies of random networks. The run
                  measures the table itself. Finalists are timed whole, so the search treats its winners as measured
                  again
    shipped       index of the budget that the network that ships must keep
    runtimes      runtimes whose tables are measured; the budget is in milliseconds of the first
    precisions    precisions of the files; the first is measured, and its file must keep the budget
    algorithms    name of an algorithm -> its options
    enough        when a block is measured precisely enough
    held_out      number of networks timed whole to validate the table
    trained       number of finalists inside the budget, most accurate first, that are trained in full; the one with the
                  best validation accuracy ships. A judge only ranks networks, and errs among the best
    table         a table of the space: measured before, or imported; None: the run measures one
    measured      False: no device is at hand, and networks and files are not timed; for imported tables only
    reduce_range  True: weights of int8 ONNX files have 7 bits; None: where the device needs it
                  (``edgenas.profiler.target``)
    delegate      what computes the blocks and the file that must keep the budget, such as 'gpu'; '' for what the first
                  runtime does by itself. ``partial`` and ``software`` are those of a plan
    scratch       recipe of one more training of the network that ships, from random weights, to compare with; None:
                  there is none
    published     published weights, and the member of the space that has them: it competes, and all trainings of
                  finalists begin from its weights
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
    estimate: Mapping[str, Any] = field(default_factory=dict)
    max_trials: int | None = None
    enough: StoppingRule = field(default_factory=StoppingRule)
    held_out: int = 24
    trained: int = 1
    table: Path | None = None
    measured: bool = True
    force: bool = False
    reduce_range: bool | None = None
    delegate: str = ""
    partial: bool = False
    software: bool = False
    published: PublishedMember | None = None
    scratch: TrainRecipe | None = None

    def plan(self, cores: tuple[int, ...] | None) -> Plan:
        """Return the plan of the first table, pinned to ``cores``."""
        from edgenas.profiler.plan import Plan

        return Plan(
            cores=cores,
            precision=self.precision,
            requested=self.delegate,
            partial=self.partial,
            software=self.software,
        )

    def open_judge(self, folder: Path, seed: int, workers: int, listener: Listener) -> AbstractContextManager[Accuracy]:
        """Open the judge of networks; the networks that an estimate is fitted to are kept in ``folder``."""
        from edgenas.search.accuracy.by_name import open_accuracy
        from edgenas.search.accuracy.estimate_by_name import EstimateRequest

        estimate = EstimateRequest(self.estimate, folder / ESTIMATE_TRIALS)
        return open_accuracy(
            self.judge, self.space, seed, workers, listener=listener, images=self.images, estimate=estimate
        )

    @property
    def precision(self) -> Precision:
        """Precision of the tables and of the file that must keep the budget."""
        return self.precisions[0]
