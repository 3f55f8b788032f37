"""Latency tables of a run: measured and validated by the run, or brought by the user."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.files import copy_file
from edgenas.base.listener import SILENT, Listener
from edgenas.base.reading import read_bytes
from edgenas.latency_tables.whole import LEAST
from edgenas.runs.layout import IMPORTED_TABLE, table_name
from edgenas.search.budgets import BudgetRequest, Budgets, open_budgets, open_latency, quantile_budgets
from edgenas.ship.order import ShipRequest

if TYPE_CHECKING:
    from edgenas.devices.inventory import Entry
    from edgenas.latency_tables.imported import ImportedTable
    from edgenas.latency_tables.setting import Setting
    from edgenas.latency_tables.table import LatencyTable
    from edgenas.latency_tables.validation import Validation


@dataclass
class ShipTables:
    """The tables of one run in ``folder``: one of each runtime, or the imported one that the order names."""

    folder: Path
    entry: Entry
    order: ShipRequest
    seed: int = 0
    listener: Listener = SILENT

    @cached_property
    def imported(self) -> ImportedTable | None:
        """The imported table that the order names; None where tables are measured."""
        from edgenas.latency_tables.imported import read_imported
        from edgenas.latency_tables.store.open import is_imported

        given = self.order.table
        return read_imported(given) if given is not None and is_imported(given) else None

    @property
    def setting(self) -> Setting | None:
        """Setting of the measured table of the budget; None for an imported table."""
        from edgenas.latency_tables.store.journal import read_table

        return None if self.imported else read_table(self.path(self.order.runtimes[0])).setting

    def path(self, runtime: str) -> Path:
        """Return the file of a table in the run's folder."""
        return self.folder / (IMPORTED_TABLE if self.imported else table_name(runtime, self.order.precision))

    def check(self) -> None:
        """Check the table that is given or measured, before anything else is measured, trained or written.

        InputError where the table is of another runtime or precision, or an imported one lacks blocks; BudgetError
        where it has all blocks, and no network is inside a budget by their mean latencies.
        """
        from edgenas.latency_tables.store.journal import read_table

        order, runtime = self.order, self.order.runtimes[0]
        own = self.path(runtime)
        path = own if own.exists() else order.table
        if path is None:
            return
        if self.imported is not None:
            assert order.table is not None
            if own.exists() and read_bytes(own) != read_bytes(order.table):
                raise InputError(
                    f"{self.folder} holds a run with another imported table than {order.table}; name another folder "
                    "with -o, or that table"
                )
            open_budgets(self._request(order.table), order.space)
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

    def read(self) -> dict[str, LatencyTable | ImportedTable]:
        """Return the table of each runtime, measured where it is not there yet; or the imported one as 'imported'."""
        if self.imported is None:
            return {runtime: self._measured(runtime) for runtime in self.order.runtimes}
        path = self.path("")
        assert self.order.table is not None
        if not path.exists():
            copy_file(self.order.table, path)
        if len(self.imported.networks) < LEAST:
            self.listener.message(f"{self.order.table} was imported: nothing proves that its sums predict networks")
        if not self.order.measured:
            self.listener.message(
                "no device is named, so networks and files are not timed; where it is at hand, add: --device NAME"
            )
        return {"imported": self.imported}

    def _measured(self, runtime: str) -> LatencyTable:
        from edgenas.latency_tables.store.frames import write_csv
        from edgenas.latency_tables.store.journal import read_table
        from edgenas.profiler.fill import TableJob, fill
        from edgenas.profiler.plan import Plan
        from edgenas.profiler.workers import runtime_named

        order, path = self.order, self.path(runtime)
        if order.table is not None and not path.exists():
            copy_file(order.table, path)
        if order.table is None:
            plan = order.plan(self.entry.cores)
        else:  # blocks that the table lacks are measured in the setting of the others
            known = read_table(path)
            if known.prior is not None and not set(known.missing(order.space.blocks())) - known.prior.ms.keys():
                return known  # its other blocks are predicted, from those that were measured and from the prior
            plan = Plan.of(known.setting)
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

    def validation(self) -> Validation | None:
        """Return the validation of the table of the budget, measured where it has none; None for an imported table."""
        from edgenas.latency_tables.store.journal import read_table
        from edgenas.latency_tables.validation import latest
        from edgenas.tables.validate import ValidationRequest, validate

        if self.imported is not None:
            return None
        path = self.path(self.order.runtimes[0])
        table = read_table(path)
        known = latest(table, None, self.order.space.name)
        # a table that was carried over to this device was validated with as many networks as the user then wanted
        if known is not None and (table.prior is not None or len(known.networks) >= self.order.held_out):
            return known
        request = ValidationRequest(self.order.space, self.order.held_out, processes=3, chains=False, seed=self.seed)
        return validate(
            self.entry,
            path,
            request,
            force=self.order.force,
            listener=self.listener.named("networks and blocks"),
        )

    def budgets(self) -> Budgets:
        """Return the budgets, and the costs of the table of this run."""
        order = self.order
        request = self._request(self.path(order.runtimes[0]))
        if not request.ms:
            cost = open_latency(request, order.space).cost
            request = replace(request, ms=quantile_budgets(order.space, cost, order.quantiles, self.seed))
        kept = open_budgets(request, order.space)
        for text in kept.messages:
            self.listener.message(text)
        return kept

    def _request(self, table: Path) -> BudgetRequest:
        plain = self.imported is not None and len(self.imported.networks) < LEAST
        return replace(self.order.budget, table=table, unvalidated=plain, measured_again=self.order.measured)
