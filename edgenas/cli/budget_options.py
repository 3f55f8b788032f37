"""Options of budgets, and of the latency tables that a search predicts from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import Any

import click

from edgenas.cli.budget_type import BUDGET_MS, Budget
from edgenas.cli.completions import STATISTICS, tables, words
from edgenas.cli.paths import UserPath
from edgenas.search.budgets import BudgetRequest

uncertainty_option = click.option(
    "--uncertainty",
    type=click.Choice(("mean", "upper", "rss")),
    help="Latency that is compared with a budget. mean: the sum of block means; upper: the sum of each block's upper "
    "95 % bound; rss: the mean plus the root of the sum of squares  [default: upper; rss where the result is measured "
    "again before it is accepted, as with --remeasure, ship and demo; mean for imported tables]",
)

unvalidated_option = click.option(
    "--unvalidated", is_flag=True, help="Use a table that edgenas table validate has not validated."
)

limit_option = click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="FILE=MOST",
    help="Limit on a cost of your own, such as energy: FILE, CSV or JSON, has the columns block, cost, unit for each "
    "block of the space, and a network's cost is their sum; repeat for more costs.",
)

_OPTIONS = (
    click.option("--table", type=UserPath(dir_okay=False, path_type=Path), shell_complete=tables,
                 help="Latency table, for --budget-ms."),
    click.option("--statistic", shell_complete=words(*STATISTICS),
                 help="Statistic of the table's samples: min, median or p90; mean for an imported table  "
                 "[default: the one that its validation found best]"),
    unvalidated_option,
    click.option("--predict", is_flag=True, help="Predict the blocks that the table lacks from those that it has; see "
                 "profile --for-search."),
    uncertainty_option,
    click.option("--budget-ms", "ms", type=BUDGET_MS, multiple=True, help="Latency budget in ms; repeat for several."),
    click.option("--budget-macs", "macs", type=Budget("MACs"), multiple=True, help="Budget in MACs, such as 60e6. A "
                 "network must keep budgets of all kinds at once; one kind may have several values."),
    click.option("--budget-params", "params", type=Budget("params"), multiple=True, help="Budget in parameters."),
    click.option("--budget-mb", "mb", type=Budget("MB"), multiple=True, help="Budget in MB (10^6 bytes) of weights in "
                 "single precision."),
    click.option("--budget-memory-mb", "memory_mb", type=Budget("MB"), multiple=True, help="Limit of the activations "
                 "that are in memory at once, in MB in single precision; used beside another budget."),
    click.option("--also", multiple=True, metavar="TABLE=MS", help="Latency limit in ms on another device, with that "
                 "device's table; repeat for more devices."),
    limit_option,
)  # fmt: skip


def budget_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add all of these options to a command, which receives them as one ``request``."""

    @wraps(command)
    def collected(**given: Any) -> None:
        request = BudgetRequest(
            **{field.name: given.pop(field.name) for field in fields(BudgetRequest) if field.name in given}
        )
        command(request=request, **given)

    for option in reversed(_OPTIONS):
        collected = option(collected)
    return collected
