"""Filling latency tables, one or several side by side, each from one device or from a pool of them."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgenas.base.errors import EdgenasError
from edgenas.blocks.spec import BlockSpec
from edgenas.devices.inventory import Entry
from edgenas.profiler.campaign import Campaign, profile_pool
from edgenas.profiler.export.quantize import table_writer
from edgenas.profiler.fleet import Sleep, run_fleet
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes.base import Runtime
from edgenas.profiler.stopping import StoppingRule
from edgenas.profiler.work import CampaignProgress
from edgenas.profiler.workers import conditions, open_worker


@dataclass(frozen=True, slots=True)
class TableJob:
    """A table to fill: the devices, all of one kind, and how they measure."""

    entries: Sequence[Entry]
    runtime: Runtime
    path: Path
    plan: Plan


def fill(
    tables: Mapping[str, TableJob],
    blocks: Sequence[BlockSpec],
    enough: StoppingRule,
    force: bool,
    progress: Callable[[str, CampaignProgress], None],
    say: Callable[[str], None],
    *,
    chains: bool = False,
) -> dict[str, Campaign | Exception]:
    """Measure ``blocks`` for every table (label -> table), side by side; label -> what became of it. ``progress`` and
    ``say`` are called from several threads."""

    def campaign(label: str, sleep: Sleep) -> Campaign:
        table = tables[label]
        return profile_pool(
            [open_worker(entry, table.runtime.name) for entry in table.entries],
            table.runtime,
            blocks,
            table.path,
            plan=table.plan,
            writer=table_writer(table.runtime.format, table.plan.precision),
            enough=enough,
            chains=chains,
            conditions=conditions(table.entries, force, say, sleep),
            progress=lambda told: progress(label, told),
        )

    if len(tables) == 1:  # in this thread, where Ctrl-C arrives at once
        (label,) = tables
        try:
            return {label: campaign(label, time.sleep)}
        except EdgenasError as error:
            return {label: error}
    return run_fleet({label: functools.partial(campaign, label) for label in tables})
