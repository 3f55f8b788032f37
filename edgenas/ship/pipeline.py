"""The steps of ``ship``: from a space and pictures to a network whose files are proved to be inside the budget.

tables -> validation -> search -> finalists timed whole -> the winner trained -> files -> accuracy and latency of each

Each result is written into one folder as soon as it is known. Latency tables and judged networks are journals, and
trainings have checkpoints: a run that was stopped continues when it is started again with the same folder.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.files import copy_file
from edgenas.base.listener import SILENT, Listener
from edgenas.runs.finalists import Finalist
from edgenas.runs.layout import FINALISTS, TRIALS, table_name
from edgenas.search.accuracy.image_task import NAMES, make_run_folder
from edgenas.search.budgets import Budgets, open_budgets, open_latency, quantile_budgets
from edgenas.search.record import SearchRecord, run_searches
from edgenas.search.spaces.sizes import undivided
from edgenas.ship.finalists import kept_finalists
from edgenas.ship.finish import FinishedFiles, Finisher
from edgenas.ship.order import ShipRequest
from edgenas.ship.published import with_published
from edgenas.training.sizes import at_size

if TYPE_CHECKING:
    from edgenas.devices.inventory import Entry
    from edgenas.latency_tables.table import LatencyTable
    from edgenas.latency_tables.validation import Validation
    from edgenas.search.problem import Cost
    from edgenas.search.space import Choice, Space
    from edgenas.training.data import ImageData


@dataclass(frozen=True)
class ShipResult:
    """Results of a run: everything that the report needs.

    tables   runtime -> its latency table
    kept     costs, budgets and limits of the search
    proof    validation of the first table
    winner   the network that ships
    """

    order: ShipRequest
    data: ImageData
    tables: dict[str, LatencyTable]
    kept: Budgets
    proof: Validation
    record: SearchRecord
    finalists: list[Finalist]
    winner: Choice
    finished: FinishedFiles

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

    STEPS = 7

    def run(self) -> ShipResult:
        """Carry out all steps in order.

        OutcomeError where none of the most accurate networks found is inside the budget when it is timed whole.
        """
        order, space = self.order, self.order.space
        self._check_table()
        if undivided(space):
            self.listener.message(undivided(space))
        make_run_folder(self.folder, order.images, self.listener)
        self._check()
        with self._timed("tables", f"measuring {len(space.blocks())} blocks of the space {space.name}"):
            tables = {runtime: self._table(runtime) for runtime in order.runtimes}
        self._check_table()
        with self._timed("validation", f"timing {order.held_out} held-out networks whole, to validate the table"):
            proof = self._validation()
        kept = self._budgets()
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
            tables[order.runtimes[0]].setting,
            self.data,
            self.seed,
            proof.statistic,
            budget_ms,
            self.listener,
        )
        with self._timed("finalists", f"timing the most accurate networks within {budget_ms:g} ms whole"):
            path = self.folder / FINALISTS
            finalists = kept_finalists(path, space, record, budget_ms, finishing.time_whole, also)
        inside = [each for each in finalists if each.verdict.within_budget]
        if not inside:
            raise OutcomeError(
                f"none of the {len(finalists)} networks timed whole on {self.entry.name} is inside {budget_ms:g} ms; "
                f"its table cannot be trusted; close other programs there, and run the same command again"
            )
        published = {space.key(trial.choice) for trial in also}
        best = inside[: order.trained] + [e for e in inside[order.trained :] if e.key in published]
        with self._timed(
            "training", f"training {'the winner' if len(best) == 1 else f'the best {len(best)} networks'}"
        ):
            trained = {each.key: finishing.train(space.architecture(space.parse(each.key))) for each in best}
        key = max(trained, key=lambda key: trained[key].accuracy)  # the first of equals
        winner = space.parse(key)
        with self._timed("shipping", f"exporting {key}, running and timing every file"):
            finished = finishing.finish(space.architecture(winner), trained[key], kept.priced.cost)
        return ShipResult(
            order, at_size(self.data, space.size_of(winner)), tables, kept, proof, record, finalists, winner, finished
        )

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
        trains = order.images is not None and order.judge in NAMES
        recipes = [order.recipe, *([order.images.judging_recipe(order.judge)] if order.images and trains else [])]
        for data, recipe in product(self.data, recipes):
            check_fit(space.architecture(space.at_size(sample, data.in_size)), data, recipe)
        if set(order.precisions) - {"fp32"}:
            from edgenas.profiler.export.quantize_tflite import tools

            tools()

    def _check_table(self) -> None:
        """Check the table that is given or measured, before anything else is measured, trained or written.

        InputError where the table is of another runtime or precision; BudgetError where it has all blocks, and no
        network is inside a budget by their mean latencies.
        """
        from edgenas.latency_tables.store.journal import read_table

        order, runtime = self.order, self.order.runtimes[0]
        own = self._path(runtime)
        path = own if own.exists() else order.table
        if path is None:
            return
        table = read_table(path)
        setting = table.setting
        if (setting.runtime, setting.precision) != (runtime, order.precision):
            raise InputError(
                f"{path} is of {setting.precision} blocks under {setting.runtime}, but the budget is of "
                f"{order.precision} blocks under {runtime}; name such a table, or leave out --table"
            )
        if order.budget.ms and not table.missing(order.space.blocks()):
            means = replace(order.budget, table=path, unvalidated=True, uncertainty="mean")
            open_budgets(means, order.space)

    @contextmanager
    def _timed(self, name: str, text: str) -> Iterator[None]:
        self.listener.step(text)
        begin = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - begin, 1)

    def _path(self, runtime: str) -> Path:
        return self.folder / table_name(runtime, self.order.precision)

    def _table(self, runtime: str) -> LatencyTable:
        from edgenas.latency_tables.store.frames import write_csv
        from edgenas.latency_tables.store.journal import read_journal
        from edgenas.profiler.fill import TableJob, fill
        from edgenas.profiler.plan import Plan
        from edgenas.profiler.workers import runtime_named

        order, path = self.order, self._path(runtime)
        if order.table is not None and not path.exists():
            copy_file(order.table, path)
        if order.table is None:
            plan = Plan(cores=self.entry.cores, precision=order.precision)
        else:  # blocks that the table lacks are measured in the setting of the others
            plan = Plan.of(read_journal(path).table.setting)
        table = TableJob([self.entry], runtime_named(runtime), path, plan)
        campaign = fill(
            {runtime: table},
            order.space.blocks(),
            order.enough,
            order.force,
            self.listener,
        )[runtime]
        if isinstance(campaign, Exception):
            raise campaign
        missing = campaign.table.missing(order.space.blocks())
        if missing:
            why = campaign.failures[0].message if campaign.failures else "no reason given"
            raise OutcomeError(f"{len(missing)} blocks were not measured under {runtime}, such as {missing[0]}: {why}")
        write_csv(campaign.table.to_frame(), path.with_suffix(".csv"))
        return campaign.table

    def _validation(self) -> Validation:
        from edgenas.latency_tables.store.journal import read_table
        from edgenas.latency_tables.validation import latest
        from edgenas.tables.validate import ValidationRequest, validate

        path = self._path(self.order.runtimes[0])
        known = latest(read_table(path), None, self.order.space.name)
        if known is not None and len(known.networks) >= self.order.held_out:
            return known
        request = ValidationRequest(self.order.space, self.order.held_out, processes=3, chains=False, seed=self.seed)
        return validate(
            self.entry,
            path,
            request,
            force=self.order.force,
            listener=self.listener.named("networks and blocks"),
        )

    def _budgets(self) -> Budgets:
        """Return the budgets, and the costs of the table that this run measured and validated."""
        order = self.order
        request = replace(order.budget, table=self._path(order.runtimes[0]), measured_again=True)
        if not request.ms:
            cost = open_latency(request, order.space).cost
            request = replace(request, ms=quantile_budgets(order.space, cost, order.quantiles, self.seed))
        kept = open_budgets(request, order.space)
        for text in kept.messages:
            self.listener.message(text)
        return kept

    def _search(self, kept: Budgets) -> SearchRecord:
        from edgenas.search.accuracy.by_name import open_accuracy
        from edgenas.search.journal import TrialCache

        order = self.order
        journal = self.folder / TRIALS
        quiet = self.listener.quiet()  # ``data`` has already sent the notes on the pictures as messages
        with (
            open_accuracy(
                order.judge, order.space, self.seed, self.workers, listener=quiet, images=order.images
            ) as judge,
            TrialCache(order.space, judge, journal) as cache,
        ):
            return run_searches(
                lambda budget: kept.problem(order.space, judge, budget, self.seed),
                kept.budgets,
                order.algorithms,
                cache,
                max_trials=order.max_trials,
                error_share=kept.priced.error_share,
                cost=kept.priced.cost,
                listener=self.listener,
            )
