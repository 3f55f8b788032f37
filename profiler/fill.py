"""Filling of latency tables: one or several in parallel, each from one device or from a pool of devices."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgenas.base.errors import EdgenasError
from edgenas.base.listener import Listener
from edgenas.blocks.spec import BlockSpec
from edgenas.devices.inventory import Entry
from edgenas.latency_tables.store.journal import read_table
from edgenas.profiler.campaign import Campaign, profile_pool
from edgenas.profiler.export.quantize import table_writer
from edgenas.profiler.fleet import Sleep, run_fleet
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes.base import Runtime
from edgenas.profiler.stopping import StoppingRule
from edgenas.profiler.workers import conditions, open_worker


@dataclass(frozen=True, slots=True)
class TableJob:
    """A table to fill: its devices, all of one kind, and the runtime and plan with which they measure."""

    entries: Sequence[Entry]
    runtime: Runtime
    path: Path
    plan: Plan


def fill(
    tables: Mapping[str, TableJob],
    blocks: Sequence[BlockSpec],
    enough: StoppingRule,
    force: bool,
    listener: Listener,
    *,
    chains: bool = False,
    only_delegated: bool = False,
) -> dict[str, Campaign | Exception]:
    """Measure ``blocks`` for every table (label -> table), in parallel. Return for each label the campaign, or the
    error that ended it. ``listener`` is called from several threads; progress is named by the label. With
    ``only_delegated``, blocks that the delegate of a table did not take whole are not tried again."""

    def campaign(label: str, sleep: Sleep) -> Campaign:
        table = tables[label]
        known = read_table(table.path).left_to_cpu if only_delegated and table.path.exists() else ()
        return profile_pool(
            [open_worker(entry, table.runtime.name, table.plan.requested) for entry in table.entries],
            table.runtime,
            [block for block in blocks if block not in known],
            table.path,
            plan=table.plan,
            writer=table_writer(table.runtime.format, table.plan.precision),
            enough=enough,
            chains=chains,
            conditions=conditions(table.entries, force, listener.named(label), sleep),
        )

    if len(tables) == 1:  # in this thread, which Ctrl-C interrupts at once
        (label,) = tables
        try:
            return {label: campaign(label, time.sleep)}
        except EdgenasError as error:
            return {label: error}
    return run_fleet({label: functools.partial(campaign, label) for label in tables})
