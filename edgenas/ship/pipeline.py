"""The steps of ``ship``: from a space and pictures to a network whose files are proved to be inside the budget.

tables -> validation -> search -> finalists timed whole -> the winner trained -> files -> accuracy and latency of each

Each result is written into one folder as soon as it is known. Latency tables and judged networks are journals, and
trainings have checkpoints: a run that was stopped continues when it is started again with the same folder.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.base.errors import OutcomeError
from edgenas.base.listener import SILENT, Listener
from edgenas.latency_tables.statistics.estimates import DEFAULT
from edgenas.runs.finalists import Finalist
from edgenas.runs.layout import FINALISTS, TRIALS
from edgenas.runs.run import BroughtTable
from edgenas.search.accuracy.estimate_by_name import fed_by
from edgenas.search.accuracy.image_task import NAMES, make_run_folder
from edgenas.search.budgets import Budgets
from edgenas.search.record import SearchRecord, run_searches
from edgenas.search.spaces.sizes import undivided
from edgenas.ship.finalists import kept_finalists, predicted_finalists
from edgenas.ship.finish import FinishedFiles, Finisher
from edgenas.ship.order import ShipRequest
from edgenas.ship.published import with_published
from edgenas.ship.tables import ShipTables
from edgenas.training.sizes import at_size

if TYPE_CHECKING:
    from edgenas.devices.inventory import Entry
    from edgenas.latency_tables.imported import ImportedTable
    from edgenas.latency_tables.table import LatencyTable
    from edgenas.latency_tables.validation import Validation
    from edgenas.search.problem import Cost, Trial
    from edgenas.search.space import Choice, Space
    from edgenas.training.data import ImageData


@dataclass(frozen=True)
class ShipResult:
    """Results of a run: everything that the report needs.

    tables   runtime -> its latency table; 'imported' -> the imported table that the user brought
    kept     costs, budgets and limits of the search
    proof    validation of the first table; None for an imported one
    winner   the network that ships
    estimate error of the predicted accuracies, where the judge is an estimate
    """

    order: ShipRequest
    data: ImageData
    tables: dict[str, LatencyTable | ImportedTable]
    kept: Budgets
    proof: Validation | None
    record: SearchRecord
    finalists: list[Finalist]
    winner: Choice
    finished: FinishedFiles
    estimate: dict[str, Any] | None = None

    @property
    def space(self) -> Space:
        return self.order.space

    @property
    def cost(self) -> Cost:
        """Cost that predicts the latency of networks, ms."""
        return self.kept.priced.cost

    @property
    def budgets(self) -> tuple[float, ...]:
        """Budgets of the search, ms."""
        return self.kept.budgets

    @property
    def budget_ms(self) -> float:
        """Budget that the network that ships must keep, ms."""
        return self.budgets[self.order.shipped]

    @property
    def statistic(self) -> str:
        """Statistic of the table that predicts."""
        assert self.kept.priced.statistic is not None  # the budget is in ms
        return self.kept.priced.statistic

    @property
    def brought(self) -> BroughtTable | None:
        """The imported table of the run, and what it predicts; None where the run measured its table."""
        from edgenas.latency_tables.imported import ImportedTable

        table = next(iter(self.tables.values()))
        if not isinstance(table, ImportedTable):
            return None
        return BroughtTable.of(table, self.finished.predicted_ms, self.kept.priced.error_share)


@dataclass
class ShipPipeline:
    """One run in ``folder``; ``listener`` gets its steps, STEPS of them, and ``seconds`` the duration of each."""

    folder: Path
    entry: Entry
    order: ShipRequest
    seed: int = 0
    workers: int = 2
    listener: Listener = SILENT
    seconds: dict[str, float] = field(default_factory=dict)
    estimate: tuple[str, dict[str, Any]] | None = None  #: the error of an estimate's predictions, in words and numbers

    STEPS = 7

    def run(self) -> ShipResult:
        """Carry out all steps in order.

        OutcomeError where none of the most accurate networks found is inside the budget when it is timed whole.
        """
        order, space = self.order, self.order.space
        known = ShipTables(self.folder, self.entry, order, self.seed, self.listener)
        known.check()
        if undivided(space):
            self.listener.message(undivided(space))
        make_run_folder(self.folder, order.images, self.listener)
        self._check()
        step = f"measuring {len(space.blocks())} blocks of the space {space.name}"
        with self._timed("tables", f"taking the imported table {order.table}" if known.imported else step):
            tables = known.read()
        known.check()
        step = f"timing {order.held_out} held-out networks whole, to validate the table"
        with self._timed("validation", "no validation of an imported table" if known.imported else step):
            proof = known.validation()
        kept = known.budgets()
        budgets = kept.budgets
        shown = ", ".join(f"{budget:g}" for budget in budgets)
        with self._timed("search", f"searching {space.networks:,} networks for {shown} ms, judged by {order.judge}"):
            record, also = with_published(
                self._search(kept), order, self.folder, self.seed, self.workers, self.listener
            )
        budget_ms = budgets[order.shipped]
        finishing = Finisher(
            self.folder,
            self.entry,
            order,
            known.setting,
            self.data,
            self.seed,
            DEFAULT if proof is None else proof.statistic,
            budget_ms,
            self.listener,
        )
        finalists, best = self._finalists(finishing, record, budget_ms, also)
        with self._timed(
            "training", f"training {'the winner' if len(best) == 1 else f'the best {len(best)} networks'}"
        ):
            trained = {key: finishing.train(space.architecture(space.parse(key))) for key in best}
        key = max(trained, key=lambda key: trained[key].accuracy)  # the first of equals
        winner = space.parse(key)
        with self._timed("shipping", f"exporting {key}, running {'and timing ' if order.measured else ''}every file"):
            finished = finishing.finish(space.architecture(winner), trained[key], kept.priced.cost)
        data, estimate = at_size(self.data, space.size_of(winner)), self.estimate and self.estimate[1]
        return ShipResult(order, data, tables, kept, proof, record, finalists, winner, finished, estimate)

    @cached_property
    def data(self) -> tuple[ImageData, ...]:
        """Images that networks are trained and judged on, at each size of the space."""
        if self.order.images is None:
            from edgenas.training.digits import digits

            return tuple(digits(size) for size in self.order.space.sizes)
        return self.order.images.read(self.order.space, self.listener)

    def _check(self) -> None:
        """Check before the first step for errors that would otherwise appear after hours: missing packages, trainings
        that do not fit the images.
        """
        from edgenas.training.network import check_fit

        order, space = self.order, self.order.space
        sample = space.sample(random.Random(self.seed))
        judge = fed_by(order.judge)
        trains = order.images is not None and judge in NAMES
        recipes = [order.recipe, *([order.images.judging_recipe(judge)] if order.images and trains else [])]
        for data, recipe in product(self.data, recipes):
            check_fit(space.architecture(space.at_size(sample, data.in_size)), data, recipe)
        if set(order.precisions) - {"fp32"}:
            from edgenas.profiler.export.quantize_tflite import tools

            tools()

    def _finalists(
        self, finishing: Finisher, record: SearchRecord, budget_ms: float, also: Sequence[Trial]
    ) -> tuple[list[Finalist], list[str]]:
        """Return the networks that were timed whole, and the keys of those to train; without a device, the most
        accurate networks inside the budget by the table.

        OutcomeError where none of the networks that were timed is inside the budget.
        """
        order, space = self.order, self.order.space
        published = {space.key(trial.choice) for trial in also}
        if not order.measured:
            with self._timed("finalists", f"taking the most accurate networks within {budget_ms:g} ms by the table"):
                keys = predicted_finalists(space, record, budget_ms, also)
            return [], keys[: order.trained] + [key for key in keys[order.trained :] if key in published]
        with self._timed("finalists", f"timing the most accurate networks within {budget_ms:g} ms whole"):
            path = self.folder / FINALISTS
            finalists = kept_finalists(path, space, record, budget_ms, finishing.time_whole, also)
        inside = [each.key for each in finalists if each.verdict.within_budget]
        if not inside:
            raise OutcomeError(
                f"none of the {len(finalists)} networks timed whole on {self.entry.name} is inside {budget_ms:g} ms; "
                f"its table cannot be trusted; close other programs there, and run the same command again"
            )
        return finalists, inside[: order.trained] + [key for key in inside[order.trained :] if key in published]

    @contextmanager
    def _timed(self, name: str, text: str) -> Iterator[None]:
        self.listener.step(text)
        begin = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - begin, 1)

    def _search(self, kept: Budgets) -> SearchRecord:
        from edgenas.search.accuracy.estimate_by_name import estimate_facts
        from edgenas.search.journal import TrialCache

        order = self.order
        journal = self.folder / TRIALS
        quiet = self.listener.quiet()  # ``data`` has already sent the notes on the pictures as messages
        with (
            order.open_judge(self.folder, self.seed, self.workers, quiet) as judge,
            TrialCache(order.space, judge, journal) as cache,
        ):
            found = run_searches(
                lambda budget: kept.problem(order.space, judge, budget, self.seed),
                kept.budgets,
                order.algorithms,
                cache,
                max_trials=order.max_trials,
                error_share=kept.priced.error_share,
                cost=kept.priced.cost,
                listener=self.listener,
            )
            self.estimate = estimate_facts(judge)
        if self.estimate:
            self.listener.message(f"the estimate of accuracies: {self.estimate[0]}")
        return found
